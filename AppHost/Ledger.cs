using System.Text.Json;

namespace KkiMesh.AppHost;

/// <summary>The auditor's view of the ledger.</summary>
internal static class Ledger
{
    private const string Usage = "usage: ./mesh ledger verify   (MESH_REGION names another region)";

    public static async Task<int> RunAsync(string[] words, CancellationToken ct)
    {
        if (words is not ["verify"])
        {
            Console.Error.WriteLine(Usage);
            return 2;
        }

        using var http = await RegionClient.CreateAsync("auditor");
        return http is null ? 1 : await VerifyAsync(http, ct);
    }

    // One line of JSON after each row, so that it is seen how far it is.
    private static async Task<int> VerifyAsync(HttpClient http, CancellationToken ct)
    {
        using var answer = await http.GetAsync("funding/verification", HttpCompletionOption.ResponseHeadersRead, ct);
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

            Console.WriteLine($"{line.GetProperty("rows"),4} of {line.GetProperty("ofRows")}  {line.GetProperty("row").GetString()}");
            foreach (var fault in line.GetProperty("faults").EnumerateArray())
                Console.WriteLine($"      {Transaction(fault)}{fault.GetProperty("what").GetString()}");
        }

        Console.Error.WriteLine("The verification was cut short; nothing is known of the rest.");
        return 1;
    }

    private static string Transaction(JsonElement fault) =>
        fault.TryGetProperty("transaction", out var number) && number.ValueKind == JsonValueKind.Number ? $"transaction {number}: " : "";
}
