using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Challenges;

/// <summary>Whom a decision on an idea concerns: who entered it and their subject, and those who entered the others.</summary>
internal static class Interests
{
    private const int PageSize = 500;

    /// <summary>
    /// Reads it. It changes no more: ideas are judged after the deadline and entered before it, and what an idea says of its
    /// subject stays.
    /// </summary>
    /// <param name="session">The session.</param>
    /// <param name="challenge">The challenge.</param>
    /// <param name="entry">The idea that is decided on.</param>
    /// <param name="ct">Cancelled.</param>
    public static async Task<Concerned> OfAsync(IQuerySession session, ChallengeId challenge, EntryId entry, CancellationToken ct)
    {
        var (own, others) = (new List<Stake>(), new List<Stake>());
        for (var (last, count) = ("", PageSize); count == PageSize;)
        {
            var page = await session.Query<Entry>()
                .Where(e => e.ChallengeId == challenge && e.Id.CompareTo(last) > 0 && !e.IsWithdrawn)
                .OrderBy(e => e.Id).Take(PageSize).Select(e => new Stake(e.Id, e.Owner, e.SubjectId)).ToListAsync(ct);
            own.AddRange(page.Where(s => s.Id == entry.ToString()));
            others.AddRange(page.Where(s => s.Id != entry.ToString()));
            (last, count) = (page.Count > 0 ? page[^1].Id : last, page.Count);
        }

        return new Concerned
        {
            People = await PeopleAsync(session, own, ct),
            Subjects = SubjectsOf(own),
            Rivals = await PeopleAsync(session, others, ct),
            RivalSubjects = SubjectsOf(others),
        };
    }

    // Who entered it, and who registered the subject that it was entered for.
    private static async Task<IReadOnlyList<Party>> PeopleAsync(IQuerySession session, List<Stake> stakes, CancellationToken ct)
    {
        var owners = await session.LoadManyAsync<SubjectOwner>(ct, SubjectsOf(stakes).Select(s => s.ToString()));
        return [.. stakes.Select(s => Party.Account(s.Owner)), .. owners.Select(o => Party.Key(o.Id, o.OwnerKey))];
    }

    private static IReadOnlyList<SubjectId> SubjectsOf(List<Stake> stakes) => [.. stakes.Select(s => s.SubjectId).OfType<SubjectId>().Distinct()];

    private sealed record Stake(string Id, string? Owner, SubjectId? SubjectId);
}
