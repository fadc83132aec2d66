using System.Net;
using KkiMesh.TestKit;

namespace KkiMesh.Identity.Tests;

/// <summary>What the API's endpoints must refuse. The other services' are tried in Mesh.Tests.</summary>
[Collection(WithIdentity.Name)]
public sealed class InputTests(ApiIdentity shared)
{
    [Fact]
    public async Task No_address_of_the_api_may_ask_what_an_endpoint_does_not_understand()
    {
        using var http = WrongRequests.Client(shared.Identity.Address);
        var requests = await RequestsAsync(http);

        await requests.TryParametersAsync("/openapi/v1.json");

        Assert.Empty(requests.Faults);
        Assert.True(requests.Tried > 0);
    }

    [Fact]
    public async Task Nothing_that_somebody_sends_to_the_api_is_the_services_own_failure()
    {
        using var http = WrongRequests.Client(shared.Identity.Address);
        var requests = await RequestsAsync(http);

        await requests.TryNonsenseAsync("/openapi/v1.json");

        Assert.Empty(requests.Faults);
    }

    [Fact]
    public async Task Every_text_of_the_api_keeps_to_the_one_rule()
    {
        using var http = WrongRequests.Client(shared.Identity.Address);
        var requests = await RequestsAsync(http);

        await requests.TryTextsAsync("/openapi/v1.json");

        Assert.Empty(requests.Faults);
        Assert.True(requests.Tried >= 8, $"Only {requests.Tried} texts were tried.");
    }

    [Theory]
    [InlineData("/č")]
    [InlineData("/a\u202e")]
    [InlineData("/a b")]
    [InlineData("/account\n")]
    public async Task A_way_back_that_is_no_address_leads_to_the_account(string back)
    {
        using var browser = new Browser(shared.Identity.Address);
        await browser.OpenAsync($"/account/sign-in?returnUrl={Uri.EscapeDataString(back)}");

        var seen = await browser.SignInAsync(DemoAccounts.Email("member"), DemoAccounts.Password);

        Assert.Equal((HttpStatusCode.OK, "/account"), (seen.Status, seen.Address.AbsolutePath));
    }

    [Theory]
    [InlineData("application/x-www-form-urlencoded; charset=nonsense")]
    [InlineData("application/x-www-form-urlencoded; charset=utf-7")]
    [InlineData("multipart/form-data")]
    [InlineData("multipart/form-data; boundary=\"")]
    [InlineData("nonsense")]
    public async Task A_form_that_nobody_can_read_is_refused(string contentType)
    {
        using var http = shared.Identity.Http();
        string[] forms = ["/connect/token", "/connect/authorize", "/account/sign-in", "/account/register"];
        foreach (var path in forms)
        {
            using var content = new StringContent("grant_type=client_credentials&client_id=%00");
            content.Headers.Remove("Content-Type");
            content.Headers.TryAddWithoutValidation("Content-Type", contentType);
            using var answer = await http.PostAsync(
                new Uri(path, UriKind.Relative), content, TestContext.Current.CancellationToken);
            Assert.True((int)answer.StatusCode is >= 400 and < 500, $"{path}: {(int)answer.StatusCode}");
        }
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
