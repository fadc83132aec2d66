using System.Text.Json.Serialization;
using KkiMesh.Contracts;
using KkiMesh.Contracts.HelpDesk.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.HelpDesk;

/// <summary>Where a case stands.</summary>
public enum CaseStatus
{
    /// <summary>Offered; the winner has not answered.</summary>
    Offered,

    /// <summary>The winner accepted: mentor and winner work together.</summary>
    Accepted,

    /// <summary>The winner declined; it is over.</summary>
    Declined,

    /// <summary>It ended with an outcome.</summary>
    Closed,
}

/// <summary>How the winner is recognised; private.</summary>
/// <param name="SubjectId">The winner in the registry; null where it is not known.</param>
/// <param name="WinnerKey">Who entered the idea, as an account's key for it; null where it is not known.</param>
public sealed record WinnerNoted(SubjectId? SubjectId, string? WinnerKey);

/// <summary>Why a winner declined; private.</summary>
public sealed record DeclineExplained(string Reason);

/// <summary>What a mentor writes of a session; private, as the mentor's name is.</summary>
public sealed record SessionNoted(string Mentor, int Minutes, string? Note, DateTimeOffset At);

/// <summary>What a mentor writes at the end; private.</summary>
public sealed record ClosingNoted(string Mentor, string Note);

/// <summary>A session of mentor and winner.</summary>
/// <param name="At">When it was recorded; UTC.</param>
/// <param name="Minutes">How long, 1 to 480.</param>
/// <param name="Mentor">Who; for mentors and coordinators, null for others.</param>
/// <param name="Note">What they spoke of; for mentors and coordinators, null for others.</param>
public sealed record MentoringSession(DateTimeOffset At, int Minutes, string? Mentor, string? Note);

