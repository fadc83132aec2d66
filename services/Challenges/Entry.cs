using System.Text.Json.Serialization;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Challenges.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Challenges;

/// <summary>What an idea says and who entered it (the subject of the token); private until an award.</summary>
public sealed record EntryFiled(
    ChallengeId ChallengeId, string Title, string Summary, string Applicant, string ContactEmail, string? Municipality = null, SubjectId? SubjectId = null, string? Owner = null);

/// <summary>A juror's score; private.</summary>
public sealed record EntryScored(string Juror, int Points, string? Note);

/// <summary>Who entered the idea, or their subject, has taken it back; private.</summary>
public sealed record EntryTakenBack(string By);

/// <summary>A juror's score of an idea.</summary>
/// <param name="Juror">The juror.</param>
/// <param name="Points">0 to 100.</param>
/// <param name="Note">Why; for the jury and the organiser.</param>
public sealed record Score(string Juror, int Points, string? Note);

/// <summary>An idea that was entered for a challenge.</summary>
/// <param name="Id">The entry's id.</param>
/// <param name="ChallengeId">The challenge.</param>
/// <param name="Title">Its title; published with an award.</param>
/// <param name="Summary">The idea.</param>
/// <param name="Applicant">The name that the applicant wants to be published under with an award.</param>
/// <param name="ContactEmail">Personal data: for who entered it and the organiser,
/// in no public event; null for others.</param>
/// <param name="Scores">One of each juror, the newest.</param>
/// <param name="Points">The scores' mean, 0 to 100; 0 while there is none, so that the database can sort by it.</param>
/// <param name="Municipality">The code of the municipality where the applicant
/// is at home; published with an award.</param>
/// <param name="SubjectId">The applicant in the registry, where they are in it
/// and say so; published with an award.</param>
/// <param name="Owner">Who entered it; not there for the jury.</param>
/// <param name="IsWithdrawn">Whether it was taken back; its texts are gone then.</param>
public sealed record Entry(
    [Format("uuid")] string Id,
    ChallengeId ChallengeId,
    string Title,
    string Summary,
    string Applicant,
    string? ContactEmail,
    IReadOnlyList<Score> Scores,
    double Points,
    string? Municipality = null,
    SubjectId? SubjectId = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Owner = null,
    bool IsWithdrawn = false)
    : IAggregate<Entry>
{
    /// <summary>A jury is small; this bounds the record.</summary>
    public const int MaxJurors = 50;

    string IAggregate<Entry>.Thread => ChallengeId.ToString();

    /// <inheritdoc />
    public static Entry? Apply(Entry? state, string id, object e) => (state, e) switch
    {
        (null, EntryFiled f) => new Entry(id, f.ChallengeId, f.Title, f.Summary, f.Applicant, f.ContactEmail, [], 0, f.Municipality, f.SubjectId, f.Owner),
        ({ }, EntryTakenBack) => state with { Title = "", Summary = "", Applicant = "", ContactEmail = null, Municipality = null, IsWithdrawn = true },
        ({ }, EntryScored s) => state.With([.. state.Scores.Where(x => x.Juror != s.Juror), new Score(s.Juror, s.Points, s.Note)]),
        _ => state,
    };

    /// <summary>Enters an idea.</summary>
    public static Decision Submit(EntryId id, EntryFiled entry, Challenge challenge, DateTimeOffset now) =>
        challenge.WhyNoEntry(now) is { } refusal ? refusal : [entry, new EntrySubmitted(entry.ChallengeId, id)];

    /// <summary>Takes it back, until the deadline; nobody judges it then.</summary>
    public Decision Withdraw(string by, Challenge challenge, DateTimeOffset now) =>
        IsWithdrawn ? Refusal.Conflict("This idea is withdrawn already.")
        : challenge.WhyNoEntry(now) is not null ? Refusal.Conflict($"An idea is withdrawn until the deadline, {challenge.Terms.Deadline:u}.")
        : [new EntryTakenBack(by), new EntryWithdrawn(ChallengeId, EntryId.From(Guid.Parse(Id)))];

    /// <summary>
    /// Scores it, after the deadline: until then nobody reads it. A juror's later score replaces the earlier one.
    /// </summary>
    public Decision Score(string juror, int points, string? note, Challenge challenge, DateTimeOffset now) =>
        challenge.WhyNotRead(now) is { } early ? early
        : challenge.Status == ChallengeStatus.Concluded ? Refusal.Conflict("The challenge is concluded.")
        : challenge.Awards.Count > 0 ? Refusal.Conflict("An idea is awarded: the scores stand.")
        : Scores.Count >= MaxJurors && Scores.All(s => s.Juror != juror) ? Refusal.Conflict($"A jury has at most {MaxJurors} members.")
        : [new EntryScored(juror, points, note)];

    /// <summary>A jury judges ideas; whom to write to is the organiser's business.</summary>
    public Entry ForJury() => this with { ContactEmail = null, Owner = null };

    private Entry With(IReadOnlyList<Score> scores) => this with { Scores = scores, Points = scores.Average(s => s.Points) };
}
