using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace KkiMesh.AppHost;

/// <summary>The operator's view of what services could not take, through the gateway as everybody else.</summary>
internal static class Errors
{
    private const int PageSize = 100;
    private const int MostListed = 1000;

    private const string Usage =
        """
        usage: ./mesh errors list [<service>] [<filter>…]
               ./mesh errors show <service> <id> [--source <source>]
               ./mesh errors resend|discard <service> <id> [--source <source>]
               ./mesh errors resend|discard <service> <filter>…|--all
        filters: --type <type>  --source <source>  --subject <stream>  --reason <a part of it>
                 --after <instant>  --before <instant>   when they were parked, e.g. 2026-11-30T12:00:00Z
        MESH_REGION names another region
        """;

    /// <summary>Each filter's name for people, and for the services.</summary>
    private static readonly Dictionary<string, string> Filters = new(StringComparer.Ordinal)
    {
        ["--type"] = "type",
        ["--source"] = "source",
        ["--subject"] = "subject",
        ["--reason"] = "reason",
        ["--after"] = "parkedFrom",
        ["--before"] = "parkedTo",
    };

    public static async Task<int> RunAsync(string[] words, CancellationToken ct)
    {
        if (Read(words) is not { } asked)
            return Fail(Usage);
        using var http = await RegionClient.CreateAsync("operator");
        return http is null ? 1 : asked.Words switch
        {
            ["list"] or [] => await ListAsync(http, All, asked.Query, ct),
            ["list", var service] => await ListAsync(http, [service], asked.Query, ct),
            ["show", var service, var id] => await PrintAsync(http.GetAsync(Of(service, id) + asked.Query, ct), ct),
            ["resend", var service, var id] => await PrintAsync(http.PostAsync($"{Of(service, id)}/resend{asked.Query}", null, ct), ct),
            ["discard", var service, var id] => await PrintAsync(http.DeleteAsync(Of(service, id) + asked.Query, ct), ct),
            ["resend" or "discard", var service] when asked.Query.Length > 0 =>
                await SettleAsync(http, $"{service}/errors/{asked.Words[0]}{asked.Query}", ct),
            _ => Fail(Usage),
        };
    }

    private static IEnumerable<string> All => Topology.Services.Where(s => s.HasStore).Select(s => s.Name);

    private static string Of(string service, string id) => $"{service}/errors/{Uri.EscapeDataString(id)}";

    /// <summary>Words and filters apart; null if a filter has no value.</summary>
    private static (string[] Words, string Query)? Read(string[] words)
    {
        var (plain, query) = (new List<string>(), new List<string>());
        for (var i = 0; i < words.Length; i++)
        {
            if (words[i] == "--all")
                query.Add("all=true");
            else if (!words[i].StartsWith("--", StringComparison.Ordinal))
                plain.Add(words[i]);
            else if (Filters.TryGetValue(words[i], out var name) && i + 1 < words.Length)
                query.Add($"{name}={Uri.EscapeDataString(words[++i])}");
            else
                return null;
        }

        return ([.. plain], query.Count == 0 ? "" : "?" + string.Join('&', query));
    }

    private static async Task<int> ListAsync(HttpClient http, IEnumerable<string> services, string query, CancellationToken ct)
    {
        var rc = 0;
        foreach (var service in services)
        {
            for (var (page, listed, total) = (1, 0, 1L); listed < total && listed < MostListed; page++)
            {
                var path = $"{service}/errors{query}{(query.Length == 0 ? '?' : '&')}pageSize={PageSize}&page={page}";
                using var answer = await http.GetAsync(path, ct);
                var body = await answer.Content.ReadFromJsonAsync<JsonElement>(ct);
                if (!answer.IsSuccessStatusCode)
                {
                    Console.Error.WriteLine($"{service}: {body.GetProperty("detail")}");
                    rc = 1;
                    break;
                }

                total = body.GetProperty("total").GetInt64();
                var items = body.GetProperty("items");
                var cut = total > MostListed ? $", of which these are the oldest {MostListed}" : "";
                if (page == 1)
                    Console.WriteLine($"{service}: {total} parked{cut}");
                foreach (var e in items.EnumerateArray())
                    Console.WriteLine($"  {e.GetProperty("id")}  {e.GetProperty("type")}  {e.GetProperty("reason")}");
                if (items.GetArrayLength() == 0)
                    break;
                listed += items.GetArrayLength();
            }
        }

        return rc;
    }

    // One call settles a bounded number; the next one goes on after it.
    private static async Task<int> SettleAsync(HttpClient http, string path, CancellationToken ct)
    {
        for (var (after, rc) = (0L, 0); ;)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"{path}&after={after}");
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
            using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(ct));
            if (!answer.IsSuccessStatusCode)
                return Fail(await lines.ReadToEndAsync(ct), 1);
            var last = default(JsonElement);
            while (await lines.ReadLineAsync(ct) is { } text)
            {
                last = JsonSerializer.Deserialize<JsonElement>(text);
                Console.WriteLine(
                    $"{last.GetProperty("done"),6} of {last.GetProperty("total")} done, "
                    + $"{last.GetProperty("failed")} failed again, {last.GetProperty("gone")} settled by others");
            }

            if (last.ValueKind != JsonValueKind.Object || last.GetProperty("isGoingOn").GetBoolean())
                return Fail("It was cut short; call it again for the rest.", 1);
            if (last.GetProperty("stopped").GetString() is { } stopped)
                return Fail($"It stopped: {stopped}", 1);
            rc = last.GetProperty("failed").GetInt64() > 0 ? 1 : rc;
            if (!last.GetProperty("isMore").GetBoolean())
                return rc;
            after = last.GetProperty("next").GetInt64();
        }
    }

    private static async Task<int> PrintAsync(Task<HttpResponseMessage> call, CancellationToken ct)
    {
        using var answer = await call;
        var text = await answer.Content.ReadAsStringAsync(ct);
        Console.WriteLine(answer.StatusCode == HttpStatusCode.NoContent ? "done" : text);
        return answer.IsSuccessStatusCode ? 0 : 1;
    }

    private static int Fail(string sentence, int rc = 2)
    {
        Console.Error.WriteLine(sentence);
        return rc;
    }
}
