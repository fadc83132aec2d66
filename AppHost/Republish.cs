using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace KkiMesh.AppHost;

/// <summary>Has a service publish its history again, and shows how far it is.</summary>
internal static class Republish
{
    public static Command Verb(Argument<string> service)
    {
        var after = new Option<string?>("--after") { Description = "The position after which it begins; by default the beginning." };
        var type = new Option<string[]>("--type") { Description = "Only events of this type; may be repeated.", AllowMultipleArgumentsPerToken = true };
        var to = new Option<string?>("--to") { Description = "Only to this queue; by default to all that are bound." };
        var perSecond = new Option<int?>("--per-second") { Description = "At most so many events a second, 1 to 5000; by default 500." };
        var verb = new Command("republish", "Publishes a service's history again.") { service, after, type, to, perSecond };
        verb.SetAction((parsed, ct) => RunAsync(
            parsed.GetValue(service)!, parsed.GetValue(after), parsed.GetValue(type) ?? [], parsed.GetValue(to), parsed.GetValue(perSecond), ct));
        return verb;
    }

    private static async Task<int> RunAsync(string service, string? after, string[] types, string? to, int? perSecond, CancellationToken ct)
    {
        using var http = await RegionClient.CreateAsync("operator");
        if (http is null)
            return 1;
        // It takes as long as there is history; each line is a sign of life.
        http.Timeout = Timeout.InfiniteTimeSpan;
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{Uri.EscapeDataString(service)}/events/republish{Query(after, types, to, perSecond)}");
        using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(ct));
        if (!answer.IsSuccessStatusCode)
        {
            Console.Error.WriteLine(await lines.ReadToEndAsync(ct));
            return 1;
        }

        return await FollowAsync(lines, ct);
    }

    private static async Task<int> FollowAsync(StreamReader lines, CancellationToken ct)
    {
        var next = "0";
        try
        {
            while (await lines.ReadLineAsync(ct) is { } text)
            {
                var line = JsonSerializer.Deserialize<JsonElement>(text);
                next = line.GetProperty("next").GetString()!;
                Console.WriteLine($"{line.GetProperty("published"),8} published, position {next} of {line.GetProperty("until").GetString()}");
                if (!line.GetProperty("isDone").GetBoolean())
                    continue;
                if (line.TryGetProperty("unreadable", out var unreadable) && unreadable.GetInt64() > 0)
                {
                    Console.Error.WriteLine(
                        $"{unreadable} events cannot be read and were left out; the service's log says which.");
                }

                return 0;
            }
        }
        catch (IOException)
        {
            // Said below.
        }

        Console.Error.WriteLine($"It was cut short; --after {next} goes on.");
        return 1;
    }

    private static string Query(string? after, string[] types, string? to, int? perSecond)
    {
        List<(string Name, string? Value)> parts = [.. types.Select(t => ("type", (string?)t)), ("after", after), ("to", to)];
        parts.Add(("perSecond", perSecond?.ToString(CultureInfo.InvariantCulture)));
        var said = parts.Where(p => p.Value is not null).Select(p => $"{p.Name}={Uri.EscapeDataString(p.Value!)}");
        return string.Join('&', said) is { Length: > 0 } query ? "?" + query : "";
    }
}
