using System.Security.Cryptography;
using System.Text;
using KkiMesh.TestKit;

namespace KkiMesh.Identity.Tests;

public sealed class FormPostTests(TestServers servers)
{
    // What the gateway lets browsers run below /connect/authorize (gateway/ProtectAnswers.cs).
    private const string Allowed = "j7OoGArf6XW6YY4cAyS3riSSvrJRqpSi1fOF9vQ5SrI=";

    [Fact]
    public async Task An_answer_by_post_needs_no_other_script_than_the_gateway_allows()
    {
        await using var identity = await RunningIdentity.StartAsync(servers);
        using var http = identity.Http();

        var page = await http.GetStringAsync(
            $"/connect/authorize?client_id={RunningIdentity.Console}&redirect_uri={Uri.EscapeDataString(RunningIdentity.Callback)}"
            + "&response_type=code&response_mode=form_post&scope=openid&prompt=none&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256");

        Assert.Contains($"action=\"{RunningIdentity.Callback}\"", page, StringComparison.Ordinal);
        var script = Assert.Single(page.Split("<script>")[1..]).Split("</script>")[0];
        Assert.Equal(Allowed, Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(script))));
    }
}
