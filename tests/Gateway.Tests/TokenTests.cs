using System.Net;
using KkiMesh.TestKit;
using Microsoft.Extensions.Time.Testing;

namespace KkiMesh.Gateway.Tests;

/// <summary>What was found good is not looked at again for a minute, and nothing else gets in by that.</summary>
public sealed class TokenTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task A_withdrawn_key_opens_nothing_after_a_minute()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var issuer = await Issuer.StartAsync();
        await using var service = await Backend.StartAsync();
        await using var gateway = await StartAsync(time, service, issuer);
        var (old, asNew) = (issuer.Token("treasurer"), issuer.Token("member"));
        Assert.Equal(200, await StatusAsync(gateway, old));

        issuer.ReplaceKey();
        await LearnsAsync(gateway, issuer);

        Assert.Equal(401, await StatusAsync(gateway, asNew));
        // This one shows that the door remembers at all.
        Assert.Equal(200, await StatusAsync(gateway, old));
        time.Advance(Minute - TimeSpan.FromSeconds(1));
        Assert.Equal(200, await StatusAsync(gateway, old));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(401, await StatusAsync(gateway, old));
    }

    [Fact]
    public async Task A_token_is_not_remembered_beyond_its_own_time()
    {
        await using var issuer = await Issuer.StartAsync();
        await using var service = await Backend.StartAsync();
        // The clock starts after the token was made, so that 30 seconds later it is over.
        var ends = issuer.Token("treasurer", [], issued: TimeSpan.FromSeconds(30) - Issuer.Life);
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var gateway = await StartAsync(time, service, issuer);
        Assert.Equal(200, await StatusAsync(gateway, ends));

        issuer.ReplaceKey();
        await LearnsAsync(gateway, issuer);

        Assert.Equal(200, await StatusAsync(gateway, ends));
        time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(401, await StatusAsync(gateway, ends));
    }

    [Fact]
    public async Task What_resembles_a_good_token_is_turned_away()
    {
        await using var issuer = await Issuer.StartAsync();
        await using var stranger = await Issuer.StartAsync();
        await using var service = await Backend.StartAsync();
        await using var gateway = await StartAsync(TimeProvider.System, service, issuer);
        var good = issuer.Token("treasurer");
        var other = issuer.Token("member");
        Assert.Equal(200, await StatusAsync(gateway, good));
        var (parts, others) = (good.Split('.'), other.Split('.'));
        string[] forged =
        [
            good + "A", good[..^1], good[..^4] + "AAAA",
            $"{parts[0]}.{parts[1]}.", $"{parts[0]}.{parts[1]}", $"{good}, {good}", good.ToUpperInvariant(),
            $"{parts[0]}.{parts[1]}.{others[2]}", $"{parts[0]}.{others[1]}.{parts[2]}",
            stranger.Token("treasurer"), stranger.Token("treasurer", [], by: issuer.Address.ToString()), "abc",
        ];

        foreach (var one in forged)
            Assert.Equal(401, await StatusAsync(gateway, one));
        // Twice: what was turned away is not remembered as good either.
        foreach (var one in forged)
            Assert.Equal(401, await StatusAsync(gateway, one));
        Assert.Equal(200, await StatusAsync(gateway, good));
        Assert.Equal(2, service.Requests.Count);
    }

    [Fact]
    public async Task A_visitor_and_another_scheme_are_for_the_service_to_judge()
    {
        await using var issuer = await Issuer.StartAsync();
        await using var service = await Backend.StartAsync();
        await using var gateway = await StartAsync(TimeProvider.System, service, issuer);
        using var basic = new HttpRequestMessage(HttpMethod.Get, "/gorenjska/challenges/1");
        basic.Headers.Authorization = new("Basic", "abc");

        Assert.Equal(200, (await gateway.ReadAsync("/gorenjska/challenges/1")).Status);
        Assert.Equal(200, (await gateway.ReadAsync(basic)).Status);
    }

    private static Task<RunningGateway> StartAsync(TimeProvider time, Backend service, Issuer issuer) =>
        RunningGateway.StartAsync(time, [service.Address], $"--Authentication:Authority={issuer.Address}");

    // A key that it has not seen makes the gateway ask the issuer for its keys.
    private static Task<int> LearnsAsync(RunningGateway gateway, Issuer issuer) =>
        Eventually.Is(() => StatusAsync(gateway, issuer.Token("member")), status => status == (int)HttpStatusCode.OK);

    private static async Task<int> StatusAsync(RunningGateway gateway, string token)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/gorenjska/challenges/1");
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token}");
        return (await gateway.ReadAsync(request)).Status;
    }
}
