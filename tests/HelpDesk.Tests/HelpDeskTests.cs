using System.Net;
using System.Text.Json.Nodes;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Registry.V1;
using KkiMesh.TestKit;

namespace KkiMesh.HelpDesk.Tests;

/// <summary>The service through its public doors, on a real database and a real broker.</summary>
public sealed class HelpDeskTests(TestServers servers)
{
    [Fact]
    public async Task An_award_leads_to_one_offer_at_the_nearest_point_however_often_it_is_told()
    {
        await using var here = await Neighbourhood.StartAsync(servers);
        await using var integrator = await Integrator.ListenAsync(here.Place.RabbitMq, "gorenjska.helpdesk.#");
        var (told, foreign) = (Neighbourhood.Award("147"), Neighbourhood.Award("041"));

        await here.TellAsync(told);
        for (var i = 0; i < 3; i++)
            await integrator.PublishAsync("gorenjska.challenges.entry-awarded.v1", Neighbourhood.Foreign("same", foreign));
        await integrator.PublishAsync("gorenjska.challenges.entry-awarded.v1", Neighbourhood.Foreign("told anew", told));
        var last = Neighbourhood.Award("052");
        await integrator.PublishAsync("gorenjska.challenges.entry-awarded.v1", Neighbourhood.Foreign("last", last));

        Assert.Equal(("kreativnice", 20.4), PointOf(await here.CaseAsync(told)));
        Assert.Equal(("kovacnica", 31.1), PointOf(await here.CaseAsync(foreign)));
        Assert.Equal(("kovacnica", 0.0), PointOf(await here.CaseAsync(last)));
        await Eventually.Is(() => Task.FromResult(integrator.Messages.Count), n => n >= 3);
        var offers = integrator.Messages.Select(m => JsonNode.Parse(m.Body)!).ToList();
        Assert.Equal(3, offers.Select(o => (string)o["data"]!["caseId"]!).Distinct().Count());
        Assert.Equal(3, offers.Count);
        var offer = offers.Single(o => (string)o["data"]!["entryId"]! == foreign.EntryId.ToString());
        Assert.Equal((foreign.ChallengeId.ToString(), "same"), ((string)offer["correlationid"]!, (string)offer["causationid"]!));
        using var client = here.Client();
        Assert.Equal(3, (int)(await client.GetAsync("/gorenjska/helpdesk/cases", "mentor")).Body!["total"]!);
    }

    [Fact]
    public async Task An_award_without_a_known_home_is_parked_with_its_reason_and_offered_once_when_it_is_sent_back()
    {
        await using var here = await Neighbourhood.StartAsync(servers);
        await using var integrator = await Integrator.ListenAsync(here.Place.RabbitMq, "gorenjska.helpdesk.#");
        using var client = here.Client();
        var (silent, elsewhere) = (Neighbourhood.Award(null), Neighbourhood.Award("061"));
        await integrator.PublishAsync("gorenjska.challenges.entry-awarded.v1", Neighbourhood.Foreign("silent", silent));
        await integrator.PublishAsync("gorenjska.challenges.entry-awarded.v1", Neighbourhood.Foreign("elsewhere", elsewhere));

        var parked = await Eventually.Is(
            () => client.GetAsync("/gorenjska/helpdesk/errors", "operator"),
            a => a.Body?["items"]?.AsArray().Count == 2);
        Assert.Contains("does not say where its winner is at home", Reason("silent"), StringComparison.Ordinal);
        Assert.Contains("061, which the registry has not listed", Reason("elsewhere"), StringComparison.Ordinal);

        // The registry mends it: what it lists comes over the queue now.
        await here.Registry.TellAsync("061", new MunicipalityListed("061", "Ljubljana", "Ljubljana", 46.05108, 14.50513));
        await Eventually.Is(
            async () =>
            {
                await client.SendAsync(HttpMethod.Post, "/gorenjska/helpdesk/errors/elsewhere/resend", "operator");
                return await client.GetAsync($"/gorenjska/helpdesk/cases?entryId={elsewhere.EntryId}", "member");
            },
            a => (int?)a.Body?["total"] == 1);
        await Eventually.Is(() => client.GetAsync("/gorenjska/helpdesk/errors", "operator"), a => (int?)a.Body?["total"] == 1);
        Assert.Equal("kreativnice", (string)(await here.CaseAsync(elsewhere))["supportPoint"]!);
        await Eventually.Is(() => Task.FromResult(integrator.Messages.Count), n => n > 0);
        Assert.Single(integrator.Messages);

        string Reason(string id) => (string)parked.Body!["items"]!.AsArray().Single(i => (string?)i!["id"] == id)!["reason"]!;
    }

