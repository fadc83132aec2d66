using System.Text.Json;

namespace KkiMesh.AppHost;

/// <summary>The auditor's view of the ledger.</summary>
internal static class Ledger
{
    private const string Usage = "usage: ./mesh ledger verify [<seal>] | rebuild   (MESH_REGION names another region)";

    public static async Task<int> RunAsync(string[] words, CancellationToken ct)
    {
        switch (words)
        {
            case ["verify"]:
                return await FollowAsync("auditor", HttpMethod.Get, "funding/verification", ct);
            case ["verify", var seal]:
                return await FollowAsync("auditor", HttpMethod.Get, $"funding/verification?seal={Uri.EscapeDataString(seal)}", ct);
            case ["rebuild"]:
                return await FollowAsync("operator", HttpMethod.Post, "funding/ledger/rebuild", ct);
            default:
                Console.Error.WriteLine(Usage);
                return 2;
        }
    }

    // One line of JSON after each row, so that it is seen how far it is.
    private static async Task<int> FollowAsync(string role, HttpMethod method, string path, CancellationToken ct)
    {
        using var http = await RegionClient.CreateAsync(role);
        if (http is null)
            return 1;
        using var request = new HttpRequestMessage(method, path);
        using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(ct));
        if (!answer.IsSuccessStatusCode)
        {
            Console.Error.WriteLine(await lines.ReadToEndAsync(ct));
            return 1;
        }

        while (await lines.ReadLineAsync(ct) is { } text)
        {
            var line = JsonSerializer.Deserialize<JsonElement>(text);
            if (line.TryGetProperty("isIntact", out var intact) && intact.ValueKind is JsonValueKind.True or JsonValueKind.False)
            {
                Console.WriteLine($"{(intact.GetBoolean() ? "intact" : "NOT INTACT")}: {line.GetProperty("rows")} rows, {line.GetProperty("transactions")} transactions");
                return intact.GetBoolean() ? 0 : 1;
            }

            if (line.GetProperty("row").GetString() is not { } row)
            {
                var left = line.TryGetProperty("left", out var number) ? number.GetInt32() : 0;
                Console.WriteLine($"rebuilt: {line.GetProperty("rows").GetInt32() - left} rows, {line.GetProperty("transactions")} transactions, {line.GetProperty("mended")} mended; {left} left as they are");
                return left == 0 ? 0 : 1;
            }

            Console.WriteLine($"{line.GetProperty("rows"),4} of {line.GetProperty("ofRows")}  {row}");
            if (line.TryGetProperty("fault", out var unsound) && unsound.ValueKind == JsonValueKind.String)
                Console.WriteLine($"      {unsound.GetString()}");
            foreach (var fault in line.TryGetProperty("faults", out var faults) ? [.. faults.EnumerateArray()] : Array.Empty<JsonElement>())
                Console.WriteLine($"      {Transaction(fault)}{fault.GetProperty("what").GetString()}");
        }

        Console.Error.WriteLine("It was cut short; nothing is known of the rest.");
        return 1;
    }

    private static string Transaction(JsonElement fault) =>
        fault.TryGetProperty("transaction", out var number) && number.ValueKind == JsonValueKind.Number ? $"transaction {number}: " : "";
}
