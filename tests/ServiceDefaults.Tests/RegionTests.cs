using System.Net;
using KkiMesh.TestKit;

namespace KkiMesh.ServiceDefaults.Tests;

/// <summary>A service is there for the regions that it was told of.</summary>
public sealed class RegionTests(TestServers servers)
{
    [Fact]
    public async Task A_region_that_nobody_has_named_is_not_there_and_nothing_is_kept_for_it()
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = new Client(new Uri(service.Address), service.Place.Issuer, "koroska");

        foreach (var answer in (Answer[])[
            await client.GetAsync("/koroska/counter/events"),
            await client.GetAsync("/koroska/counter/events", "integrator"),
            await client.GetAsync("/koroska/counter/access-log", "auditor"),
            await client.PostAsync("/koroska/counter/a", "member", new { label = "x" })])
            Assert.Equal((HttpStatusCode.NotFound, "There is no region koroska here."), (answer.Status, answer.Detail));
        Assert.Equal(0, await service.NumberAsync("select count(*) from mt_events"));

        // What came for it and could not be taken waits for an operator.
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/koroska/counter/errors", "operator")).Status);
        Assert.Equal(HttpStatusCode.Created, (await service.Client().PostAsync("/gorenjska/counter/a", "member", new { label = "x" })).Status);
    }
}
