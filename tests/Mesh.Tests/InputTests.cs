using KkiMesh.AppHost;
using KkiMesh.TestKit;

namespace KkiMesh.Mesh.Tests;

/// <summary>What all endpoints of all services must refuse. Identity's own are tried in its tests.</summary>
[Collection<Apart>]
public sealed class InputTests(TestServers servers)
{
    [Fact]
    public async Task No_address_may_ask_what_an_endpoint_does_not_understand()
    {
        await using var place = await servers.NewPlaceAsync();
        await using var mesh = await AccessTests.StartAsync(place);
        var token = AccessTests.TokenOfAllRoles(place.Issuer);
        var (times, faults) = (0, new List<string>());
        foreach (var service in Topology.Services.Where(s => s != Topology.Identity))
        {
            using var http = new HttpClient { BaseAddress = mesh.Url(service.Name) };
            var queries = new WrongRequests(http, _ => token);
            await queries.TryTimesAsync("/openapi/v1.json");
            times += queries.Tried;
            await queries.TryParametersAsync("/openapi/v1.json");
            faults.AddRange(queries.Faults);
        }

        Assert.Empty(faults);
        Assert.True(times >= 17, $"Only {times} days and instants were tried.");
    }
}
