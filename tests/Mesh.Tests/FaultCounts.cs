using System.Security.Cryptography;
using System.Text;
using KkiMesh.TestKit;

namespace KkiMesh.Mesh.Tests;

/// <summary>
/// What has to hold when everything has settled: each accepted command has
/// one effect, each public event was taken once.
/// </summary>
internal sealed class FaultCounts(
    WholeMesh mesh, Client client, FaultLoad load, IReadOnlyCollection<FaultKind> kinds, Action<string> tell)
{
    /// <summary>Within two minutes everything has taken effect by itself; a busy machine gets some more.</summary>
    private const int SettleSeconds = 180;

    private const int LargestPage = 100;

    /// <summary>What a consumer says when it found an event in a history that the broker never delivered.</summary>
    private const string TakenFromHistory = "had not come; they were taken from its history";

    private static readonly (string Publisher, string Consumer, string[] Events)[] Taken =
    [
        ("challenges", "funding", ["funds-requested", "entry-awarded", "challenge-concluded"]),
        ("funding", "challenges", ["funds-reserved", "funds-refused", "funds-paid"]),
        ("registry", "challenges", ["subject-published", "subject-hidden"]),
        ("registry", "matchmaking", ["subject-published", "subject-hidden"]),
        ("challenges", "matchmaking", ["challenge-published", "challenge-concluded"]),
        ("challenges", "helpdesk", ["entry-awarded"]),
    ];

    private readonly FaultDatabases _databases = new(mesh.Servers);
    private IReadOnlyDictionary<string, long> _positions = new Dictionary<string, long>();
    private Dictionary<string, long> _money = [];
    private Dictionary<string, int> _parked = [];
    private string _sought = "";
    private int _mended;

    /// <summary>Sees how things are before, and opens a call for which the load's subjects are proposed.</summary>
    public async Task BeginAsync()
    {
        _sought = await client.PublishAsync("U3-P3", 2022, 1, 36_000, fields: [FaultLoad.Field]);
        await client.StatusBecomes(_sought, "open");
        _money = await client.BalanceAsync(FaultLoad.Row, FaultLoad.Year);
        _positions = await _databases.StoredAsync();
        _parked = await ParkedAsync();
        _mended = TakenFromHistories().Count;
    }

    /// <summary>The ids of the public events that were stored since the beginning.</summary>
    public async Task<IReadOnlyCollection<string>> PublicEventsAsync()
    {
        const string Since = "select id::text from mt_events where type like 'kki.%' and seq_id > $1";
        return [.. (await Task.WhenAll(_positions.Select(p => _databases.TextsAsync(p.Key, Since, p.Value)))).SelectMany(ids => ids)];
    }

    /// <summary>
    /// The lines that say that events were lost on their way, and taken from their publisher's history.
    /// </summary>
    public IReadOnlyList<string> TakenFromHistories() =>
        [.. mesh.LogLines().Where(l => l.Contains(TakenFromHistory, StringComparison.Ordinal)).Skip(_mended)];

    /// <summary>Waits until everything has settled, compares, and says all that is wrong.</summary>
    /// <param name="others">What others count.</param>
    public async Task CheckAsync(params IEnumerable<Task> others)
    {
        tell($"{load.Opened.Count} calls open, {load.Paid.Count} paid; {load.Subjects.Count} subjects; {load.Answered} commands");
        List<Task> checks = [.. others, CallsAsync(), MoneyAsync(), SubjectsAsync(), NothingIsParkedAsync()];
        foreach (var (publisher, consumer, events) in Taken)
            checks.Add(EveryPublicEventWasTakenOnceAsync(publisher, consumer, events));
        if (kinds.Contains(FaultKind.ClockApart))
            checks.AddRange(FaultDatabases.Publishers.Select(TimeNeverRanBackwardsAsync));
        await Task.WhenAll(checks).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var wrong = checks.Where(c => !c.IsCompletedSuccessfully).Select(c => c.Exception!.InnerException!).ToList();
        Assert.True(wrong.Count == 0, string.Join("\n", wrong.Select(w => $"- {w.Message}\n{w.StackTrace}")));
    }

    // Every accepted key has one effect: a call that was published is funded and open, one that was paid is concluded.
    private async Task CallsAsync()
    {
        Assert.NotEmpty(load.Opened);
        Assert.NotEmpty(load.Paid);
        await Eventually.Is(WaitingAsync, w => w.Count == 0, SettleSeconds);
        foreach (var id in load.Paid)
        {
            Assert.True((bool)(await client.StatusBecomes(id, "concluded"))["awards"]!.AsArray().Single()!["paid"]!);
            await Eventually.Is(
                () => client.Read($"/gorenjska/helpdesk/cases?challengeId={id}", "coordinator"), c => (int?)c?["total"] == 1, SettleSeconds);
        }

        Assert.Equal(load.Opened.Count + load.Paid.Count, load.Opened.Concat(load.Paid).Distinct().Count());
        const string OfRow =
            "select count(*) from mt_doc_challenge where lower(data ->> 'status') <> 'draft' and data #>> '{terms,row}' = $1";
        Assert.Equal(load.Opened.Count + load.Paid.Count, await _databases.NumberAsync("challenges", OfRow, FaultLoad.Row));
    }

    private async Task<Waiting> WaitingAsync()
    {
        const string Open = "select id from mt_doc_challenge where lower(data ->> 'status') = 'open' and data #>> '{terms,row}' = $1";
        var open = await _databases.TextsAsync("challenges", Open, FaultLoad.Row);
        var waiting = load.Opened.Except(open).ToList();
        return new Waiting(waiting.Count, load.Opened.Count, waiting.FirstOrDefault());
    }

    private async Task MoneyAsync()
    {
        var after = await Eventually.Is(
            () => client.BalanceAsync(FaultLoad.Row, FaultLoad.Year),
            b => b["reserved"] >= _money["reserved"] + load.Opened.Count,
            SettleSeconds);
        Assert.Equal(_money["reserved"] + load.Opened.Count, after["reserved"]);
        Assert.Equal(_money["paid"] + load.Paid.Count, after["paid"]);
        Assert.Equal(_money["committed"], after["committed"]);
        Assert.Equal(_money["available"] - load.Opened.Count - load.Paid.Count, after["available"]);
        Assert.Equal(after["planned"], after["available"] + after["reserved"] + after["committed"] + after["paid"]);
    }

    private async Task EveryPublicEventWasTakenOnceAsync(string publisher, string consumer, string[] events)
    {
        const string OfKeys = "select count(*) from mt_doc_inboxrecord where id = any($1)";
        const string OfTypes = "select count(*) from mt_doc_inboxrecord where data ->> 'type' = any($1)";
        var types = events.Select(e => $"kki.{publisher}.{e}.v1").ToArray();
        await Eventually.Is(() => OfTheStoredAsync(), t => t.Took == t.Stored, SettleSeconds);
        // What a restored database has forgotten was taken all the same. Calls of a burst may be on their way still.
        if (publisher != "registry" || !load.WasRegistryRestored)
        {
            await Eventually.Is(
                async () => (await OfTheStoredAsync()) with { Took = await NumberAsync(OfTypes, types) },
                t => t.Took == t.Stored,
                SettleSeconds);
        }

        async Task<Taking> OfTheStoredAsync()
        {
            var ids = await _databases.TextsAsync(publisher, "select id::text from mt_events where type = any($1)", [types]);
            var keys = ids.Select(id => Key($"/gorenjska/{publisher}\n{id}")).ToArray();
            return new Taking(publisher, consumer, keys.Length, await NumberAsync(OfKeys, keys));
        }

        Task<long> NumberAsync(string sql, string[] values) => _databases.NumberAsync(consumer, sql, [values]);
    }

    // As the inbox names what it has taken.
    private static string Key(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    // Who is published is proposed, who is hidden is not; and those who learn from the registry know what it says.
    private async Task SubjectsAsync()
    {
        Assert.NotEmpty(load.Subjects);
        var published = await PublishedAsync();
        if (!load.WasRegistryRestored)
            Assert.Equal(
                load.Subjects.Where(s => s.Value).Select(s => s.Key).Order(), published.Intersect(load.Subjects.Keys).Order());
        foreach (var consumer in (string[])["challenges", "matchmaking"])
            await Eventually.Is(
                async () => Difference.Of(consumer, published, await _databases.TextsAsync(consumer, "select id from mt_doc_knownsubject")),
                d => d.IsNone,
                SettleSeconds);
        var ofField = published.Intersect(await PublishedAsync($"&field={FaultLoad.Field}")).ToList();
        await Eventually.Is(async () => Difference.Of("proposals", ofField, await ProposedAsync()), d => d.IsNone, SettleSeconds);
    }

    private async Task<List<string>> PublishedAsync(string filter = "")
    {
        List<string> found = [];
        for (var page = 1; ; page++)
        {
            var answer = await client.GetAsync($"/gorenjska/registry/subjects?pageSize={LargestPage}&page={page}{filter}");
            var items = answer.Body!["items"]!.AsArray();
            if (items.Count == 0)
                return found;
            found.AddRange(items.Select(s => (string)s!["id"]!));
        }
    }

    private async Task<List<string>> ProposedAsync()
    {
        var proposals = await client.Read($"/gorenjska/matchmaking/challenges/{_sought}/proposals?pageSize={LargestPage}");
        return proposals?["items"]?.AsArray().Select(p => (string)p!["subjectId"]!).ToList() ?? [];
    }

    private async Task TimeNeverRanBackwardsAsync(string service)
    {
        // Marten keeps numbers that were rolled back, with its own clock's time: they are nobody's events.
        var backwards = await _databases.TextsAsync(
            service,
            """
            select format('%s %s: %s after %s', stream_id, version, timestamp, before) from (
                select stream_id, version, timestamp, lag(timestamp) over (partition by tenant_id, stream_id order by version) as before
                from mt_events where seq_id > $1 and stream_id <> 'mt_tombstone') as e
            where timestamp < before limit 10
            """,
            _positions[service]);
        Assert.True(backwards.Count == 0, $"{service} recorded before the one that they follow: {string.Join("; ", backwards)}");
    }

    private async Task NothingIsParkedAsync()
    {
        var parked = await ParkedAsync();
        Assert.True(_parked.All(p => parked[p.Key] == p.Value), $"Parked: {Line(parked)}; before: {Line(_parked)}");

        static string Line(Dictionary<string, int> parked) => string.Join(", ", parked.Select(p => $"{p.Key} {p.Value}"));
    }

    private async Task<Dictionary<string, int>> ParkedAsync()
    {
        Dictionary<string, int> parked = [];
        foreach (var service in FaultDatabases.Publishers)
        {
            var answer = await Eventually.Is(
                () => client.Read($"/gorenjska/{service}/errors?pageSize=1", "operator"), a => a?["total"] is not null, SettleSeconds);
            parked[service] = (int)answer!["total"]!;
        }

        return parked;
    }

    private sealed record Waiting(int Count, int Of, string? First);

    private sealed record Taking(string Publisher, string Consumer, long Stored, long Took);

    private sealed record Difference(string Consumer, string Unknown, string NoLonger, int Twice)
    {
        public bool IsNone => Unknown.Length + NoLonger.Length + Twice == 0;

        public static Difference Of(string consumer, List<string> published, List<string> known) =>
            new(
                consumer,
                string.Join(' ', published.Except(known)),
                string.Join(' ', known.Except(published)),
                known.Count - known.Distinct().Count());
    }
}
