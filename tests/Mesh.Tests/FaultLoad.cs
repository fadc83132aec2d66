using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using KkiMesh.TestKit;

namespace KkiMesh.Mesh.Tests;

/// <summary>
/// What people do while things go wrong. Each command is sent until it is
/// answered, and what was accepted is written down.
/// </summary>
internal sealed class FaultLoad(Client client, int seed)
{
    public const string Row = "U6-A2";
    public const int Year = 2023;

    /// <summary>The field of all subjects of this load.</summary>
    public const int Field = 9;

    private const string Home = "052";
    private const int MostAtOnce = 16;
    private const int LongSeconds = 3600;
    private const int MoreSeconds = 12;

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

    // Two subjects that the rest of the load leaves alone: see BeforeBackupAsync.
    private string? _undone;
    private string? _repeated;

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

    /// <summary>Waits until somebody more was paid: every service has heard of something by then.</summary>
    public async Task PaidOnceMoreAsync()
    {
        var before = _paid.Count;
        await Eventually.Is(() => Task.FromResult(_paid.Count), n => n > before, WaitSeconds);
    }

    /// <summary>Two subjects are to be seen when the registry's database is copied.</summary>
    public async Task BeforeBackupAsync()
    {
        _undone = await SeenAsync(_undone);
        _repeated = await SeenAsync(_repeated);
    }

    /// <summary>
    /// After the copy one hides, the other one hides and shows itself again, and a third one
    /// registers. The registry will know nothing of it.
    /// </summary>
    public async Task AfterBackupAsync()
    {
        await DoneAsync($"registry/subjects/{_undone}/hide", "member");
        await DoneAsync($"registry/subjects/{_repeated}/hide", "member");
        await DoneAsync($"registry/subjects/{_repeated}/publish", "member");
        await SeenAsync(null);
    }

    /// <summary>
    /// After the restore the second one hides: its event's number is lower than that of one that was told before.
    /// </summary>
    public Task AfterRestoreAsync() => DoneAsync($"registry/subjects/{_repeated}/hide", "member");

    /// <summary>Publishes many calls at once.</summary>
    /// <param name="number">How many.</param>
    /// <param name="half">Called once, when half of them are answered and the others are on their way.</param>
    public async Task BurstAsync(int number, Func<Task> half)
    {
        var drafts = new ConcurrentBag<string>();
        var several = new ParallelOptions { MaxDegreeOfParallelism = MostAtOnce };
        await Parallel.ForEachAsync(Enumerable.Range(0, number), several, async (_, _) => drafts.Add((await DraftAsync(LongSeconds))!));
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
            _opened.Add(await PublishAsync(LongSeconds) ?? throw new InvalidOperationException("An hour was too short to publish a call."));
            // A row keeps its open reservations, and thousands of them make each further one slow.
            await Task.Delay(500, CancellationToken.None);
        }
    }

    // The whole thread, each for one cent. A call that opens after its deadline, since something was down, stays open.
    // Where a slow machine lets none be in time, the time is longer after each that was not.
    private async Task PayAsync(CancellationToken stop)
    {
        for (var seconds = MoreSeconds; !stop.IsCancellationRequested || (_paid.IsEmpty && seconds < 120);)
        {
            var deadline = TimeProvider.System.GetUtcNow().AddSeconds(seconds);
            if (await PublishAsync(seconds, awards: 1) is not { } call)
            {
                seconds += MoreSeconds;
                continue;
            }

            await client.StatusBecomes(call, "open", seconds: WaitSeconds);
            var entry = await SendAsync($"challenges/{call}/entries", "member", Idea);
            if (entry.Status == HttpStatusCode.Conflict)
            {
                _opened.Add(call);
                seconds += MoreSeconds;
                continue;
            }

            var id = (string)entry.Body!["id"]!;
            while (TimeProvider.System.GetUtcNow() < deadline.AddSeconds(1))
                await Task.Delay(100, CancellationToken.None);
            // A replica whose clock is late does not know yet that the deadline is over.
            await Eventually.Is(
                () => SendAsync($"challenges/{call}/entries/{id}/scores", "juror", new { points = 90 }), a => a.Status == HttpStatusCode.OK, WaitSeconds);
            var award = new { entryId = id, amount = new { amount = 1, currency = "EUR" } };
            await Eventually.Is(
                () => SendAsync($"challenges/{call}/awards", "coordinator", award), a => a.Status == HttpStatusCode.OK, WaitSeconds);
            await Eventually.Is(
                () => client.Read($"/gorenjska/funding/grants?challengeId={call}"), g => g?["items"]?.AsArray().Count == 1, WaitSeconds);
            await DoneAsync($"funding/grants/{id}/agreement", "coordinator", Agreements.Of());
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

    // A subject of its own; one that is there already is published where it is hidden.
    private async Task<string> SeenAsync(string? subject)
    {
        if (subject is null)
        {
            subject = await RegisterAsync("Subjekt pred kopijo");
            await DoneAsync($"registry/subjects/{subject}/consent", "member", new { textVersion = "1" });
        }

        var published = await SendAsync($"registry/subjects/{subject}/publish", "member");
        Assert.True(published.Status is HttpStatusCode.OK or HttpStatusCode.Conflict, $"publish {subject}: {(int)published.Status} {published.Detail}");
        return subject;
    }

    private async Task RegisterAsync(int number, bool isToBeSeen)
    {
        var restores = Volatile.Read(ref _restores);
        var id = await RegisterAsync($"Subjekt {number}");
        if (await SubjectAsync(id, "consent", restores, new { textVersion = "1" }) && await SubjectAsync(id, "publish", restores)
            && (isToBeSeen || await SubjectAsync(id, "hide", restores)))
            _subjects[id] = isToBeSeen;
    }

    private async Task<string> RegisterAsync(string name)
    {
        var subject = await SendAsync("registry/subjects", "member", new
        {
            name,
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
        return (string)subject.Body!["id"]!;
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

    /// <returns>Null: the deadline was over before the call could be published; it stays a draft.</returns>
    private async Task<string?> PublishAsync(int seconds, int awards = 5)
    {
        if (await DraftAsync(seconds, awards) is not { } id)
            return null;
        var published = await SendAsync($"challenges/{id}/publish", "coordinator");
        Assert.True(
            published.Status is HttpStatusCode.OK or HttpStatusCode.UnprocessableEntity, $"publish {id}: {(int)published.Status} {published.Detail}");
        return published.Status == HttpStatusCode.OK ? id : null;
    }

    private async Task<string?> DraftAsync(int seconds, int awards = 5)
    {
        var draft = await SendAsync("challenges", "coordinator", Region.Terms(Row, Year, 1, seconds, awards));
        Assert.True(
            draft.Status is HttpStatusCode.Created or HttpStatusCode.UnprocessableEntity, $"draft: {(int)draft.Status} {draft.Detail}");
        return (string?)draft.Body!["id"];
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
