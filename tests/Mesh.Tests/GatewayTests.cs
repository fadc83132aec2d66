using System.Net;
using KkiMesh.TestKit;

namespace KkiMesh.Mesh.Tests;

[Collection<OnWholeMesh>]
public sealed class GatewayTests(WholeMesh mesh)
{
    [Fact]
    public async Task Health_says_of_each_service_whether_it_is_ready()
    {
        using var client = mesh.Client();

        var health = await Eventually.Is(() => client.GetAsync("/health"), a => a.IsReady);

        Assert.Equal("ready", (string?)health.Body!["services"]!["challenges"]!["status"]);
        Assert.Equal(2, health.Body["services"]!["funding"]!["replicas"]!.AsArray().Count);
    }

    [Fact]
    public async Task The_API_of_every_service_is_shown_in_one_page_that_needs_nothing_from_outside()
    {
        using var client = mesh.Client();
        using var http = new HttpClient { BaseAddress = mesh.Run.Gateway };

        foreach (var service in (string[])["challenges", "funding"])
        {
            var document = await client.GetAsync($"/openapi/{service}.json");
            Assert.StartsWith("3.1", (string)document.Body!["openapi"]!, StringComparison.Ordinal);
            Assert.All(document.Body["paths"]!.AsObject(), p => Assert.StartsWith("/{region}/" + service, p.Key, StringComparison.Ordinal));
            Assert.Contains(service, await http.GetStringAsync("/docs"), StringComparison.Ordinal);
        }

        var page = await http.GetStringAsync("/docs");
        Assert.DoesNotMatch("(src|href)=\"(https?:)?//", page);
    }

    [Fact]
    public async Task What_is_not_there_is_a_problem()
    {
        using var client = mesh.Client();

        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync("/gorenjska/nothing")).Status);
        Assert.Contains("funding", (await client.GetAsync("/gorenjska/nothing")).Detail, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync("/GORENJSKA/funding/rows")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync("/openapi/nothing.json")).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await client.GetAsync("/gorenjska/funding/rows?pageSize=1000")).Status);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await client.PostAsync("/gorenjska/challenges", "coordinator", new string('x', 2_000_000))).Status);
    }

    [Fact]
    public async Task A_service_that_is_down_gives_503_at_once_and_one_replica_is_enough()
    {
        using var client = mesh.Client();
        await mesh.Run.KillAsync("funding", 0);
        try
        {
            await Eventually.Is(() => client.GetAsync("/gorenjska/funding/rows"), a => a.Status == HttpStatusCode.OK);
            await mesh.Run.KillAsync("funding", 1);

            var down = await client.GetAsync("/gorenjska/funding/rows").WaitAsync(TimeSpan.FromSeconds(10));
            var health = await client.GetAsync("/health");

            Assert.Equal(HttpStatusCode.ServiceUnavailable, down.Status);
            Assert.Contains("funding", down.Detail, StringComparison.Ordinal);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, health.Status);
            Assert.Equal("down", (string?)health.Body!["services"]!["funding"]!["status"]);
            Assert.Equal("ready", (string?)health.Body["services"]!["challenges"]!["status"]);
        }
        finally
        {
            await mesh.Run.StartReplicaAsync("funding", 0);
            await mesh.Run.StartReplicaAsync("funding", 1);
        }

        await Eventually.Is(() => client.GetAsync("/gorenjska/funding/rows"), a => a.Status == HttpStatusCode.OK);
    }
}
