using System.Net.Http.Headers;
using System.Net.Http.Json;
using KkiMesh.AppHost;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Bench;

/// <summary>What the public door costs.</summary>
internal static class GatewayBench
{
    public static async Task RunAsync(Session session)
    {
        var mesh = await session.MeshAsync();
        using var client = new Caller(await mesh.Tokens.ForAsync("coordinator"), session.Token);
        (string Kind, string Service, Goal Added, Goal? Ratio, Func<Uri, Task> Call)[] calls =
        [
            ("read", "funding", Goal.AtMost(1), null, at => client.GetAsync(new Uri(at, "/gorenjska/funding/rows/U3-P4"))),
            ("command", "challenges", Goal.AtMost(0.45), Goal.AtLeast(0.82), at => client.DraftAsync(new Uri(at, "/gorenjska/challenges"))),
        ];
        foreach (var (kind, service, most, least, call) in calls)
        {
            var added = session.Figure($"gateway, {kind}", "p50 through it minus p50 of the service directly, one at a time", "ms", most);
            var throughput = session.Figure($"gateway, {kind}", "throughput through it against the service directly, 16 clients", goal: least);
            var (through, direct) = (mesh.Run.Gateway, mesh.Run.Url(service));
            session.Say(kind);
            await session.InRoundsAsync(async counts =>
            {
                var (ofGateway, ofService) = (new List<double>(), new List<double>());
                for (var i = 0; i < session.Scaled(500); i++)
                {
                    ofGateway.Add(await Load.MillisecondsAsync(() => call(through)));
                    ofService.Add(await Load.MillisecondsAsync(() => call(direct)));
                }

                var rateThrough = await Load.RateAsync(Load.Writers, session.Scaled(TimeSpan.FromSeconds(4)), _ => call(through), session.Token);
                var rateDirect = await Load.RateAsync(Load.Writers, session.Scaled(TimeSpan.FromSeconds(4)), _ => call(direct), session.Token);
                if (!counts)
                    return;
                added.Difference(Numbers.Median(ofGateway), Numbers.Median(ofService));
                throughput.Ratio(rateThrough, rateDirect);
            });
        }
    }

    private sealed class Caller(string token, CancellationToken ct) : IDisposable
    {
        private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(60) };
        private readonly AuthenticationHeaderValue _token = new("Bearer", token);

        public async Task GetAsync(Uri address)
        {
            using var answer = await _http.GetAsync(address, ct);
            answer.EnsureSuccessStatusCode();
        }

        public async Task DraftAsync(Uri address)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, address)
            {
                Content = JsonContent.Create(new
                {
                    title = "Izziv",
                    description = "Opis",
                    organiser = "RAS",
                    row = "U3-P4",
                    fiscalYear = 2022,
                    pool = new { amount = 1_500_000, currency = "EUR" },
                    maxAwards = 5,
                    deadline = "2100-01-01T00:00:00Z",
                }),
            };
            request.Headers.Authorization = _token;
            request.Headers.Add("Idempotency-Key", Guid.NewGuid().ToString());
            using var answer = await _http.SendAsync(request, ct);
            answer.EnsureSuccessStatusCode();
        }

        public void Dispose() => _http.Dispose();
    }
}
