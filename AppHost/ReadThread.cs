using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace KkiMesh.AppHost;

/// <summary>
/// One thread of the policy as an auditor reads it: where the money comes from, the call, its ideas and why they were
/// awarded, what was agreed and paid, the bank's line, and the seal that covers each. All of it is read from the services,
/// as an auditor of another program could read it.
/// </summary>
public static class ReadThread
{
    private const int PageSize = 100;
    private const int MostPages = 20;
    private const int MostSeals = 500;

    private static readonly JsonSerializerOptions AsPeopleRead =
        new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The verb.</summary>
    internal static Command Verb()
    {
        var id = new Argument<string>("id") { Description = "A challenge, an awarded idea (its grant), or what else has events of its own." };
        var json = new Option<bool>("--json") { Description = "As JSON, with everything that was read." };
        var verb = new Command("thread", "Reads source, plan, call, ideas and scores, awards, agreements, payments, bank lines and seals into one page.") { id, json };
        verb.SetAction((parsed, ct) => RunAsync(parsed.GetValue(id)!, parsed.GetValue(json), ct));
        return verb;
    }

    /// <summary>Reads a thread as an auditor, and writes it.</summary>
    /// <param name="http">The region's address at the gateway, with an auditor's token.</param>
    /// <param name="id">What the thread is asked for by.</param>
    /// <param name="asJson">As JSON; else as a page of text.</param>
    /// <param name="writer">Takes it.</param>
    /// <param name="ct">Gives up.</param>
    /// <returns>0; 1 where there is no such thread, or where what was decided on is not what was recorded.</returns>
    public static async Task<int> WriteAsync(HttpClient http, string id, bool asJson, TextWriter writer, CancellationToken ct)
    {
        var thread = await ReadAsync(http, id, ct);
        if (thread is null)
        {
            await writer.WriteLineAsync($"There is no challenge and no grant {id}, and no event of a thread {id}.");
            return 1;
        }

        await writer.WriteLineAsync(asJson ? thread.ToJsonString(AsPeopleRead) : ThreadPage.Of(thread));
        return (bool?)thread["decisionRecord"]?["holds"] == false ? 1 : 0;
    }

    private static async Task<int> RunAsync(string id, bool asJson, CancellationToken ct)
    {
        using var http = await RegionClient.CreateAsync("auditor");
        return http is null ? 1 : await WriteAsync(http, id, asJson, Console.Out, ct);
    }

    private static async Task<JsonObject?> ReadAsync(HttpClient http, string id, CancellationToken ct)
    {
        var name = Uri.EscapeDataString(id);
        var grant = await GetAsync(http, $"funding/grants/{name}", ct);
        var call = await GetAsync(http, $"challenges/{(string?)grant?["challengeId"] ?? name}", ct);
        var of = (string?)call?["id"] ?? id;
        var events = await EventsAsync(http, of, ct);
        if (call is null && grant is null && events.Count == 0)
            return null;
        var grants = call is null
            ? new JsonArray(grant?.DeepClone())
            : await PagesAsync(http, $"funding/grants?challengeId={of}", ct);
        var row = (string?)call?["terms"]?["row"] ?? (string?)grant?["row"];
        var isDecided = (string?)call?["status"] == "concluded";
        return new JsonObject
        {
            ["id"] = of,
            ["row"] = row is null ? null : await GetAsync(http, $"funding/rows/{Uri.EscapeDataString(row)}", ct),
            ["call"] = call,
            ["ideas"] = isDecided ? await PagesAsync(http, $"challenges/{of}/entries", ct) : null,
            ["decisionRecord"] = isDecided ? await GetAsync(http, $"challenges/{of}/decision-record", ct) : null,
            ["grants"] = grants,
            ["payments"] = await PaymentsAsync(http, [.. grants.OfType<JsonObject>().Select(g => (string)g["id"]!)], ct),
            ["events"] = events,
        };
    }

    // What happened, in the order of time, with the seals of the ledger's events.
    private static async Task<JsonArray> EventsAsync(HttpClient http, string thread, CancellationToken ct)
    {
        var events = new List<JsonObject>();
        foreach (var service in Topology.Services.Where(s => s.HasStore).Select(s => s.Name))
        {
            var after = "0";
            for (var page = 0; page < MostPages; page++)
            {
                var read = await GetAsync(
                    http, $"{service}/events?correlation={Uri.EscapeDataString(thread)}&pageSize={PageSize}&after={after}", ct);
                foreach (var e in read?["items"]?.AsArray().OfType<JsonObject>() ?? [])
                    events.Add(new JsonObject { ["service"] = service, ["event"] = e.DeepClone() });
                if (read is null || (string)read["next"]! == (string)read["until"]!)
                    break;
                after = (string)read["next"]!;
            }
        }

        foreach (var told in events.Where(e => (string?)e["service"] == "funding").Take(MostSeals))
            told["seal"] = await SealAsync(http, told["event"]!, ct);
        return new JsonArray([.. events.OrderBy(e => Time(e["event"]!)).ThenBy(e => (string?)e["event"]!["id"], StringComparer.Ordinal)]);
    }

    private static DateTimeOffset Time(JsonNode e) =>
        DateTimeOffset.Parse((string)e["time"]!, CultureInfo.InvariantCulture);

    private static async Task<JsonNode?> SealAsync(HttpClient http, JsonNode e, CancellationToken ct)
    {
        var sequence = int.Parse((string)e["sequence"]!, CultureInfo.InvariantCulture);
        var seals = await GetAsync(
            http, $"funding/seals?stream={Uri.EscapeDataString((string)e["subject"]!)}&sequence={sequence}", ct);
        return seals?["items"]?.AsArray() is [{ } seal]
            ? new JsonObject { ["number"] = seal["number"]?.DeepClone(), ["hash"] = seal["hash"]?.DeepClone(), ["at"] = seal["at"]?.DeepClone() }
            : null;
    }

    private static async Task<JsonArray> PaymentsAsync(HttpClient http, IReadOnlyList<string> grants, CancellationToken ct)
    {
        var payments = new JsonArray();
        foreach (var grant in grants)
        {
            foreach (var line in (await PagesAsync(http, $"funding/payments?commitmentId={grant}", ct)).OfType<JsonObject>())
            {
                var paid = (JsonObject)line.DeepClone();
                var booked = await PagesAsync(http, $"funding/bank-statements?payment={(string)line["payment"]!["id"]!}", ct);
                paid["bankStatements"] = booked;
                payments.Add((JsonNode)paid);
            }
        }

        return payments;
    }

    private static async Task<JsonArray> PagesAsync(HttpClient http, string path, CancellationToken ct)
    {
        var items = new JsonArray();
        for (var page = 1; page <= MostPages; page++)
        {
            var read = await GetAsync(http, $"{path}{(path.Contains('?', StringComparison.Ordinal) ? '&' : '?')}page={page}&pageSize={PageSize}", ct);
            foreach (var item in read?["items"]?.AsArray() ?? [])
                items.Add(item?.DeepClone());
            if (read is null || items.Count >= (long)read["total"]!)
                break;
        }

        return items;
    }

    // What an auditor has no business with is left out, and what is not there is null; all else is a fault.
    private static async Task<JsonObject?> GetAsync(HttpClient http, string path, CancellationToken ct)
    {
        using var answer = await http.GetAsync(path, ct);
        if (answer.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.BadRequest)
            return null;
        if (!answer.IsSuccessStatusCode)
            throw new InvalidOperationException($"{path} answered {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync(ct)}");
        return await answer.Content.ReadFromJsonAsync<JsonObject>(ct);
    }
}