    [Fact]
    public async Task The_whole_life_of_a_case_and_who_sees_what()
    {
        const string Private = "Kaj sva govorila";
        await using var here = await Neighbourhood.StartAsync(servers);
        await using var integrator = await Integrator.ListenAsync(here.Place.RabbitMq, "gorenjska.helpdesk.#");
        using var client = here.Client();
        var award = Neighbourhood.Award("122");
        await here.TellAsync(award);
        var path = $"/gorenjska/helpdesk/cases/{(string)(await here.CaseAsync(award))["id"]!}";

        Assert.Equal((HttpStatusCode.Conflict, "Sessions belong to an accepted case; this case is offered."), Told(await client.PostAsync($"{path}/sessions", "mentor", new { minutes = 60 })));
        Assert.Equal(HttpStatusCode.Forbidden, (await client.PostAsync($"{path}/accept", "mentor")).Status);
        Assert.Equal("accepted", (string)(await client.PostAsync($"{path}/accept", "member")).Body!["status"]!);
        Assert.Equal((HttpStatusCode.Conflict, "Only an offered case can be declined; this case is accepted."), Told(await client.PostAsync($"{path}/decline", "member")));
        var held = await client.PostAsync($"{path}/sessions", "mentor-mojca", new { minutes = 90, note = Private });
        Assert.Equal((Private, 90), ((string)held.Body!["sessions"]![0]!["note"]!, (int)held.Body["minutes"]!));
        Assert.Equal(HttpStatusCode.Forbidden, (await client.PostAsync($"{path}/close", "member", new { outcome = "realised" })).Status);
        var closed = await client.PostAsync($"{path}/close", "mentor-mojca", new { outcome = "realised", note = Private });
        Assert.Equal(("closed", "realised"), ((string)closed.Body!["status"]!, (string)closed.Body["outcome"]!));
        Assert.Equal(HttpStatusCode.Conflict, (await client.PostAsync($"{path}/sessions", "mentor", new { minutes = 1 })).Status);

        foreach (var role in (string[])["mentor", "coordinator"])
            Assert.Equal((Private, Private), ((string)(await client.GetAsync(path, role)).Body!["sessions"]![0]!["note"]!, (string)(await client.GetAsync(path, role)).Body!["closingNote"]!));
        var forMember = (await client.GetAsync(path, "member")).Body!;
        Assert.Equal(90, (int)forMember["sessions"]![0]!["minutes"]!);
        var listed = (await client.GetAsync("/gorenjska/helpdesk/cases?status=closed&supportPoint=kreativnice", "mentor")).Body!;
        Assert.Equal(1, (int)listed["total"]!);
        var point = (await client.GetAsync("/gorenjska/helpdesk/support-points/kreativnice")).Body!;
        Assert.Equal((0, 1), ((int)point["cases"]!["offered"]!, (int)point["cases"]!["closed"]!));

        await Eventually.Is(() => Task.FromResult(integrator.Messages.Count), n => n >= 4);
        var events = integrator.Messages.Select(m => JsonNode.Parse(m.Body)!).ToList();
        Assert.Equal(["mentoring-offered", "mentoring-accepted", "mentoring-session-held", "mentoring-closed"], events.Select(e => ((string)e["type"]!).Split('.')[2]));
        Assert.All(events, e => Assert.Equal(award.ChallengeId.ToString(), (string)e["correlationid"]!));
        Assert.Equal(90, (int)events[^1]["data"]!["minutes"]!);
        var history = await client.GetAsync("/gorenjska/helpdesk/events", "integrator");
        Assert.All([forMember, listed, point, .. events, history.Body!], seen =>
        {
            Assert.DoesNotContain(Private, seen.ToJsonString(), StringComparison.Ordinal);
            Assert.DoesNotContain("mojca", seen.ToJsonString(), StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task A_case_is_its_winners_and_its_support_points_alone()
    {
        await using var here = await Neighbourhood.StartAsync(servers);
        using var client = here.Client();
        var subject = Guid.NewGuid();
        var award = Neighbourhood.Award("122") with { SubjectId = new SubjectId(subject) };
        await here.TellAsync(award);
        var offered = await here.CaseAsync(award);
        var (path, point) = ($"/gorenjska/helpdesk/cases/{offered["id"]}", (string)offered["supportPoint"]!);

        Assert.Equal(HttpStatusCode.Forbidden, (await client.PostAsync($"{path}/accept", "member-2")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync(path, "member-2")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await client.GetAsync($"/gorenjska/helpdesk/cases?entryId={award.EntryId}", "member-2")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await client.PostAsync($"{path}/accept", $"member-3/{Guid.NewGuid()}")).Status);
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync($"{path}/accept", $"member-3/{subject}")).Status);

        Assert.Equal(HttpStatusCode.Forbidden, (await client.PostAsync($"{path}/sessions", "mentor-2/elsewhere", new { minutes = 30 })).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync(path, "mentor-2/elsewhere")).Status);
        Assert.Equal(0, (int)(await client.GetAsync("/gorenjska/helpdesk/cases", "mentor-2/elsewhere")).Body!["total"]!);
        Assert.Equal(1, (int)(await client.GetAsync("/gorenjska/helpdesk/cases", $"mentor-3/{point}")).Body!["total"]!);
        Assert.Equal(HttpStatusCode.OK, (await client.PostAsync($"{path}/sessions", $"mentor-3/{point}", new { minutes = 30 })).Status);
    }

    [Fact]
    public async Task A_winner_may_decline_and_the_reason_is_for_mentors_and_coordinators()
    {
        await using var here = await Neighbourhood.StartAsync(servers);
        using var client = here.Client();
        var award = Neighbourhood.Award("052");
        await here.TellAsync(award);
        var path = $"/gorenjska/helpdesk/cases/{(string)(await here.CaseAsync(award))["id"]!}";

        var declined = await client.PostAsync($"{path}/decline", "member", new { reason = "Ni časa" });

        Assert.Equal(("declined", null), ((string)declined.Body!["status"]!, (string?)declined.Body["declineReason"]));
        Assert.Null((string?)(await client.GetAsync(path, "member")).Body!["declineReason"]);
        Assert.Equal("Ni časa", (string)(await client.GetAsync(path, "coordinator")).Body!["declineReason"]!);
        Assert.Equal((HttpStatusCode.Conflict, "Only an offered case can be accepted; this case is declined."), Told(await client.PostAsync($"{path}/accept", "member")));
        Assert.Equal(1, (int)(await client.GetAsync("/gorenjska/helpdesk/support-points/kovacnica")).Body!["cases"]!["declined"]!);
    }

    [Fact]
    public async Task Bad_input_is_a_problem_with_the_field_at_fault_and_changes_nothing()
    {
        await using var here = await Neighbourhood.StartAsync(servers);
        using var client = here.Client();
        var award = Neighbourhood.Award("052");
        await here.TellAsync(award);
        var path = $"/gorenjska/helpdesk/cases/{(string)(await here.CaseAsync(award))["id"]!}";
        await Refused(HttpStatusCode.BadRequest, "reason", client.PostAsync($"{path}/decline", "member", new { reason = new string('x', 501) }));
        await Refused(HttpStatusCode.BadRequest, "reason", client.PostAsync($"{path}/decline", "member", """{"reason":"a\u0000b"}"""));
        await client.PostAsync($"{path}/accept", "member");

        await Refused(HttpStatusCode.BadRequest, "minutes", client.PostAsync($"{path}/sessions", "mentor", new { minutes = 0 }));
        await Refused(HttpStatusCode.BadRequest, "minutes", client.PostAsync($"{path}/sessions", "mentor", new { minutes = 481 }));
        await Refused(HttpStatusCode.BadRequest, "minutes", client.PostAsync($"{path}/sessions", "mentor", new { minutes = 1.5 }));
        await Refused(HttpStatusCode.BadRequest, "note", client.PostAsync($"{path}/sessions", "mentor", new { minutes = 1, note = new string('x', 2001) }));
        await Refused(HttpStatusCode.BadRequest, "note", client.PostAsync($"{path}/sessions", "mentor", """{"minutes":1,"note":"line\na\u0000b"}"""));
        await Refused(HttpStatusCode.BadRequest, null, client.PostAsync($"{path}/sessions", "mentor", new { note = "x" }));
        await Refused(HttpStatusCode.BadRequest, null, client.PostAsync($"{path}/sessions", "mentor"));
        await Refused(HttpStatusCode.BadRequest, null, client.PostAsync($"{path}/sessions", "mentor", """{"minutes":1,"note":"\ud800"}"""));
        await Refused(HttpStatusCode.BadRequest, "outcome", client.PostAsync($"{path}/close", "mentor", new { outcome = "famous" }));
        await Refused(HttpStatusCode.BadRequest, "outcome", client.PostAsync($"{path}/close", "mentor", new { outcome = "referred,given-up" }));
        await Refused(HttpStatusCode.BadRequest, "outcome", client.PostAsync($"{path}/close", "mentor", new { outcome = 1 }));
        await Refused(HttpStatusCode.BadRequest, "entryId", client.GetAsync("/gorenjska/helpdesk/cases", "member"));
        await Refused(HttpStatusCode.BadRequest, null, client.GetAsync("/gorenjska/helpdesk/cases?entryId=7", "member"));
        await Refused(HttpStatusCode.BadRequest, null, client.GetAsync("/gorenjska/helpdesk/cases?status=1", "mentor"));
        await Refused(HttpStatusCode.BadRequest, "supportPoint", client.GetAsync("/gorenjska/helpdesk/cases?supportPoint=a%00b", "mentor"));
        await Refused(HttpStatusCode.BadRequest, "pageSize", client.GetAsync("/gorenjska/helpdesk/cases?pageSize=101", "mentor"));
        await Refused(HttpStatusCode.BadRequest, null, client.GetAsync("/gorenjska/helpdesk/cases/7", "mentor"));
        await Refused(HttpStatusCode.NotFound, null, client.GetAsync($"/gorenjska/helpdesk/cases/{Guid.NewGuid()}", "mentor"));
        await Refused(HttpStatusCode.NotFound, null, client.PostAsync($"/gorenjska/helpdesk/cases/{Guid.NewGuid()}/accept", "member"));
        await Refused(HttpStatusCode.NotFound, null, client.GetAsync("/gorenjska/helpdesk/support-points/nowhere"));
        await Refused(HttpStatusCode.Unauthorized, null, client.GetAsync("/gorenjska/helpdesk/cases"));
        await Refused(HttpStatusCode.Forbidden, null, client.GetAsync("/gorenjska/helpdesk/cases", "juror"));
        using var stranger = new Client(new Uri(client.AddressOf), here.Place.Issuer, "koroska");
        await Refused(HttpStatusCode.Forbidden, null, stranger.GetAsync(path, "mentor"));

        var kept = (await client.GetAsync(path, "mentor")).Body!;
        Assert.Equal(("accepted", 0), ((string)kept["status"]!, kept["sessions"]!.AsArray().Count));

        static async Task Refused(HttpStatusCode status, string? field, Task<Answer> asked)
        {
            var answer = await asked;
            Assert.Equal(status, answer.Status);
            Assert.NotNull(answer.Body?["traceId"]);
            if (field is not null)
                Assert.Contains(answer.Body["errors"]!.AsObject(), e => e.Key.Equals(field, StringComparison.OrdinalIgnoreCase));
        }
    }

    [Fact]
    public async Task Support_points_are_there_for_anyone_as_the_policy_names_them_also_after_a_restart()
    {
        await using var here = await Neighbourhood.StartAsync(servers);
        await here.StopHelpDeskAsync();
        await here.StartHelpDeskAsync();
        using var client = here.Client();

        var points = (await client.GetAsync("/gorenjska/helpdesk/support-points")).Body!;
        var second = (await client.GetAsync("/gorenjska/helpdesk/support-points?page=2&pageSize=1")).Body!;

        Assert.Equal(["kovacnica", "kreativnice", "kulturcafe"], points["items"]!.AsArray().Select(p => (string)p!["key"]!));
        Assert.Equal("under-construction", (string)points["items"]![2]!["state"]!);
        Assert.Equal(("kreativnice", 3), ((string)second["items"]![0]!["key"]!, (int)second["total"]!));
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync("/koroska/helpdesk/support-points")).Status);
    }

    [Fact]
    public async Task Who_won_before_the_service_was_there_is_offered_a_case_as_well()
    {
        await using var here = await Neighbourhood.StartAsync(servers, withHelpDesk: false);
        var (early, silent) = (Neighbourhood.Award("146"), Neighbourhood.Award(null));
        await here.TellAsync(early);
        await here.TellAsync(silent);

        await here.StartHelpDeskAsync();

        Assert.Equal(("kreativnice", 12.3), PointOf(await here.CaseAsync(early)));
        using var client = here.Client();
        Assert.Equal(1, (int)(await client.GetAsync("/gorenjska/helpdesk/cases", "coordinator")).Body!["total"]!);
        Assert.Equal(0, (int)(await client.GetAsync("/gorenjska/helpdesk/errors", "operator")).Body!["total"]!);
    }

    [Fact]
    public async Task Awards_wait_while_the_picture_is_built_anew_and_none_is_offered_by_half_a_picture()
    {
        await using var here = await Neighbourhood.StartAsync(servers);
        using var client = here.Client();
        var before = Neighbourhood.Award("122");
        await here.TellAsync(before);
        await here.CaseAsync(before);

        here.Registry.IsMute = true;
        Assert.Equal(HttpStatusCode.Accepted, (await client.SendAsync(HttpMethod.Post, "/gorenjska/helpdesk/picture/rebuild", "operator")).Status);
        var meanwhile = Enumerable.Range(0, 20).Select(i => Neighbourhood.Award(Gorenjska.Listed[i % 18].Code)).ToList();
        foreach (var award in meanwhile)
            await here.TellAsync(award);
        await Task.Delay(1500);
        Assert.Equal(1, (int)(await client.GetAsync("/gorenjska/helpdesk/cases", "mentor")).Body!["total"]!);
        Assert.Equal(0, (int)(await client.GetAsync("/gorenjska/helpdesk/errors", "operator")).Body!["total"]!);
        Assert.Equal("accepted", (string)(await client.PostAsync($"/gorenjska/helpdesk/cases/{before.EntryId}/accept", "member")).Body!["status"]!);

        here.Registry.IsMute = false;
        foreach (var award in meanwhile)
            await IsOfferedAtItsNearest(here, award.EntryId, award.Municipality!);
        Assert.Equal(21, (int)(await client.GetAsync("/gorenjska/helpdesk/cases", "mentor")).Body!["total"]!);
        Assert.Equal("accepted", (string)(await here.CaseAsync(before))["status"]!);
    }

    [Fact]
    public async Task The_picture_is_built_anew_again_and_again_while_awards_come_in_and_each_winner_has_one_case()
    {
        await using var here = await Neighbourhood.StartAsync(servers);
        await using var integrator = await Integrator.ListenAsync(here.Place.RabbitMq, "gorenjska.helpdesk.mentoring-offered.v1");
        using var client = here.Client();
        var awards = Enumerable.Range(0, 60).Select(i => Neighbourhood.Award(Gorenjska.Listed[i % 18].Code)).ToList();

        var telling = Task.Run(async () =>
        {
            foreach (var award in awards)
                await here.TellAsync(award);
        });
        var builds = 0;
        while (!telling.IsCompleted)
        {
            var asked = await client.SendAsync(HttpMethod.Post, "/gorenjska/helpdesk/picture/rebuild", "operator");
            builds += asked.Status == HttpStatusCode.Accepted ? 1 : 0;
            await Eventually.Is(() => client.GetAsync("/gorenjska/helpdesk/picture", "operator"), a => !(bool)a.Body!["building"]!);
        }

        await telling;
        Assert.True(builds > 0);
        foreach (var award in awards)
            await IsOfferedAtItsNearest(here, award.EntryId, award.Municipality!);
        var offered = await Eventually.Is(
            () => Task.FromResult(integrator.Messages.Select(m => JsonNode.Parse(m.Body)!).DistinctBy(e => (string)e["id"]!).ToList()), e => e.Count >= awards.Count);
        Assert.Equal(awards.Select(a => a.EntryId.ToString()).Order(StringComparer.Ordinal), offered.Select(e => (string)e["data"]!["entryId"]!).Order(StringComparer.Ordinal));
        Assert.Equal(awards.Count, (int)(await client.GetAsync("/gorenjska/helpdesk/cases", "mentor")).Body!["total"]!);
        Assert.Equal(0, (int)(await client.GetAsync("/gorenjska/helpdesk/errors", "operator")).Body!["total"]!);
    }

    private static async Task IsOfferedAtItsNearest(Neighbourhood here, EntryId entry, string municipality)
    {
        using var client = here.Client();
        var found = await Eventually.Is(() => client.GetAsync($"/gorenjska/helpdesk/cases?entryId={entry}", "member"), a => (int?)a.Body?["total"] == 1);
        var nearest = Nearest.To(Gorenjska.Municipality(municipality), Gorenjska.Points, Gorenjska.Municipalities)!;
        Assert.Equal((nearest.Point.Key, nearest.DistanceKm), PointOf(found.Body!["items"]![0]!));
    }

    private static (string Point, double Km) PointOf(JsonNode found) => ((string)found["supportPoint"]!, (double)found["distanceKm"]!);

    private static (HttpStatusCode Status, string? Sentence) Told(Answer answer) => (answer.Status, answer.Detail);
}
