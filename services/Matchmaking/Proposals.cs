using KkiMesh.Contracts;
using KkiMesh.Contracts.Matchmaking.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Matchmaking;

/// <summary>A subject that fits a challenge.</summary>
/// <param name="SubjectId">The subject.</param>
/// <param name="Score">1 to 100: the sum of the parts.</param>
/// <param name="Parts">How it came about.</param>
public sealed record Match(SubjectId SubjectId, int Score, IReadOnlyList<ScorePart> Parts)
{
    internal bool IsSameAs(Match other) => SubjectId == other.SubjectId && Score == other.Score && Parts.SequenceEqual(other.Parts);
}

/// <summary>From here on subjects are proposed for a challenge; private.</summary>
/// <param name="Title">The challenge's title.</param>
/// <param name="Deadline">Until when somebody is proposed.</param>
/// <param name="SeeksNobody">Whether it says nothing by which somebody could be proposed.</param>
public sealed record ChallengeFollowed(string Title, DateTimeOffset Deadline, bool SeeksNobody);

/// <summary>
/// Who is proposed for a challenge: of all published subjects that fit it, the best scored. Each decision compares what
/// should be with what is, so whatever is decided twice happens once. After the deadline the proposals stay as they
/// are, and only who is no longer published leaves them.
/// </summary>
/// <param name="Id">The challenge's id.</param>
/// <param name="Title">Its title.</param>
/// <param name="Deadline">Until when somebody is proposed.</param>
/// <param name="SeeksNobody">Whether it says nothing by which somebody could be proposed.</param>
/// <param name="Matches">The proposals, at most <see cref="Most"/>.</param>
public sealed record Proposals(string Id, string Title, DateTimeOffset Deadline, bool SeeksNobody, IReadOnlyList<Match> Matches) : IAggregate<Proposals>
{
    /// <summary>So many are proposed for a challenge: more than somebody reads, and it bounds the record.</summary>
    public const int Most = 50;

    private ChallengeId Key => ChallengeId.From(Guid.Parse(Id));

    /// <inheritdoc />
    public static Proposals? Apply(Proposals? state, string id, object e) => (state, e) switch
    {
        (null, ChallengeFollowed f) => new Proposals(id, f.Title, f.Deadline, f.SeeksNobody, []),
        ({ }, MatchProposed p) => state with { Matches = [.. state.Without(p.SubjectId), new Match(p.SubjectId, p.Score, p.Parts)] },
        ({ }, MatchWithdrawn w) => state with { Matches = [.. state.Without(w.SubjectId)] },
        _ => state,
    };

    /// <summary>Begins to propose for a challenge.</summary>
    /// <param name="challenge">The challenge.</param>
    /// <param name="fitting">Everybody who fits it.</param>
    /// <param name="now">Nobody is proposed after the deadline.</param>
    public static Decision Follow(OpenChallenge challenge, IEnumerable<Match> fitting, DateTimeOffset now)
    {
        var followed = new ChallengeFollowed(challenge.Title, challenge.Deadline, Scoring.SeeksNobody(challenge));
        var begun = Apply(null, challenge.Id, followed)!;
        return begun.IsOver(now) ? [followed] : [followed, .. begun.Become(fitting, _ => WithdrawnBecause.NoLongerFits)];
    }

    /// <summary>Makes the proposals what they should be, whatever they were.</summary>
    /// <param name="fitting">Everybody who fits.</param>
    /// <param name="published">Everybody who is published.</param>
    /// <param name="now">After the deadline only those who are no longer published are withdrawn.</param>
    public Decision Settle(IReadOnlyCollection<Match> fitting, IReadOnlySet<SubjectId> published, DateTimeOffset now)
    {
        var fit = fitting.Select(m => m.SubjectId).ToHashSet();
        return Become(
            (IsOver(now) ? Matches : fitting).Where(m => published.Contains(m.SubjectId)),
            s => !published.Contains(s) ? WithdrawnBecause.SubjectHidden : fit.Contains(s) ? WithdrawnBecause.OthersFitBetter : WithdrawnBecause.NoLongerFits);
    }

    /// <summary>A subject's profile is new or has changed.</summary>
    /// <param name="subject">The subject.</param>
    /// <param name="match">How it fits now; null where it does not.</param>
    /// <param name="now">After the deadline nothing changes.</param>
    /// <param name="fitting">Everybody else who fits; needed where <see cref="MakesRoom"/>.</param>
    public Decision Reconsider(SubjectId subject, Match? match, DateTimeOffset now, IEnumerable<Match>? fitting = null)
    {
        if (IsOver(now))
            return [];
        var others = (fitting ?? Matches).Where(m => m.SubjectId != subject);
        return Become(
            match is null ? others : others.Append(match),
            s => s == subject && match is null ? WithdrawnBecause.NoLongerFits : WithdrawnBecause.OthersFitBetter);
    }

    /// <summary>A subject is no longer published: it leaves, also after the deadline.</summary>
    /// <param name="subject">The subject.</param>
    /// <param name="now">Before the deadline another one may take its place.</param>
    /// <param name="fitting">Everybody else who fits; needed where <see cref="MakesRoom"/>.</param>
    public Decision Withdraw(SubjectId subject, DateTimeOffset now, IEnumerable<Match>? fitting = null) => Become(
        (IsOver(now) ? Matches : fitting ?? Matches).Where(m => m.SubjectId != subject),
        s => s == subject ? WithdrawnBecause.SubjectHidden : WithdrawnBecause.OthersFitBetter);

    /// <summary>
    /// Whether one of the best leaves or falls back, so that who waits behind them may come in. Those are kept nowhere:
    /// everybody has to be looked at then.
    /// </summary>
    public bool MakesRoom(SubjectId subject, Match? match, DateTimeOffset now) =>
        !IsOver(now) && Matches.Count >= Most && Matches.FirstOrDefault(m => m.SubjectId == subject) is { } was && !(match?.Score >= was.Score);

    private bool IsOver(DateTimeOffset now) => now >= Deadline;

    private IEnumerable<Match> Without(SubjectId subject) => Matches.Where(m => m.SubjectId != subject);

    // Who leaves goes first, so that there are never too many.
    private Decision Become(IEnumerable<Match> fitting, Func<SubjectId, WithdrawnBecause> why)
    {
        var best = fitting.OrderByDescending(m => m.Score).ThenBy(m => m.SubjectId.Value).Take(Most).ToList();
        var stay = best.Select(m => m.SubjectId).ToHashSet();
        return
        [
            .. Matches.Where(m => !stay.Contains(m.SubjectId)).Select(m => new MatchWithdrawn(Key, m.SubjectId, why(m.SubjectId))),
            .. best.Where(m => !Matches.Any(m.IsSameAs)).Select(m => new MatchProposed(Key, m.SubjectId, m.Score, m.Parts)),
        ];
    }
}
