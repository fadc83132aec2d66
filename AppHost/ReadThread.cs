using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
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
    private const string Filed = "kki.funding.decision-filed.v1";

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
    /// <returns>0; 1 where there is no such thread, or where something of it is not as it should be.</returns>
    public static async Task<int> WriteAsync(HttpClient http, string id, bool asJson, TextWriter writer, CancellationToken ct)
    {
        var thread = await ReadAsync(http, id, ct);
        if (thread is null)
        {
            await writer.WriteLineAsync($"There is no challenge and no grant {id}, and no event of a thread {id}.");
            return 1;
        }

        await writer.WriteLineAsync(asJson ? thread.ToJsonString(AsPeopleRead) : ThreadPage.Of(thread));
        return thread["faults"]!.AsArray().Count == 0 ? 0 : 1;
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
        // What is promised without a call belongs to its reservation's thread.
        var of = (string?)call?["id"] ?? (string?)grant?["reservationId"] ?? id;
        var faults = new JsonArray();
        var events = await EventsAsync(http, of, faults, ct);
        if (call is null && grant is null && events.Count == 0)
            return null;
        var grants = call is null
            ? new JsonArray(grant?.DeepClone())
            : await PagesAsync(http, $"funding/grants?challengeId={of}", faults, ct);
        var row = (string?)call?["terms"]?["row"] ?? (string?)grant?["row"];
        var isDecided = (string?)call?["status"] == "concluded";
        var ideas = isDecided ? await PagesAsync(http, $"challenges/{of}/entries", faults, ct) : null;
        if (ideas is not null)
            Compare(of, ideas, events, faults);
        return new JsonObject
        {
            ["id"] = of,
            ["row"] = row is null ? null : await GetAsync(http, $"funding/rows/{Uri.EscapeDataString(row)}", ct),
            ["call"] = call,
            ["ideas"] = ideas,
            ["decisionRecord"] = isDecided ? await GetAsync(http, $"challenges/{of}/decision-record", ct) : null,
            ["grants"] = grants,
            ["payments"] = await PaymentsAsync(http, [.. grants.OfType<JsonObject>().Select(g => (string)g["id"]!)], faults, ct),
            ["events"] = events,
            ["faults"] = faults,
        };
    }

    // The hash is made here, of what was read, and held against what the ledger has: whoever changes ideas or scores in
    // their service's database can change what that service says of them, too.
    private static void Compare(string call, JsonArray ideas, JsonArray events, JsonArray faults)
    {
        var texts = new List<string?> { call };
        foreach (var idea in ideas.OfType<JsonObject>().OrderBy(i => (string)i["id"]!, StringComparer.Ordinal))
        {
            var said = new List<string?>();
            foreach (var name in (string[])["id", "title", "summary", "applicant", "municipality", "subjectId"])
                said.Add((string?)idea[name]);
            foreach (var score in idea["scores"]!.AsArray().OfType<JsonObject>().OrderBy(s => (string)s["juror"]!, StringComparer.Ordinal))
                said.AddRange([(string?)score["juror"], ((int)score["points"]!).ToString(CultureInfo.InvariantCulture), (string?)score["note"]]);
            texts.AddRange([(string?)idea["id"], Hash(said)]);
        }

        var hash = Hash(texts);
        foreach (var filed in events.Select(e => e!["event"]!).Where(e => (string?)e["type"] == Filed && (string?)e["data"]?["record"] != hash))
        {
            faults.Add(
                $"The ideas, scores and reasons are NOT what the ledger holds: they give {hash}, and it has {filed["data"]?["record"]} ({filed["subject"]} {filed["sequence"]}).");
        }
    }

    private static string Hash(IEnumerable<string?> texts) => Convert.ToHexStringLower(SHA256.HashData(
        Encoding.UTF8.GetBytes(string.Concat(texts.Select(t => t is null ? "-" : $"{Encoding.UTF8.GetByteCount(t)}:{t},")))));

    // What happened, in the order of time, with the seals of the ledger's events.
    private static async Task<JsonArray> EventsAsync(HttpClient http, string thread, JsonArray faults, CancellationToken ct)
    {
        var events = new List<JsonObject>();
        foreach (var service in Topology.Services.Where(s => s.HasStore).Select(s => s.Name))
        {
            var (after, until) = ("0", "");
            for (var page = 0; page < MostPages && after != until; page++)
            {
                var read = await GetAsync(
                    http, $"{service}/events?correlation={Uri.EscapeDataString(thread)}&pageSize={PageSize}&after={after}", ct);
                if (read is null)
                    break;
                foreach (var e in read["items"]!.AsArray().OfType<JsonObject>())
                    events.Add(new JsonObject { ["service"] = service, ["event"] = e.DeepClone() });
                foreach (var e in read["unreadable"]?.AsArray() ?? [])
                    faults.Add($"{service} has an event that CANNOT BE READ: {e!["type"]} {e["id"]}.");
                (after, until) = ((string)read["next"]!, (string)read["until"]!);
            }

            if (after != until && until.Length > 0)
                faults.Add($"{service} has more than {MostPages * PageSize} events of this thread: the others are left out.");
        }

        var told = events.Where(e => (string?)e["service"] == "funding").ToList();
        foreach (var e in told.Take(MostSeals))
            e["seal"] = await SealAsync(http, e["event"]!, faults, ct);
        if (told.Count > MostSeals)
            faults.Add($"The seals of the first {MostSeals} events of the ledger were read, and not those of {told.Count - MostSeals} others.");
        return new JsonArray([.. events.OrderBy(e => Time(e["event"]!)).ThenBy(e => (string?)e["event"]!["id"], StringComparer.Ordinal)]);
    }

    private static DateTimeOffset Time(JsonNode e) =>
        DateTimeOffset.Parse((string)e["time"]!, CultureInfo.InvariantCulture);

    private static async Task<JsonNode?> SealAsync(HttpClient http, JsonNode e, JsonArray faults, CancellationToken ct)
    {
        var sequence = int.Parse((string)e["sequence"]!, CultureInfo.InvariantCulture);
        var path = $"funding/seals?stream={Uri.EscapeDataString((string)e["subject"]!)}&sequence={sequence}";
        using var answer = await http.GetAsync(path, ct);
        var read = await answer.Content.ReadFromJsonAsync<JsonObject>(ct);
        if (!answer.IsSuccessStatusCode)
            faults.Add($"{e["subject"]} {sequence}: {(string?)read?["detail"]}");
        return read?["items"]?.AsArray() is [{ } seal]
            ? new JsonObject { ["number"] = seal["number"]?.DeepClone(), ["hash"] = seal["hash"]?.DeepClone(), ["at"] = seal["at"]?.DeepClone() }
            : null;
    }

    private static async Task<JsonArray> PaymentsAsync(HttpClient http, IReadOnlyList<string> grants, JsonArray faults, CancellationToken ct)
    {
        var payments = new JsonArray();
        foreach (var grant in grants)
        {
            foreach (var line in (await PagesAsync(http, $"funding/payments?commitmentId={grant}", faults, ct)).OfType<JsonObject>())
            {
                var paid = (JsonObject)line.DeepClone();
                paid["bankStatements"] = await PagesAsync(http, $"funding/bank-statements?payment={(string)line["payment"]!["id"]!}", faults, ct);
                payments.Add((JsonNode)paid);
            }
        }

        return payments;
    }

    private static async Task<JsonArray> PagesAsync(HttpClient http, string path, JsonArray faults, CancellationToken ct)
    {
        var (items, total) = (new JsonArray(), 1L);
        for (var page = 1; page <= MostPages && items.Count < total; page++)
        {
            var read = await GetAsync(http, $"{path}{(path.Contains('?', StringComparison.Ordinal) ? '&' : '?')}page={page}&pageSize={PageSize}", ct);
            foreach (var item in read?["items"]?.AsArray() ?? [])
                items.Add(item?.DeepClone());
            total = (long?)read?["total"] ?? 0;
        }

        if (items.Count < total)
            faults.Add($"{path} has {total} lines: {items.Count} were read.");
        return items;
    }

    // What is not there is null, and so is what an auditor has no business with; all else is a fault.
    private static async Task<JsonObject?> GetAsync(HttpClient http, string path, CancellationToken ct)
    {
        using var answer = await http.GetAsync(path, ct);
        if (answer.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.BadRequest or HttpStatusCode.Forbidden)
            return null;
        if (!answer.IsSuccessStatusCode)
            throw new InvalidOperationException($"{path} answered {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync(ct)}");
        return await answer.Content.ReadFromJsonAsync<JsonObject>(ct);
    }
}
