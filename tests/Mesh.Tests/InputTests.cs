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
        var times = 0;
        var faults = await TryAsync(async requests =>
        {
            await requests.TryTimesAsync("/openapi/v1.json");
            times += requests.Tried;
            await requests.TryParametersAsync("/openapi/v1.json");
        });

        Assert.Empty(faults);
        Assert.True(times >= 17, $"Only {times} days and instants were tried.");
    }

    [Fact]
    public async Task Nothing_that_somebody_sends_is_the_services_own_failure() =>
        Assert.Empty(await TryAsync(requests => requests.TryNonsenseAsync("/openapi/v1.json")));

    private async Task<IReadOnlyList<string>> TryAsync(Func<WrongRequests, Task> tries)
    {
        await using var place = await servers.NewPlaceAsync();
        await using var mesh = await AccessTests.StartAsync(place);
        var token = AccessTests.TokenOfAllRoles(place.Issuer);
        var faults = new List<string>();
        foreach (var service in Topology.Services.Where(s => s != Topology.Identity))
        {
            using var http = WrongRequests.Client(mesh.Url(service.Name));
            var requests = new WrongRequests(http, _ => token);
            await tries(requests);
            faults.AddRange(requests.Faults);
        }

        return faults;
    }
}
