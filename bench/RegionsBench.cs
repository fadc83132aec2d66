using System.Net.Http.Headers;
using System.Net.Http.Json;
using KkiMesh.TestKit;

namespace KkiMesh.Bench;

/// <summary>What it costs that commands are of several regions, each of which has transactions of its own.</summary>
internal static class RegionsBench
{
    private const int Writers = 64;
    private const int Regions = 10;
    private static readonly string Text = new('x', 200);

    public static async Task RunAsync(Session session)
    {
        var rate = session.Figure("regions", $"{Writers} writers over HTTP in {Regions} regions, each on its stream, against the same in one", goal: Goal.AtLeast(0.8));
        var groups = session.Figure("regions / group", "commands a transaction, the same against the same");
        await using var one = await Writing.StartAsync(session, regions: 1);
        await using var ten = await Writing.StartAsync(session, Regions);
        await session.InRoundsAsync(async counts =>
        {
            var (many, inMany) = await ten.RateAsync();
            var (single, inSingle) = await one.RateAsync();
            if (!counts)
                return;
            rate.Ratio(many, single);
            groups.Ratio(inMany, inSingle, "");
        });
    }

    /// <summary>A service without its relay, and clients in some regions.</summary>
    private sealed class Writing(Session session, Place place, Source source, int regions) : IAsyncDisposable
    {
        private readonly Source _source = source;
        private readonly HttpClient _http = new() { BaseAddress = source.Address, Timeout = TimeSpan.FromSeconds(60) };

        private readonly AuthenticationHeaderValue[] _tokens =
            [.. Enumerable.Range(0, regions).Select(n => new AuthenticationHeaderValue("Bearer", source.Issuer.Token("member", Region(n))))];

        public static async Task<Writing> StartAsync(Session session, int regions)
        {
            var place = await session.NewPlaceAsync();
            for (var n = 1; n < regions; n++)
                place.Settings[$"Mesh:Regions:{n}"] = Region(n);
            var writing = new Writing(session, place, await Source.StartAsync(place), regions);
            await writing._source.StopRelayAsync(session.Token);
            for (var writer = 0; writer < Writers; writer++)
                await writing.PostAsync(writer, $"stream-{writer}");
            return writing;
        }

        /// <summary>Commands a second, and a transaction.</summary>
        public async Task<(double Rate, double Group)> RateAsync()
        {
            var (events, transactions) = await CountAsync();
            var rate = await Load.RateAsync(Writers, session.Scaled(TimeSpan.FromSeconds(5)), writer => PostAsync(writer, $"stream-{writer}/told"), session.Token);
            var (allEvents, allTransactions) = await CountAsync();
            return (rate, (allEvents - events) / (double)Math.Max(1, allTransactions - transactions));
        }

        public async ValueTask DisposeAsync()
        {
            _http.Dispose();
            await _source.DisposeAsync();
            await place.DisposeAsync();
        }

        private static string Region(int number) => number == 0 ? SmallService.Region : $"region-{number}";

        private async Task<(long Events, long Transactions)> CountAsync()
        {
            await using var database = await _source.DatabaseAsync();
            await using var count = database.CreateCommand("select count(*), count(distinct xmin::text) from mt_events");
            await using var reader = await count.ExecuteReaderAsync(session.Token);
            await reader.ReadAsync(session.Token);
            return (reader.GetInt64(0), reader.GetInt64(1));
        }

        private async Task PostAsync(int writer, string path)
        {
            var region = writer % regions;
            using var request = new HttpRequestMessage(HttpMethod.Post, $"/{Region(region)}/source/{path}") { Content = JsonContent.Create(new TellRequest(Text)) };
            request.Headers.Authorization = _tokens[region];
            request.Headers.Add("Idempotency-Key", Guid.NewGuid().ToString());
            using var answer = await _http.SendAsync(request, session.Token);
            answer.EnsureSuccessStatusCode();
        }
    }
}