/// <summary>A mentoring case of a winner at a support point (policy, measure 6). There is one of each winner.</summary>
/// <param name="Id">The case's id: that of the idea which won.</param>
/// <param name="ChallengeId">The challenge that was won.</param>
/// <param name="EntryId">The idea.</param>
/// <param name="SupportPoint">The support point's key.</param>
/// <param name="Municipality">The code of the winner's municipality.</param>
/// <param name="DistanceKm">How far the support point is, in km; 0 in the same municipality.</param>
/// <param name="Status">Where it stands.</param>
/// <param name="Minutes">How long mentor and winner have worked together in all.</param>
/// <param name="Sessions">When and how long.</param>
/// <param name="Outcome">How it ended; null before that.</param>
/// <param name="DeclineReason">Why it was declined; for mentors and coordinators, null for others.</param>
/// <param name="ClosingNote">What the mentor wrote at the end; for mentors and coordinators, null for others.</param>
/// <param name="SubjectId">The winner in the registry; null where it is not known.</param>
/// <param name="WinnerKey">Who entered the idea, as an account's key for it; null where it is not known.</param>
public sealed record MentoringCase(
    [Format("uuid")] string Id,
    ChallengeId ChallengeId,
    EntryId EntryId,
    string SupportPoint,
    string Municipality,
    double DistanceKm,
    CaseStatus Status,
    int Minutes,
    IReadOnlyList<MentoringSession> Sessions,
    MentoringOutcome? Outcome = null,
    string? DeclineReason = null,
    string? ClosingNote = null,
    SubjectId? SubjectId = null,
    string? WinnerKey = null) : IAggregate<MentoringCase>
{
    /// <summary>Nobody is mentored more often than this for one idea; it bounds the record.</summary>
    public const int MaxSessions = 100;

    private const int LongestCode = 10;

    private CaseId Key => CaseId.From(Guid.Parse(Id));

    string IAggregate<MentoringCase>.Thread => ChallengeId.ToString();

    /// <inheritdoc />
    public static MentoringCase? Apply(MentoringCase? state, string id, object e) => (state, e) switch
    {
        (null, MentoringOffered o) => new MentoringCase(
            id, o.ChallengeId, o.EntryId, o.SupportPoint, o.Municipality, o.DistanceKm, CaseStatus.Offered, 0, []),
        ({ }, WinnerNoted w) => state with { SubjectId = w.SubjectId, WinnerKey = w.WinnerKey },
        ({ }, MentoringAccepted) => state with { Status = CaseStatus.Accepted },
        ({ }, DeclineExplained d) => state with { DeclineReason = d.Reason },
        ({ }, MentoringDeclined) => state with { Status = CaseStatus.Declined },
        ({ }, SessionNoted s) => state with
        {
            Minutes = state.Minutes + s.Minutes,
            Sessions = [.. state.Sessions, new MentoringSession(s.At, s.Minutes, s.Mentor, s.Note)],
        },
        ({ }, ClosingNoted c) => state with { ClosingNote = c.Note },
        ({ }, MentoringClosed c) => state with { Status = CaseStatus.Closed, Outcome = c.Outcome },
        _ => state,
    };

    /// <summary>
    /// The case of a winner. It has the idea's id, so that a winner has one, however often the award is told.
    /// </summary>
    public static CaseId Of(EntryId entry) => CaseId.From(entry.Value);

    /// <summary>Offers a winner mentoring at the nearest open support point.</summary>
    public static Decision Offer(KnownWinner winner, IEnumerable<SupportPoint> points, IReadOnlyList<KnownMunicipality> municipalities)
    {
        if (winner.Municipality is not { } code)
            return Refusal.Invalid("municipality", $"The award of the idea {winner.Id} does not say where its winner is at home, so no support point is the nearest.");
        if (municipalities.FirstOrDefault(m => m.Id == code) is not { } home)
            return Refusal.Invalid("municipality", $"The award of the idea {winner.Id} names the municipality {Short(code)}, which the registry has not listed.");
        if (Nearest.To(home, points, municipalities) is not { } nearest)
            return Refusal.Conflict($"There is no open support point for the winner of the idea {winner.Id}.");
        var offered = new MentoringOffered(Of(winner.Entry), winner.ChallengeId, winner.Entry, nearest.Point.Key, code, nearest.DistanceKm);
        return winner is { SubjectId: null, WinnerKey: null } ? [offered] : [offered, new WinnerNoted(winner.SubjectId, winner.WinnerKey)];
    }

    /// <summary>The winner accepts.</summary>
    public Decision Accept() =>
        Status != CaseStatus.Offered
            ? Refusal.Conflict($"Only an offered case can be accepted; this case is {Name(Status)}.")
            : [new MentoringAccepted(Key, ChallengeId, EntryId)];

    /// <summary>The winner declines, and may say why.</summary>
    public Decision Decline(string? reason)
    {
        if (Status != CaseStatus.Offered)
            return Refusal.Conflict($"Only an offered case can be declined; this case is {Name(Status)}.");
        var declined = new MentoringDeclined(Key, ChallengeId, EntryId);
        return string.IsNullOrWhiteSpace(reason) ? [declined] : [new DeclineExplained(reason), declined];
    }

    /// <summary>Why a mentor of another support point may not.</summary>
    [JsonIgnore]
    public Refusal NotTheirs => Refusal.Forbidden($"This case belongs to the mentors of the support point {SupportPoint}.");

    /// <summary>Whose it is: nobody is their own mentor.</summary>
    [JsonIgnore]
    public Concerned Concerned => new() { People = [Party.Key(EntryId, WinnerKey)], Subjects = SubjectId is { } subject ? [subject] : [] };

    /// <summary>Mentor and winner have worked together.</summary>
    public Decision Hold(string mentor, int minutes, string? note, DateTimeOffset now) =>
        Status != CaseStatus.Accepted ? Refusal.Conflict($"Sessions belong to an accepted case; this case is {Name(Status)}.")
        : Sessions.Count >= MaxSessions ? Refusal.Conflict($"A case has at most {MaxSessions} sessions.")
        : [new SessionNoted(mentor, minutes, note, now), new MentoringSessionHeld(Key, ChallengeId, EntryId, minutes)];

    /// <summary>Ends an accepted case; also one without a session.</summary>
    public Decision Close(string mentor, MentoringOutcome outcome, string? note)
    {
        if (Status != CaseStatus.Accepted)
            return Refusal.Conflict($"Only an accepted case can be closed; this case is {Name(Status)}.");
        var closed = new MentoringClosed(Key, ChallengeId, EntryId, outcome, Minutes);
        return string.IsNullOrWhiteSpace(note) ? [closed] : [new ClosingNoted(mentor, note), closed];
    }

    /// <summary>Without what mentors and coordinators keep to themselves.</summary>
    public MentoringCase WithoutNotes() => this with
    {
        Sessions = [.. Sessions.Select(s => s with { Mentor = null, Note = null })],
        DeclineReason = null,
        ClosingNote = null,
    };

    private static string Name(CaseStatus status) => status.ToString().ToLowerInvariant();

    // The reason travels in a header of the parked event.
    private static string Short(string code) => code.Length <= LongestCode ? code : code[..LongestCode] + "…";
}
