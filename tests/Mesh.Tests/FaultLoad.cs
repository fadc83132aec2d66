using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using KkiMesh.TestKit;

namespace KkiMesh.Mesh.Tests;

/// <summary>
/// What people do while things go wrong. Each command is sent until it is answered, and what was accepted is written down.
/// </summary>
internal sealed class FaultLoad(Client client, int seed)
{
    public const string Row = "U6-A2";
    public const int Year = 2023;

    /// <summary>The field of all subjects of this load.</summary>
    public const int Field = 9;

    private const string Home = "052";
    private const int MostAtOnce = 16;

    // Together they stay below what a call is proposed.
    private const int MostSubjects = 30;

    // How long something is waited for that takes effect by itself, through all that fails meanwhile.
    private const int WaitSeconds = 120;

    private static readonly object Idea =
        new { title = "Zamisel", summary = "Povzetek", applicant = "Ana", contactEmail = "ana@example.org", municipality = Home };

    private readonly ConcurrentBag<string> _opened = [];
    private readonly ConcurrentBag<string> _paid = [];
    private readonly ConcurrentDictionary<string, bool> _subjects = [];
    private int _answered;
    private int _restores;

    /// <summary>Calls that were published, each for one cent.</summary>
    public IReadOnlyCollection<string> Opened => _opened;

    /// <summary>Calls whose winner was paid that cent.</summary>
    public IReadOnlyCollection<string> Paid => _paid;

    /// <summary>Subjects, and whether each is to be seen.</summary>
    public IReadOnlyDictionary<string, bool> Subjects => _subjects;

    /// <summary>How many commands were answered.</summary>
    public int Answered => Volatile.Read(ref _answered);

    /// <summary>Whether the registry was restored: it no longer knows all that it accepted.</summary>
    public bool WasRegistryRestored => Volatile.Read(ref _restores) > 0;

    /// <summary>Runs until it is asked to stop, and finishes what it has in hand.</summary>
    public Task RunAsync(CancellationToken stop) => Task.WhenAll([
        .. Enumerable.Range(0, 3).Select(_ => OpenAsync(stop)),
        .. Enumerable.Range(0, 2).Select(_ => PayAsync(stop)),
        ChangeSubjectsAsync(stop),
    ]);

    /// <summary>Waits until so many further commands have been answered.</summary>
    public async Task AnsweredAsync(int number)
    {
        var goal = Answered + number;
        await Eventually.Is(() => Task.FromResult(Answered), n => n >= goal, WaitSeconds);
    }

    /// <summary>The registry's database went back in time: what the load knows of it is read again.</summary>
    public void RegistryWasRestored() => Interlocked.Increment(ref _restores);

    /// <summary>Publishes many calls at once.</summary>
    /// <param name="number">How many.</param>
    /// <param name="half">Called once, when half of them are answered and the others are on their way.</param>
    public async Task BurstAsync(int number, Func<Task> half)
    {
        var drafts = new ConcurrentBag<string>();
        var several = new ParallelOptions { MaxDegreeOfParallelism = MostAtOnce };
        await Parallel.ForEachAsync(Enumerable.Range(0, number), several, async (_, _) => drafts.Add(await DraftAsync(3600)));
        var halfway = new TaskCompletionSource();
        var published = 0;
        var burst = Parallel.ForEachAsync(drafts, several, async (draft, _) =>
        {
            await DoneAsync($"challenges/{draft}/publish", "coordinator");
            _opened.Add(draft);
            if (Interlocked.Increment(ref published) == number / 2)
                halfway.SetResult();
        });
        await Task.WhenAny(halfway.Task, burst);
        await half();
        await burst;
    }

