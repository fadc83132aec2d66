namespace KkiMesh.Contracts.Challenges.V1;

/// <summary>A challenge that its author wants to publish asks for the money of its awards.</summary>
/// <param name="ChallengeId">The challenge.</param>
/// <param name="Row">The row of the action plan that is to pay, e.g. <c>U3-P4</c>.</param>
/// <param name="FiscalYear">The budget year whose money is asked for.</param>
/// <param name="Amount">The whole pool of awards; more than zero.</param>
/// <param name="Title">The challenge's title.</param>
[PublicEvent("kki.challenges.funds-requested.v1")]
public sealed record FundsRequested(ChallengeId ChallengeId, string Row, int FiscalYear, Money Amount, string Title);

/// <summary>A challenge is open: ideas may be entered until the deadline.</summary>
/// <param name="ChallengeId">The challenge.</param>
/// <param name="Title">Its title.</param>
/// <param name="Description">What is sought, in plain text.</param>
/// <param name="Organiser">The organisation that calls, e.g. <c>RAS</c>.</param>
/// <param name="Row">The row of the action plan that pays.</param>
/// <param name="FiscalYear">The budget year of the money.</param>
/// <param name="Pool">What all awards together may cost at the most.</param>
/// <param name="MaxAwards">How many awards there may be at the most; 1 or more.</param>
/// <param name="Deadline">The instant after which no idea is taken; UTC.</param>
/// <param name="Fields">The fields of the taxonomy (CzK) that are sought, 1 to
/// 13; null or empty where none is said.</param>
/// <param name="Competences">What those who answer should be able to do: lower-case
/// words; null or empty where nothing is said.</param>
[PublicEvent("kki.challenges.challenge-published.v1")]
public sealed record ChallengePublished(
    ChallengeId ChallengeId,
    string Title,
    string Description,
    string Organiser,
    string Row,
    int FiscalYear,
    Money Pool,
    int MaxAwards,
    DateTimeOffset Deadline,
    IReadOnlyList<int>? Fields = null,
    IReadOnlyList<string>? Competences = null);

/// <summary>No money could be had for a challenge: it is a draft again.</summary>
/// <param name="ChallengeId">The challenge.</param>
/// <param name="Reason">Why, in a sentence.</param>
[PublicEvent("kki.challenges.challenge-returned-to-draft.v1")]
public sealed record ChallengeReturnedToDraft(ChallengeId ChallengeId, string Reason);

/// <summary>An idea was entered. Who entered it and what it says stay private until an award.</summary>
/// <param name="ChallengeId">The challenge.</param>
/// <param name="EntryId">The idea.</param>
[PublicEvent("kki.challenges.entry-submitted.v1")]
public sealed record EntrySubmitted(ChallengeId ChallengeId, EntryId EntryId);

/// <summary>An idea was taken back before the deadline. What it said stays private.</summary>
/// <param name="ChallengeId">The challenge.</param>
/// <param name="EntryId">The idea.</param>
[PublicEvent("kki.challenges.entry-withdrawn.v1")]
public sealed record EntryWithdrawn(ChallengeId ChallengeId, EntryId EntryId);

/// <summary>An idea was awarded.</summary>
/// <param name="ChallengeId">The challenge.</param>
/// <param name="EntryId">The idea.</param>
/// <param name="Title">The idea's title.</param>
/// <param name="Recipient">Who is awarded, by the name they chose to be published under.</param>
/// <param name="Row">The row of the action plan that pays.</param>
/// <param name="Amount">The award; more than zero.</param>
/// <param name="Municipality">The code of the municipality where the winner is
/// at home; null where it was not asked.</param>
/// <param name="SubjectId">The winner in the registry; null where the winner is not in it, or did not say.</param>
/// <param name="WinnerKey">Who entered the idea: <see cref="AccountKey"/> for it; null where it is not known.</param>
/// <param name="AwarderKey">Who awarded it: <see cref="AccountKey"/> for it; null where it is not known.</param>
[PublicEvent("kki.challenges.entry-awarded.v1")]
public sealed record EntryAwarded(
    ChallengeId ChallengeId,
    EntryId EntryId,
    string Title,
    string Recipient,
    string Row,
    Money Amount,
    string? Municipality = null,
    SubjectId? SubjectId = null,
    string? WinnerKey = null,
    string? AwarderKey = null);

/// <summary>A challenge is over: no further award will follow, and what its pool has left may be released.</summary>
/// <param name="ChallengeId">The challenge.</param>
/// <param name="Row">The row of the action plan that pays.</param>
/// <param name="Awards">How many ideas were awarded; 0 or more.</param>
/// <param name="Awarded">What the awards cost together.</param>
[PublicEvent("kki.challenges.challenge-concluded.v1")]
public sealed record ChallengeConcluded(ChallengeId ChallengeId, string Row, int Awards, Money Awarded);

/// <summary>
/// What a concluded challenge was decided on was recorded: who keeps the hash can tell later whether an idea, a score or
/// a reason was changed, added or removed.
/// </summary>
/// <param name="ChallengeId">The challenge.</param>
/// <param name="Row">The row of the action plan that pays.</param>
/// <param name="Entries">How many ideas there were; 0 or more.</param>
/// <param name="Record">The hash (SHA-256, hexadecimal) over all ideas and what the jury said of each.</param>
[PublicEvent("kki.challenges.decision-recorded.v1")]
public sealed record DecisionRecorded(ChallengeId ChallengeId, string Row, int Entries, string Record);
