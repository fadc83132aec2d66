using System.Net;
using KkiMesh.TestKit;

namespace KkiMesh.ServiceDefaults.Tests;

public sealed class CommandTests(TestServers servers)
{
    [Fact]
    public async Task The_same_key_has_one_effect_and_one_answer_also_concurrently()
    {
        await using var service = await CounterService.StartAsync(servers, replicas: 2);
        using var one = service.Client(0);
        using var other = service.Client(1);
        await one.PostAsync("/gorenjska/counter/a", "member", new { label = "first" });

        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(i =>
            (i % 2 == 0 ? one : other).PostAsync("/gorenjska/counter/a/count", "member", new { label = "x" }, "same")));

        Assert.All(answers, a => Assert.Equal(HttpStatusCode.OK, a.Status));
        Assert.Single(answers.Select(a => a.Body!.ToJsonString()).Distinct());
        var next = await one.PostAsync("/gorenjska/counter/a/count", "member", new { label = "x" });
        Assert.Equal(3, (int)next.Body!["count"]!);
    }

    [Fact]
    public async Task A_key_that_begins_something_gives_the_same_answer_and_address_again()
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();

        var first = await client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" }, "k");
        var again = await client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" }, "k");

        Assert.Equal(HttpStatusCode.Created, first.Status);
        Assert.Equal(HttpStatusCode.Created, again.Status);
        Assert.Equal(first.Body!.ToJsonString(), again.Body!.ToJsonString());
        Assert.Equal("/gorenjska/counter/a", again.Headers.Location!.ToString());
        Assert.Equal("true", again.Headers.GetValues("Idempotency-Replayed").Single());
    }

    [Fact]
    public async Task What_is_there_cannot_be_begun_again_with_another_key()
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();
        await client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" });

        var again = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" })));

        Assert.All(again, a => Assert.Equal(HttpStatusCode.Conflict, a.Status));
        Assert.Equal(2, (int)(await client.PostAsync("/gorenjska/counter/a/count", "member", new { label = "x" })).Body!["count"]!);
    }

    [Fact]
    public async Task A_character_that_cannot_be_stored_is_refused_with_its_field_and_is_no_failure()
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();

        var nul = await client.PostAsync("/gorenjska/counter/a", "member", """{"label":"x\u0000"}""");
        var surrogate = await client.PostAsync("/gorenjska/counter/a", "member", """{"label":"\ud800"}""");
        var inKey = await client.PostAsync("/gorenjska/counter/a%00", "member", new { label = "x" });

        Assert.Equal(HttpStatusCode.BadRequest, nul.Status);
        Assert.Contains("U+0000", nul.Detail, StringComparison.Ordinal);
        Assert.NotNull(nul.Body!["errors"]!["label"]);
        Assert.Equal(HttpStatusCode.BadRequest, surrogate.Status);
        Assert.Equal(HttpStatusCode.BadRequest, inKey.Status);
    }

    [Fact]
    public async Task The_API_document_asks_for_the_key_of_every_command_and_says_what_it_answers()
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();

        var document = await client.GetAsync("/openapi/v1.json");

        var count = document.Body!["paths"]!["/{region}/counter/{id}/count"]!["post"]!;
        var key = Assert.Single(count["parameters"]!.AsArray(), p => (string?)p!["name"] == "Idempotency-Key");
        Assert.True((bool)key!["required"]!);
        Assert.Contains(count["responses"]!.AsObject(), answer => answer.Key == "200");
        var begins = document.Body["paths"]!["/{region}/counter/{id}"]!["post"]!["responses"]!.AsObject();
        Assert.Contains(begins, answer => answer.Key == "201");
        Assert.DoesNotContain(begins, answer => answer.Key == "200");
        var list = document.Body["paths"]!["/{region}/counter/errors"]!["get"]!;
        Assert.DoesNotContain(list["parameters"]!.AsArray(), p => (string?)p!["name"] == "Idempotency-Key");
    }

    [Fact]
    public async Task The_API_document_says_how_to_sign_in_at_the_gateway_and_what_needs_it()
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();

        var document = (await client.GetAsync("/openapi/v1.json")).Body!;

        var scheme = document["components"]!["securitySchemes"]!["sign-in"]!;
        var flow = scheme["flows"]!["authorizationCode"]!;
        Assert.Equal(("oauth2", "/connect/authorize", "/connect/token"), ((string?)scheme["type"], (string?)flow["authorizationUrl"], (string?)flow["tokenUrl"]));
        Assert.Equal(["openid", "kkimesh"], flow["scopes"]!.AsObject().Select(s => s.Key));
        var needs = document["paths"]!["/{region}/counter/{id}/count"]!["post"]!["security"]!.AsArray();
        Assert.Equal(["sign-in", "token"], needs.Select(either => Assert.Single(either!.AsObject()).Key));
    }

    [Fact]
    public async Task The_same_key_with_another_body_is_refused_and_belongs_to_its_actor()
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();
        await client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" });
        await client.PostAsync("/gorenjska/counter/a/count", "member-1", new { label = "x" }, "k");

        var other = await client.PostAsync("/gorenjska/counter/a/count", "member-1", new { label = "y" }, "k");
        var somebodyElse = await client.PostAsync("/gorenjska/counter/a/count", "member-2", new { label = "y" }, "k");

        Assert.Equal(HttpStatusCode.UnprocessableEntity, other.Status);
        Assert.NotNull(other.Body!["errors"]!["Idempotency-Key"]);
        Assert.Equal(3, (int)somebodyElse.Body!["count"]!);
    }

    [Fact]
    public async Task A_refusal_changes_nothing_and_is_decided_anew()
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();
        var missing = await client.PostAsync("/gorenjska/counter/a/count", "member", new { label = "x" }, "k");
        await client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" });
        var refused = await client.PostAsync("/gorenjska/counter/a/count", "member", new { label = "never" });

        var anew = await client.PostAsync("/gorenjska/counter/a/count", "member", new { label = "x" }, "k");

        Assert.Equal(HttpStatusCode.NotFound, missing.Status);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.Status);
        Assert.Equal("Never is not counted.", refused.Detail);
        Assert.NotNull(refused.Body!["errors"]!["label"]);
        Assert.Equal(2, (int)anew.Body!["count"]!);
    }

    [Fact]
    public async Task A_key_is_forgotten_after_seven_days()
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();
        await client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" });
        await client.PostAsync("/gorenjska/counter/a/count", "member", new { label = "x" }, "k");

        await service.DoAsync("update command_receipts set at = at - interval '7 days' + interval '1 hour'");
        Assert.Equal(2, (int)(await client.PostAsync("/gorenjska/counter/a/count", "member", new { label = "x" }, "k")).Body!["count"]!);
        await service.DoAsync("update command_receipts set at = at - interval '2 hours'");
        var anew = await Eventually.Is(
            () =>
            {
                service.Time.Advance(TimeSpan.FromMinutes(20));
                return client.PostAsync("/gorenjska/counter/a/count", "member", new { label = "x" }, "k");
            },
            a => (int)a.Body!["count"]! == 3);
        Assert.False(anew.Headers.Contains("Idempotency-Replayed"));
    }

    [Theory]
    [InlineData("{\"label\":", 400)]
    [InlineData("{}", 400)]
    [InlineData("{\"label\":null}", 400)]
    [InlineData("{\"label\":7}", 400)]
    [InlineData("{\"label\":\"0123456789012345678901234567890123456789012345678901234567890\"}", 400)]
    [InlineData("{\"label\":\"a\",\"label\":\"b\"}", 400)]
    [InlineData("", 400)]
    public async Task Bad_input_is_a_problem_with_the_field_at_fault(string body, int status)
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();

        var answer = await client.PostAsync("/gorenjska/counter/a", "member", body);

        Assert.Equal(status, (int)answer.Status);
        Assert.NotNull(answer.Body!["traceId"]);
        Assert.DoesNotContain("KkiMesh", answer.Body.ToJsonString(), StringComparison.Ordinal);
        if (body.Length > 0)
            Assert.NotNull(answer.Body["errors"]);
    }

    [Fact]
    public async Task A_command_needs_a_key_and_a_bounded_body()
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();

        var none = await client.SendAsync(HttpMethod.Post, "/gorenjska/counter/a", "member", new { label = "x" });
        var large = await client.PostAsync("/gorenjska/counter/a", "member", new { label = new string('x', 70_000) });

        Assert.Equal(HttpStatusCode.BadRequest, none.Status);
        Assert.NotNull(none.Body!["errors"]!["Idempotency-Key"]);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, large.Status);
    }

    [Fact]
    public async Task Who_may_not_is_told_so()
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();
        using var stranger = new Client(new Uri(service.Client().AddressOf), service.Place.Issuer, "koroska");
        // It says to be the issuer that the service trusts, and signs with a key of its own.
        await using var somebody = await Issuer.StartAsync();
        var forged = somebody.Token("member", new Dictionary<string, object> { ["roles"] = "gorenjska/member", ["scope"] = "kkimesh" }, by: service.Place.Issuer.Address.ToString());
        using var forger = new Client(new Uri(service.Client().AddressOf), _ => Task.FromResult(forged));

        Assert.Equal(HttpStatusCode.Unauthorized, (await client.SendAsync(HttpMethod.Post, "/gorenjska/counter/a", null, new { label = "x" }, "k")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await client.PostAsync("/gorenjska/counter/a", "treasurer", new { label = "x" })).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await stranger.PostAsync("/gorenjska/counter/a", "member", new { label = "x" })).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await forger.PostAsync("/gorenjska/counter/a", "member", new { label = "x" })).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await client.PostAsync("/gorenjska/counter/a/count", "member", new { label = "x" })).Status);
    }

    [Fact]
    public async Task Many_writers_of_one_stream_all_get_through_each_with_an_answer_of_its_own()
    {
        const int writers = 16, each = 10;
        await using var service = await CounterService.StartAsync(servers, replicas: 2);
        using var one = service.Client(0);
        using var other = service.Client(1);
        await one.PostAsync("/gorenjska/counter/a", "member", new { label = "x" });

        var answers = await Task.WhenAll(Enumerable.Range(0, writers).Select(async writer =>
        {
            var mine = new List<Answer>();
            for (var i = 0; i < each; i++)
                mine.Add(await (writer % 2 == 0 ? one : other).PostAsync("/gorenjska/counter/a/count", "member", new { label = $"{writer}" }));
            return mine;
        }));

        Assert.All(answers.SelectMany(a => a), a => Assert.Equal(HttpStatusCode.OK, a.Status));
        Assert.Equal(Enumerable.Range(2, writers * each), answers.SelectMany(a => a).Select(a => (int)a.Body!["count"]!).Order());
        Assert.All(answers, mine => Assert.Equal(mine.Select(a => (int)a.Body!["count"]!).Order(), mine.Select(a => (int)a.Body!["count"]!)));
    }

    [Fact]
    public async Task Commands_that_wait_together_are_saved_together_and_one_at_fault_does_not_harm_the_others()
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();
        await client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" });
        Task<Answer> Count(string label, string who = "member") => client.PostAsync("/gorenjska/counter/a/count", who, new { label });

        var groups = service.Services().GetRequiredService<CommandGroups>();
        var taken = await service.TakeAsync("gorenjska/a");
        var first = Count("x");
        await service.IsTakenUpAsync("gorenjska/a");
        var (good, refused, fault) = (Enumerable.Range(0, 20).Select(i => Count("x", $"member-{i % 3}")).ToList(), Count("never"), Count("fault"));
        await Eventually.Is(() => Task.FromResult(groups.Waiting), waiting => waiting == 22);
        await taken.DisposeAsync();

        Assert.Equal(HttpStatusCode.OK, (await first).Status);
        Assert.Equal(Enumerable.Range(3, 20), (await Task.WhenAll(good)).Select(a => (int)a.Body!["count"]!).Order());
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await refused).Status);
        Assert.Equal(HttpStatusCode.InternalServerError, (await fault).Status);
        // What was there, the first one, and the twenty.
        Assert.Equal(3, await service.NumberAsync("select count(distinct xmin::text) from mt_events where stream_id = 'a'"));
        // Each event says who was its actor, whoever else was in the group.
        Assert.Equal(7, await service.NumberAsync("select count(*) from mt_events where stream_id = 'a' and type = 'kki.counter.counted.v2' and user_name = 'member-0'"));
        Assert.Equal(6, await service.NumberAsync("select count(*) from mt_events where stream_id = 'a' and type = 'kki.counter.counted.v2' and user_name = 'member-2'"));
    }

    [Fact]
    public async Task More_than_can_wait_is_asked_to_come_again_and_what_waits_is_served()
    {
        await using var service = await CounterService.StartAsync(servers);
        using var client = service.Client();
        await client.PostAsync("/gorenjska/counter/a", "member", new { label = "x" });

        var taken = await service.TakeAsync("gorenjska/a");
        var waiting = Enumerable.Range(0, 1200).Select(_ => client.PostAsync("/gorenjska/counter/a/count", "member", new { label = "x" })).ToList();
        var turnedAway = await (await Task.WhenAny(waiting));
        await taken.DisposeAsync();
        var answers = await Task.WhenAll(waiting);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, turnedAway.Status);
        Assert.NotNull(turnedAway.Headers.RetryAfter);
        var served = answers.Where(a => a.Status == HttpStatusCode.OK).Select(a => (int)a.Body!["count"]!).Order().ToList();
        // On a busy machine some of those that had room have waited for too long when the stream is free.
        Assert.NotEmpty(served);
        Assert.Equal(Enumerable.Range(2, served.Count), served);
        Assert.All(answers.Where(a => a.Status != HttpStatusCode.OK), a => Assert.Equal(HttpStatusCode.ServiceUnavailable, a.Status));
    }
}
