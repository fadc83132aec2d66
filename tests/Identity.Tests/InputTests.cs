using KkiMesh.TestKit;

namespace KkiMesh.Identity.Tests;

/// <summary>What the API's endpoints must refuse. The other services' are tried in Mesh.Tests.</summary>
[Collection(WithIdentity.Name)]
public sealed class InputTests(ApiIdentity shared)
{
    [Fact]
    public async Task No_address_of_the_api_may_ask_what_an_endpoint_does_not_understand()
    {
        using var http = shared.Identity.Http();
        var requests = await RequestsAsync(http);

        await requests.TryParametersAsync("/openapi/v1.json");

        Assert.Empty(requests.Faults);
        Assert.True(requests.Tried > 0);
    }

    [Fact]
    public async Task What_openid_and_the_pages_do_not_know_they_ignore()
    {
        using var http = shared.Identity.Http();
        string[] addresses = ["/account/sign-in?utm_source=x&utm_source=y", "/.well-known/openid-configuration?x=1"];

        foreach (var address in addresses)
        {
            using var answer = await http.GetAsync(
                new Uri(address, UriKind.Relative), TestContext.Current.CancellationToken);
            Assert.True(answer.IsSuccessStatusCode, address);
        }
    }

    private async Task<WrongRequests> RequestsAsync(HttpClient http)
    {
        var table = await AccessTable.ReadAsync();
        var tokens = new Dictionary<string, string>();
        foreach (var role in AccessTable.Roles.Where(r => r is not ("integrator" or "partner")))
            tokens[role] = await shared.Identity.TokenAsync(role);
        return new WrongRequests(http, endpoint => tokens.First(t => table.Allows(endpoint, t.Key)).Value);
    }
}
