using System.Net.Http.Json;
using System.Text.Json;

namespace KkiMesh.AppHost;

/// <summary>Has a service build its picture of the others anew, and shows how far it is.</summary>
internal static class Rebuild
{
    private static readonly TimeSpan Patience = TimeSpan.FromHours(1);

    public static async Task<int> RunAsync(string service, CancellationToken ct)
    {
        using var http = await RegionClient.CreateAsync("operator");
        if (http is null)
            return 1;
        using var answer = await http.PostAsync($"{service}/picture/rebuild", null, ct);
        if (!answer.IsSuccessStatusCode)
        {
            Console.Error.WriteLine(await answer.Content.ReadAsStringAsync(ct));
            return 1;
        }

        for (var end = TimeProvider.System.GetUtcNow() + Patience; TimeProvider.System.GetUtcNow() < end; await Task.Delay(500, ct))
        {
            var state = await http.GetFromJsonAsync<JsonElement>($"{service}/picture", ct);
            Console.WriteLine(string.Join("  ", state.GetProperty("sources").EnumerateObject().Select(Progress)));
            if (!state.GetProperty("building").GetBoolean())
                return 0;
        }

        Console.Error.WriteLine($"The picture of {service} is still being built; GET /<region>/{service}/picture shows how far it is.");
        return 1;
    }

    private static string Progress(JsonProperty source)
    {
        var (position, until) = (source.Value.GetProperty("position"), source.Value.GetProperty("until"));
        return $"{source.Name}: position {position} of {(until.ValueKind == JsonValueKind.Null ? "?" : until.ToString())}, {source.Value.GetProperty("learnt")} learnt";
    }
}
