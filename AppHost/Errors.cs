using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace KkiMesh.AppHost;

/// <summary>The operator's view of what services could not take, through the gateway as everybody else.</summary>
internal static class Errors
{
    private const string Usage = "usage: ./mesh errors list | show <service> <id> | resend <service> <id> | discard <service> <id>   (MESH_REGION names another region)";

    public static async Task<int> RunAsync(string[] words, CancellationToken ct)
    {
        using var http = await RegionClient.CreateAsync("operator");
        return http is null ? 1 : words switch
        {
            ["list"] or [] => await ListAsync(http, ct),
            ["show", var service, var id] => await PrintAsync(await http.GetAsync($"{service}/errors/{Uri.EscapeDataString(id)}", ct), ct),
            ["resend", var service, var id] => await PrintAsync(await http.PostAsync($"{service}/errors/{Uri.EscapeDataString(id)}/resend", null, ct), ct),
            ["discard", var service, var id] => await PrintAsync(await http.DeleteAsync($"{service}/errors/{Uri.EscapeDataString(id)}", ct), ct),
            _ => Fail(Usage),
        };
    }

    private static async Task<int> ListAsync(HttpClient http, CancellationToken ct)
    {
        var rc = 0;
        foreach (var service in Topology.Services.Where(s => s.HasStore))
        {
            using var answer = await http.GetAsync($"{service.Name}/errors?pageSize=100", ct);
            var body = await answer.Content.ReadFromJsonAsync<JsonElement>(ct);
            if (!answer.IsSuccessStatusCode)
            {
                Console.Error.WriteLine($"{service.Name}: {body.GetProperty("detail")}");
                rc = 1;
                continue;
            }

            Console.WriteLine($"{service.Name}: {body.GetProperty("total")} parked");
            foreach (var e in body.GetProperty("items").EnumerateArray())
                Console.WriteLine($"  {e.GetProperty("id")}  {e.GetProperty("type")}  {e.GetProperty("reason")}");
        }

        return rc;
    }

    private static async Task<int> PrintAsync(HttpResponseMessage answer, CancellationToken ct)
    {
        var text = await answer.Content.ReadAsStringAsync(ct);
        Console.WriteLine(answer.StatusCode == HttpStatusCode.NoContent ? "done" : text);
        return answer.IsSuccessStatusCode ? 0 : 1;
    }

    private static int Fail(string sentence)
    {
        Console.Error.WriteLine(sentence);
        return 2;
    }
}
