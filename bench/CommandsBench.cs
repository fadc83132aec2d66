using System.Net.Http.Headers;
using System.Net.Http.Json;
using JasperFx;
using JasperFx.Events;
using KkiMesh.AppHost;
using KkiMesh.ServiceDefaults;
using KkiMesh.TestKit;
using Marten;
using Marten.Events;

namespace KkiMesh.Bench;

/// <summary>
/// What the write path costs: HTTP, access, key, decision, snapshot, events and answer, and the relay beside it.
/// </summary>
internal static class CommandsBench
{
    private static readonly string Text = new('x', 200);

    public static async Task RunAsync(Session session)
    {
        var withoutRelay = session.Figure("commands", "16 writers over HTTP, each on its stream, against the same without the relay", goal: Goal.AtLeast(0.9));
        var append = session.Figure("commands / append", "the same, against a bare Marten append (no HTTP, no snapshot, no answer kept)", goal: Goal.AtLeast(0.5));
        var rows = session.Figure("commands / row", "the same, against single-row commits by Npgsql");
        await using var relayed = await Writing.StartAsync(session);
        await using var silent = await Writing.StartAsync(session);
        await silent.Source.StopRelayAsync(session.Token);
        await using var rabbit = await RawRabbit.StartAsync(relayed.Place.RabbitMq, Source.Told, reads: false, session.Token);
        await using var place = await session.NewPlaceAsync();
        await using var marten = BareMarten(await place.DatabaseAsync("marten"));
        await marten.Storage.ApplyAllConfiguredChangesToDatabaseAsync();
        await using var postgres = await RawPostgres.StartAsync(await place.DatabaseAsync("raw"), Load.Writers, session.Token);
        await session.InRoundsAsync(async counts =>
        {
            var commands = await Rate(session, relayed.SendAsync);
            // What is left over is not the next one's business.
            await relayed.Source.IsRelayedAsync();
            await rabbit.EmptyAsync(session.Token);
            var without = await Rate(session, silent.SendAsync);
            var bare = await Rate(session, writer => AppendAsync(marten, writer, session.Token));
            var single = await Rate(session, writer => postgres.CommitAsync(writer, Text, session.Token));
            if (!counts)
                return;
            withoutRelay.Ratio(commands, without);
            append.Ratio(commands, bare);
            rows.Ratio(commands, single);
        });
    }

    private static Task<double> Rate(Session session, Func<int, Task> once) =>
        Load.RateAsync(Load.Writers, session.Scaled(TimeSpan.FromSeconds(5)), once, session.Token);

    private static DocumentStore BareMarten(string database) => DocumentStore.For(options =>
    {
        options.Connection(database);
        options.AutoCreateSchemaObjects = AutoCreate.CreateOrUpdate;
        options.Events.StreamIdentity = StreamIdentity.AsString;
        options.Events.AppendMode = EventAppendMode.Quick;
        options.Events.AddEventType<Told>();
    });

    private static async Task AppendAsync(DocumentStore marten, int writer, CancellationToken ct)
    {
        await using var session = marten.LightweightSession();
        session.Events.Append($"stream-{writer}", new Told(1, Text));
        await session.SaveChangesAsync(ct);
    }

    /// <summary>A service, and its clients.</summary>
    internal sealed class Writing(Session session, Place place, Source source) : IAsyncDisposable
    {
        private readonly HttpClient _http = new() { BaseAddress = source.Address, Timeout = TimeSpan.FromSeconds(60) };
        private readonly AuthenticationHeaderValue _token = new("Bearer", source.Issuer.Token("member"));

        public Place Place => place;

        public Source Source => source;

        public static async Task<Writing> StartAsync(Session session)
        {
            var place = await session.NewPlaceAsync();
            var writing = new Writing(session, place, await Source.StartAsync(place));
            for (var writer = 0; writer < Load.Writers; writer++)
                await writing.PostAsync($"stream-{writer}");
            return writing;
        }

        public Task SendAsync(int writer) => PostAsync($"stream-{writer}/told");

        public async ValueTask DisposeAsync()
        {
            _http.Dispose();
            await source.DisposeAsync();
            await place.DisposeAsync();
        }

        private async Task PostAsync(string path)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"/{SmallService.Region}/source/{path}") { Content = JsonContent.Create(new TellRequest(Text)) };
            request.Headers.Authorization = _token;
            request.Headers.Add("Idempotency-Key", Guid.NewGuid().ToString());
            using var answer = await _http.SendAsync(request, session.Token);
            answer.EnsureSuccessStatusCode();
        }
    }
}
