namespace KkiMesh.Contracts.Matchmaking.V1;

/// <summary>A named part of a score.</summary>
/// <param name="Name">What is compared: <c>fields</c>, <c>competences</c>, <c>looks-for</c> or <c>place</c>.</param>
/// <param name="Points">What it gives; 0 to <paramref name="OutOf"/>.</param>
/// <param name="OutOf">What it can give at the most.</param>
/// <param name="Sl">Why, in a Slovene sentence.</param>
/// <param name="En">Why, in an English sentence.</param>
public sealed record ScorePart(string Name, int Points, int OutOf, string Sl, string En);

/// <summary>A subject fits an open challenge, or fits it differently than before: the newest of these counts.</summary>
/// <param name="ChallengeId">The challenge.</param>
/// <param name="SubjectId">The subject.</param>
/// <param name="Score">The sum of the parts, 1 to 100.</param>
/// <param name="Parts">How the score came about.</param>
[PublicEvent("kki.matchmaking.match-proposed.v1")]
public sealed record MatchProposed(ChallengeId ChallengeId, SubjectId SubjectId, int Score, IReadOnlyList<ScorePart> Parts);

/// <summary>Why a proposal is taken back.</summary>
public enum WithdrawnBecause
{
    /// <summary>The subject is no longer published.</summary>
    SubjectHidden,

    /// <summary>The subject's profile no longer fits.</summary>
    NoLongerFits,

    /// <summary>It still fits, but as many others as a challenge is proposed fit better.</summary>
    OthersFitBetter,
}

/// <summary>A proposal was taken back.</summary>
/// <param name="ChallengeId">The challenge.</param>
/// <param name="SubjectId">The subject.</param>
/// <param name="Because">Why.</param>
[PublicEvent("kki.matchmaking.match-withdrawn.v1")]
public sealed record MatchWithdrawn(ChallengeId ChallengeId, SubjectId SubjectId, WithdrawnBecause Because);
