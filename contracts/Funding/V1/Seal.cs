namespace KkiMesh.Contracts.Funding.V1;

/// <summary>The newest transaction of a stream when it was sealed.</summary>
/// <param name="Stream">The stream: a row, or what else the ledger keeps.</param>
/// <param name="Sequence">The transaction's number in the stream.</param>
/// <param name="Hash">Its hash (SHA-256, hexadecimal), over it and all before it.</param>
public sealed record SealedHead(string Stream, long Sequence, string Hash);

/// <summary>
/// The ledger up to here was sealed: the heads of all streams that grew since the seal before. The
/// seal's own hash, over it and all seals before it, holds the whole ledger; whoever keeps it can
/// tell later whether anything sealed was changed or removed.
/// </summary>
/// <param name="Number">The seal's number in the region, from 1.</param>
/// <param name="Heads">The streams that grew, in the order of their names.</param>
/// <param name="BusinessDate">The day.</param>
/// <param name="Through">Up to which of the service's events, in the order of their
/// positions, all is sealed; null in older seals.</param>
[PublicEvent("kki.funding.ledger-sealed.v1")]
public sealed record LedgerSealed(long Number, IReadOnlyList<SealedHead> Heads, DateOnly BusinessDate, long? Through = null);

/// <summary>
/// The record of a challenge's decision is in the ledger from here on, and is sealed with it.
/// </summary>
/// <param name="ChallengeId">The challenge.</param>
/// <param name="Row">The row of the action plan that pays.</param>
/// <param name="Entries">How many ideas there were; 0 or more.</param>
/// <param name="Record">The hash of the record (SHA-256, hexadecimal), as the challenge's service told it.</param>
[PublicEvent("kki.funding.decision-filed.v1")]
public sealed record DecisionFiled(ChallengeId ChallengeId, string Row, int Entries, string Record);
