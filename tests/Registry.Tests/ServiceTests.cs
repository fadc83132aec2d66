using System.Net;
using System.Text.Json.Nodes;
using KkiMesh.TestKit;

namespace KkiMesh.Registry.Tests;

/// <summary>What the service's own doors take and refuse.</summary>
[Collection(WithRegistry.Name)]
public sealed class ServiceTests(RunningRegistry registry)
{
    private const string Base = "/gorenjska/registry";

    [Fact]
    public async Task What_the_region_begins_with_is_listed_for_anyone()
    {
        using var client = registry.Client();

        var municipalities = await client.GetAsync($"{Base}/municipalities?pageSize=5&page=4");
        Assert.Equal((18, 3), ((int)municipalities.Body!["total"]!, municipalities.Body["items"]!.AsArray().Count));
        var loka = await client.GetAsync($"{Base}/municipalities/122");
        Assert.Equal(("Škofja Loka", 46.16551), ((string)loka.Body!["name"]!, (double)loka.Body["latitude"]!));
        Assert.NotNull(loka.Body["note"]!["sl"]);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync($"{Base}/municipalities/999")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync("/drugje/registry/fields")).Status);
        Assert.Equal(13, (await client.GetAsync($"{Base}/fields")).Body!["fields"]!.AsArray().Count);
    }

    [Fact]
    public async Task Two_replicas_that_start_at_once_list_everything_once()
    {
        using var client = registry.Client();

        var history = await client.GetAsync($"{Base}/events?pageSize=500", "integrator");

        var listed = history.Body!["items"]!.AsArray().GroupBy(e => ((string)e!["type"]!).Split('.')[2]).ToDictionary(g => g.Key, g => g.Count());
        Assert.Equal((18, 29, 7), (listed["municipality-listed"], listed["organisation-listed"], listed["place-listed"]));
    }

    [Theory]
    [InlineData("organisations?role=nosilec", "bsc gornjesavski-muzej layerjeva-hisa obcina-jesenice ras")]
    [InlineData("organisations?town=Bled&role=partner%20KREDO.TUR%40GOR", "vs-bled vss-bled")]
    [InlineData("organisations?town=Nikjer", "")]
    [InlineData("places?town=%C5%A0kofja%20Loka", "duo kreativnice lokomotiva")]
    [InlineData("places?role=coworking", "kovacnica lokomotiva plavz")]
    public async Task Organisations_and_places_are_filtered_by_town_and_role(string list, string keys)
    {
        using var client = registry.Client();

        var answer = await client.GetAsync($"{Base}/{list}");

        Assert.Equal(keys, string.Join(' ', answer.Body!["items"]!.AsArray().Select(i => (string)i!["key"]!)));
        Assert.All(answer.Body["items"]!.AsArray(), i => Assert.StartsWith("Policy", (string)i!["source"]!, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("organisations?town=%00")]
    [InlineData("places?role=")]
    [InlineData("subjects?municipality=%00")]
    [InlineData("subjects?competence=a%00b")]
    [InlineData("subjects?offers=%21")]
    [InlineData("subjects?looksFor=a")]
    [InlineData("subjects?kind=king")]
    [InlineData("subjects?field=three")]
    [InlineData("subjects?pageSize=101")]
    [InlineData("subjects/nobody")]
    public async Task A_filter_that_nothing_can_meet_is_refused(string list)
    {
        using var client = registry.Client();

        var answer = await client.GetAsync($"{Base}/{list}");

        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.NotNull(answer.Detail);
    }

    [Fact]
    public async Task Subjects_are_filtered_by_what_they_say()
    {
        using var client = registry.Client();
        var profile = Subjects.Profile("Filtrirana", competences: [" ANIMACIJA "], offers: ["risanka"], looksFor: ["3D zvok"]);
        profile["kind"] = "heritage-keeper";
        profile["municipality"] = "147";
        profile["fields"] = new JsonArray(11, 4);
        await client.PublishAsync(profile);
        await client.PublishAsync(Subjects.Profile("Druga"));

        foreach (var holds in (string[])["field=4", "field=11", "kind=heritage-keeper", "municipality=147", "competence=Animacija", "offers=risanka", "looksFor=3d%20zvok",
            "field=4&kind=heritage-keeper&municipality=147&competence=animacija&offers=risanka&looksFor=3d%20zvok&q=filtrirana"])
        {
            Assert.Equal(["Filtrirana"], await client.Names(holds));
        }

        foreach (var fails in (string[])["field=5", "field=1", "municipality=003", "competence=anim", "offers=animacija", "field=4&q=druga"])
            Assert.Empty(await client.Names(fails));
    }

    public static TheoryData<string, string?, int, string> Wrong => new()
    {
        { "name", "\"\"", 400, "name" },
        { "name", "\"a\\u0000b\"", 400, "name" },
        { "name", "\"\\ud800\"", 400, "name" },
        { "name", $"\"{new string('x', 201)}\"", 400, "name" },
        { "name", null, 400, "name" },
        { "name", "null", 400, "" },
        { "kind", "\"king\"", 400, "kind" },
        { "legalForm", "1", 400, "legalForm" },
        { "fields", "[]", 400, "fields" },
        { "fields", "[1,2,3,4,5,6]", 400, "fields" },
        { "fields", "[14]", 422, "fields" },
        { "fields", "[3,3]", 422, "fields" },
        { "fields", "null", 400, "" },
        { "competences", "[null]", 422, "competences" },
        { "competences", "[\"a\\u0000b\"]", 400, "competences[0]" },
        { "competences", "[\"\\ud83c\\udfa8\"]", 422, "competences" },
        { "offers", "[\"x\"]", 422, "offers" },
        { "looksFor", "[\"<b>\"]", 422, "looksFor" },
        { "looksFor", "[" + "\"ab\",\"ab\",\"ab\",\"ab\",\"ab\",\"ab\",\"ab\",\"ab\",\"ab\",\"ab\",\"ab\",\"ab\",\"ab\",\"ab\",\"ab\",\"ab\",\"ab\",\"ab\",\"ab\",\"ab\",\"ab\"]", 400, "looksFor" },
        { "municipality", "\"061\"", 422, "municipality" },
        { "municipality", "\"52\"", 400, "municipality" },
        { "contactEmail", "\"nobody\"", 400, "contactEmail" },
        { "contactEmail", "\"a\\u0000@example.org\"", 400, "contactEmail" },
        { "website", "\"javascript:alert(1)\"", 400, "website" },
        { "website", "\"https://example.org/\\u0000\"", 400, "website" },
        { "description", "\"a\\u0000b\"", 400, "description" },
        { "description", "\" \"", 400, "description" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task A_wrong_profile_is_refused_with_its_field_and_nothing_is_registered(string field, string? value, int status, string fault)
    {
        using var client = registry.Client();
        var actor = $"member-{Guid.NewGuid():N}";
        var profile = Subjects.Profile("Prava");
        profile.Remove(field);
        var json = profile.ToJsonString();
        if (value is not null)
            json = $"{json[..^1]},\"{field}\":{value}}}";

        var answer = await client.PostAsync(Subjects.Path, actor, json);

        Assert.Equal(status, (int)answer.Status);
        if (fault.Length > 0)
            Assert.True(answer.Body!["errors"]!.AsObject().Any(e => string.Equals(e.Key, fault, StringComparison.OrdinalIgnoreCase)), answer.Body.ToJsonString());
        Assert.Equal(0, (int)(await client.GetAsync($"{Subjects.Path}/mine", actor)).Body!["total"]!);
    }

    [Fact]
    public async Task The_consent_is_to_the_text_that_is_shown()
    {
        using var client = registry.Client();
        var subject = (await client.PostAsync(Subjects.Path, "member-1", Subjects.Profile("Brez"))).Headers.Location!.ToString();

        var text = await client.GetAsync($"{Base}/consent-text");
        var other = await client.PostAsync($"{subject}/consent", "member-1", new { textVersion = "0" });
        var given = await client.PostAsync($"{subject}/consent", "member-1", new { textVersion = (string)text.Body!["version"]! });

        Assert.Equal((422, "textVersion"), ((int)other.Status, other.Body!["errors"]!.AsObject().Single().Key));
        Assert.Equal("1", (string?)given.Body!["consent"]!["textVersion"]);
        Assert.Null(given.Body["searchText"]);
    }

    [Fact]
    public async Task A_key_that_is_sent_again_registers_once()
    {
        using var client = registry.Client();
        var actor = $"member-{Guid.NewGuid():N}";

        var answers = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => client.PostAsync(Subjects.Path, actor, Subjects.Profile("Ena"), "k")));

        Assert.Single(answers.Select(a => a.Headers.Location!.ToString()).Distinct());
        Assert.Equal(1, (int)(await client.GetAsync($"{Subjects.Path}/mine", actor)).Body!["total"]!);
        Assert.Equal(HttpStatusCode.Forbidden, (await client.PostAsync(Subjects.Path, "juror", Subjects.Profile("Ena"))).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync($"{Subjects.Path}/mine")).Status);
    }
}