    // Each call reserves one cent, so that the row's money counts them.
    private async Task OpenAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            _opened.Add(await PublishAsync(3600));
            // A row keeps its open reservations, and thousands of them make each further one slow.
            await Task.Delay(500, CancellationToken.None);
        }
    }

    // The whole thread, each for one cent. A call that opens after its deadline, since something was down, stays open.
    // Where a slow machine lets none be in time, the time is longer after each that was not.
    private async Task PayAsync(CancellationToken stop)
    {
        for (var seconds = 12; !stop.IsCancellationRequested || (_paid.IsEmpty && seconds < 120);)
        {
            var deadline = TimeProvider.System.GetUtcNow().AddSeconds(seconds);
            var call = await PublishAsync(seconds, awards: 1);
            await client.StatusBecomes(call, "open", seconds: WaitSeconds);
            var entry = await SendAsync($"challenges/{call}/entries", "member", Idea);
            if (entry.Status == HttpStatusCode.Conflict)
            {
                _opened.Add(call);
                seconds += 12;
                continue;
            }

            var id = (string)entry.Body!["id"]!;
            await DoneAsync($"challenges/{call}/entries/{id}/scores", "juror", new { points = 90 });
            while (TimeProvider.System.GetUtcNow() < deadline.AddSeconds(1))
                await Task.Delay(100, CancellationToken.None);
            // A replica whose clock is late does not know yet that the deadline is over.
            var award = new { entryId = id, amount = new { amount = 1, currency = "EUR" } };
            await Eventually.Is(
                () => SendAsync($"challenges/{call}/awards", "coordinator", award), a => a.Status == HttpStatusCode.OK, WaitSeconds);
            await Eventually.Is(
                () => client.Read($"/gorenjska/funding/grants?challengeId={call}"), g => g?["items"]?.AsArray().Count == 1, WaitSeconds);
            await DoneAsync($"funding/grants/{id}/payment", "treasurer");
            await Eventually.Is(
                () => client.Read($"/gorenjska/challenges/{call}", "coordinator"), c => (bool?)c?["awards"]?[0]?["paid"] == true, WaitSeconds);
            await DoneAsync($"challenges/{call}/conclude", "coordinator");
            _paid.Add(call);
        }
    }

    // Subjects register and are published; each third one is hidden; then they change their mind, one after the other.
    private async Task ChangeSubjectsAsync(CancellationToken stop)
    {
        var random = new Random(seed);
        for (var (number, known) = (0, 0); !stop.IsCancellationRequested; number++)
        {
            if (known != Volatile.Read(ref _restores))
            {
                known = Volatile.Read(ref _restores);
                await ReadSubjectsAsync();
            }

            if (_subjects.Count < MostSubjects)
                await RegisterAsync(number, isToBeSeen: number % 3 != 1);
            else
                await ChangeAsync(random.GetItems([.. _subjects.Keys.Order(StringComparer.Ordinal)], 1)[0]);
            await Task.Delay(200, CancellationToken.None);
        }
    }

    private async Task RegisterAsync(int number, bool isToBeSeen)
    {
        var restores = Volatile.Read(ref _restores);
        var subject = await SendAsync("registry/subjects", "member", new
        {
            name = $"Subjekt {number}",
            kind = "creative-company",
            legalForm = "other",
            fields = (int[])[Field],
            competences = Array.Empty<string>(),
            municipality = Home,
            offers = Array.Empty<string>(),
            looksFor = Array.Empty<string>(),
            contactEmail = "ana@example.org",
            description = "Opis",
        });
        Assert.Equal(HttpStatusCode.Created, subject.Status);
        var id = (string)subject.Body!["id"]!;
        if (await SubjectAsync(id, "consent", restores, new { textVersion = "1" }) && await SubjectAsync(id, "publish", restores)
            && (isToBeSeen || await SubjectAsync(id, "hide", restores)))
            _subjects[id] = isToBeSeen;
    }

    private async Task ChangeAsync(string id)
    {
        var wasSeen = _subjects[id];
        if (await SubjectAsync(id, wasSeen ? "hide" : "publish", Volatile.Read(ref _restores)))
            _subjects[id] = !wasSeen;
    }

    /// <returns>False where the registry was restored meanwhile, and no longer knows the subject as it was.</returns>
    private async Task<bool> SubjectAsync(string id, string verb, int restores, object? body = null)
    {
        var answer = await SendAsync($"registry/subjects/{id}/{verb}", "member", body);
        Assert.True(
            answer.Status == HttpStatusCode.OK || restores != Volatile.Read(ref _restores),
            $"{verb} of {id}: {(int)answer.Status} {answer.Detail}");
        return answer.Status == HttpStatusCode.OK;
    }

    private async Task ReadSubjectsAsync()
    {
        foreach (var id in _subjects.Keys)
        {
            var answer = await Eventually.Is(
                () => TryReadAsync($"/gorenjska/registry/subjects/{id}"),
                a => a?.Status is HttpStatusCode.OK or HttpStatusCode.NotFound,
                WaitSeconds);
            // To a coordinator one that is hidden is shown, so one that is not found is lost.
            if (answer!.Status == HttpStatusCode.NotFound)
                _subjects.TryRemove(id, out _);
            else
                _subjects[id] = (string?)answer.Body!["status"] == "published";
        }
    }

    private async Task<Answer?> TryReadAsync(string path)
    {
        try
        {
            return await client.GetAsync(path, "coordinator");
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    private async Task<string> PublishAsync(int seconds, int awards = 5)
    {
        var id = await DraftAsync(seconds, awards);
        await DoneAsync($"challenges/{id}/publish", "coordinator");
        return id;
    }

    private async Task<string> DraftAsync(int seconds, int awards = 5)
    {
        var draft = await SendAsync("challenges", "coordinator", Region.Terms(Row, Year, 1, seconds, awards));
        Assert.True(draft.Status == HttpStatusCode.Created, $"draft: {(int)draft.Status} {draft.Detail}");
        return (string)draft.Body!["id"]!;
    }

    private async Task DoneAsync(string path, string role, object? body = null)
    {
        var answer = await SendAsync(path, role, body);
        Assert.True(answer.Status == HttpStatusCode.OK, $"{path}: {(int)answer.Status} {answer.Detail}");
    }

    private async Task<Answer> SendAsync(string path, string role, object? body = null)
    {
        var answer = await client.UntilAnswered($"/gorenjska/{path}", role, body);
        Interlocked.Increment(ref _answered);
        return answer;
    }
}
