using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Marten;

namespace KkiMesh.Challenges;

/// <summary>
/// What a challenge was decided on, as one hash. Anybody who may read the ideas and scores can make it anew: SHA-256,
/// hexadecimal, over texts in UTF-8, each written as a netstring, <c>length in bytes:text,</c>, and <c>-</c> where there
/// is none. Of an idea: its id, title, summary, applicant, municipality and subject, then of each score, in the order of
/// the jurors' names by their code points, juror, points and note. Of the challenge: its id, then of each idea, in the
/// order of their ids, the id and the idea's hash.
/// </summary>
internal sealed class DecisionRecord : IDisposable
{
    private const int PageSize = 500;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Makes it of all ideas of a challenge, a page at a time.</summary>
    /// <returns>The hash, and of how many ideas.</returns>
    public static async Task<(string Hash, int Entries)> OfAsync(IQuerySession session, string challenge, CancellationToken ct)
    {
        using var record = new DecisionRecord();
        record.Add(challenge);
        var (count, last) = (0, "");
        var id = ChallengeIdOf(challenge);
        while (true)
        {
            var page = await session.Query<Entry>()
                .Where(e => e.ChallengeId == id && !e.IsWithdrawn && e.Id.CompareTo(last) > 0).OrderBy(e => e.Id).Take(PageSize).ToListAsync(ct);
            foreach (var entry in page)
                record.Add(entry.Id, Of(entry));
            count += page.Count;
            if (page.Count < PageSize)
                return (record.End(), count);
            last = page[^1].Id;
        }
    }

    /// <summary>An idea's hash.</summary>
    public static string Of(Entry entry)
    {
        using var record = new DecisionRecord();
        record.Add(entry.Id, entry.Title, entry.Summary, entry.Applicant, entry.Municipality, entry.SubjectId?.ToString());
        foreach (var score in entry.Scores.OrderBy(s => s.Juror, StringComparer.Ordinal))
            record.Add(score.Juror, score.Points.ToString(CultureInfo.InvariantCulture), score.Note);
        return record.End();
    }

    /// <inheritdoc />
    public void Dispose() => _hash.Dispose();

    private static Contracts.ChallengeId ChallengeIdOf(string id) => Contracts.ChallengeId.From(Guid.Parse(id));

    private void Add(params ReadOnlySpan<string?> texts)
    {
        foreach (var text in texts)
            _hash.AppendData(Encoding.UTF8.GetBytes(text is null ? "-" : $"{Encoding.UTF8.GetByteCount(text)}:{text},"));
    }

    private string End() => Convert.ToHexStringLower(_hash.GetHashAndReset());
}
