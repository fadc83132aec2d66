namespace KkiMesh.Contracts.HelpDesk.V1;

/// <summary>A winner is offered mentoring at the nearest support point.</summary>
/// <param name="CaseId">The case.</param>
/// <param name="ChallengeId">The challenge that was won.</param>
/// <param name="EntryId">The idea that won it.</param>
/// <param name="SupportPoint">The support point's key, e.g. <c>kreativnice</c>.</param>
/// <param name="Municipality">The code of the winner's municipality.</param>
/// <param name="DistanceKm">From the seat of the winner's municipality to that of the support
/// point's, as the crow flies; 0 in the same.</param>
[PublicEvent("kki.helpdesk.mentoring-offered.v1")]
public sealed record MentoringOffered(CaseId CaseId, ChallengeId ChallengeId, EntryId EntryId, string SupportPoint, string Municipality, double DistanceKm);

/// <summary>The winner accepted.</summary>
/// <param name="CaseId">The case.</param>
/// <param name="ChallengeId">The challenge.</param>
/// <param name="EntryId">The idea.</param>
[PublicEvent("kki.helpdesk.mentoring-accepted.v1")]
public sealed record MentoringAccepted(CaseId CaseId, ChallengeId ChallengeId, EntryId EntryId);

/// <summary>The winner declined; the case is over.</summary>
/// <param name="CaseId">The case.</param>
/// <param name="ChallengeId">The challenge.</param>
/// <param name="EntryId">The idea.</param>
[PublicEvent("kki.helpdesk.mentoring-declined.v1")]
public sealed record MentoringDeclined(CaseId CaseId, ChallengeId ChallengeId, EntryId EntryId);

/// <summary>A mentor and the winner worked together. What they spoke of stays private.</summary>
/// <param name="CaseId">The case.</param>
/// <param name="ChallengeId">The challenge.</param>
/// <param name="EntryId">The idea.</param>
/// <param name="Minutes">How long; 1 or more.</param>
[PublicEvent("kki.helpdesk.mentoring-session-held.v1")]
public sealed record MentoringSessionHeld(CaseId CaseId, ChallengeId ChallengeId, EntryId EntryId, int Minutes);

/// <summary>How a case ended.</summary>
public enum MentoringOutcome
{
    /// <summary>The idea became real.</summary>
    Realised,

    /// <summary>It goes on elsewhere: another support point, an incubator, an investor.</summary>
    Referred,

    /// <summary>It was given up.</summary>
    GivenUp,
}

/// <summary>A case was closed.</summary>
/// <param name="CaseId">The case.</param>
/// <param name="ChallengeId">The challenge.</param>
/// <param name="EntryId">The idea.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="Minutes">How long mentor and winner worked together in all; 0 or more.</param>
[PublicEvent("kki.helpdesk.mentoring-closed.v1")]
public sealed record MentoringClosed(CaseId CaseId, ChallengeId ChallengeId, EntryId EntryId, MentoringOutcome Outcome, int Minutes);
