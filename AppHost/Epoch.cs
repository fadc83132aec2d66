namespace KkiMesh.AppHost;

/// <summary>Tells a service that its database was restored, where PostgreSQL itself does not show it.</summary>
internal static class Epoch
{
    public static async Task<int> RunAsync(string service, CancellationToken ct)
    {
        using var http = await RegionClient.CreateAsync("operator");
        if (http is null)
            return 1;
        using var answer = await http.PostAsync($"{Uri.EscapeDataString(service)}/events/epoch", null, ct);
        Console.WriteLine(await answer.Content.ReadAsStringAsync(ct));
        return answer.IsSuccessStatusCode ? 0 : 1;
    }
}
