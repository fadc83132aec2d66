using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using KkiMesh.TestKit;

namespace KkiMesh.Mesh.Tests;

[Collection<OnWholeMesh>]
public sealed class SubjectsTests(WholeMesh mesh)
{
    private const string Subjects = "/gorenjska/registry/subjects";
    private const string Name = "Zvezdana Izmišljena";
    private const string Address = "zvezdana@example.org";

    [Fact]
    public async Task A_subject_is_seen_while_it_wants_to_be_and_no_public_event_says_who_it_is()
    {
        using var client = mesh.Client();
        await using var listener = await Integrator.ListenAsync(mesh.Servers.RabbitMq, "gorenjska.registry.#");

        var registered = await client.PostAsync(Subjects, "member-1", Profile("lončarstvo"));
        var subject = registered.Headers.Location!.ToString();
        Assert.Equal(HttpStatusCode.Created, registered.Status);
        Assert.Equal(HttpStatusCode.Conflict, (await client.PostAsync($"{subject}/publish", "member-1")).Status);
        await IsSeen(client, subject, false);

        await Done(client, $"{subject}/consent", "member-1", new { textVersion = (string)(await client.GetAsync("/gorenjska/registry/consent-text")).Body!["version"]! });
        await IsSeen(client, subject, false);
        await Done(client, $"{subject}/publish", "member-1");
        await IsSeen(client, subject, true);

        await IsTheirsAlone(client, subject);
        await Done(client, subject, "coordinator", Profile("keramika"), HttpMethod.Put);
        Assert.Empty((await client.GetAsync($"{Subjects}?competence=lončarstvo")).Body!["items"]!.AsArray());

        await Done(client, $"{subject}/hide", "member-1");
        await IsSeen(client, subject, false);
        await Done(client, $"{subject}/publish", "member-1");
        await IsSeen(client, subject, true);
        await Done(client, $"{subject}/consent/withdraw", "member-1");
        await IsSeen(client, subject, false);
        Assert.Equal(HttpStatusCode.Conflict, (await client.PostAsync($"{subject}/publish", "member-1")).Status);

        await TheWorldHeard(client, listener, (string)registered.Body!["id"]!);
    }

    [Fact]
    public async Task What_the_region_begins_with_can_be_read_and_is_in_the_history()
    {
        using var client = mesh.Client();

        Assert.Equal(18, (int)(await client.GetAsync("/gorenjska/registry/municipalities")).Body!["total"]!);
        Assert.Equal(13, (await client.GetAsync("/gorenjska/registry/fields")).Body!["fields"]!.AsArray().Count);
        Assert.Equal(3, (int)(await client.GetAsync("/gorenjska/registry/places?town=Škofja Loka")).Body!["total"]!);
        var history = await client.GetAsync("/gorenjska/registry/events?pageSize=500&type=kki.registry.municipality-listed.v1", "integrator");
        Assert.Equal(18, history.Body!["items"]!.AsArray().Select(e => (string)e!["data"]!["code"]!).Distinct().Count());
    }

    private static object Profile(string competence) => new
    {
        name = Name,
        kind = "creator-or-ngo",
        legalForm = "self-employed-in-culture",
        fields = (int[])[3, 13],
        competences = (string[])[competence],
        municipality = "041",
        offers = (string[])["vaze"],
        looksFor = (string[])["razstavni prostor"],
        contactEmail = Address,
        description = "Posode iz gline.",
    };

    private static async Task Done(Client client, string path, string role, object? body = null, HttpMethod? method = null) =>
        Assert.Equal(HttpStatusCode.OK, (await client.SendAsync(method ?? HttpMethod.Post, path, role, body, Guid.NewGuid().ToString())).Status);

    /// <summary>To everybody but its owner and coordinators, in every list, and never with the address.</summary>
    private static async Task IsSeen(Client client, string subject, bool seen)
    {
        foreach (var somebody in (string?[])[null, "member-2", "juror"])
        {
            Answer[] lists =
            [
                await client.GetAsync($"{Subjects}?q=zvezdana izmisl", somebody),
                await client.GetAsync($"{Subjects}?q=vaze&municipality=041", somebody),
                await client.GetAsync($"{Subjects}?field=13&kind=creator-or-ngo&offers=vaze&looksFor=razstavni prostor", somebody),
                await client.GetAsync($"{Subjects}?pageSize=100", somebody),
            ];
            Assert.All(lists, l => Assert.Equal(seen, l.Body!["items"]!.AsArray().Any(s => (string?)s!["profile"]!["name"] == Name)));
            Assert.All(lists, l => Assert.DoesNotContain(Address, l.Body!.ToJsonString(), StringComparison.Ordinal));
            var one = await client.GetAsync(subject, somebody);
            Assert.Equal(seen ? HttpStatusCode.OK : HttpStatusCode.NotFound, one.Status);
            Assert.DoesNotContain(Address, one.Body!.ToJsonString(), StringComparison.Ordinal);
        }

        Assert.Equal(Address, (string?)(await client.GetAsync(subject, "member-1")).Body!["profile"]!["contactEmail"]);
        Assert.Equal(Address, (string?)(await client.GetAsync(subject, "coordinator")).Body!["profile"]!["contactEmail"]);
    }

    private static async Task IsTheirsAlone(Client client, string subject)
    {
        string[] verbs = ["consent/withdraw", "publish", "hide"];
        foreach (var verb in verbs)
        {
            var refused = await client.PostAsync($"{subject}/{verb}", "member-2");
            Assert.Equal(HttpStatusCode.Forbidden, refused.Status);
            Assert.NotNull(refused.Detail);
        }

        Assert.Equal(HttpStatusCode.Forbidden, (await client.SendAsync(HttpMethod.Put, subject, "member-2", Profile("keramika"), "k")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await client.PostAsync($"{subject}/consent", "member-2", new { textVersion = "1" })).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await client.PostAsync($"{Subjects}/{Guid.NewGuid()}/hide", "member-2")).Status);
    }

    private static async Task TheWorldHeard(Client client, Integrator listener, string id)
    {
        var heard = await Eventually.Is(
            () => Task.FromResult(listener.Messages.Select(m => Encoding.UTF8.GetString(m.Body)).Where(m => m.Contains(id, StringComparison.Ordinal)).ToList()),
            m => m.Count >= 5);
        Assert.Equal(
            ["subject-published", "subject-published", "subject-hidden", "subject-published", "subject-hidden"],
            heard.Select(m => ((string)JsonNode.Parse(m)!["type"]!).Split('.')[2]));
        Assert.Equal(["hidden", "consent-withdrawn"], heard.Select(m => (string?)JsonNode.Parse(m)!["data"]!["because"]).OfType<string>());

        var thread = await client.GetAsync($"/gorenjska/registry/events?pageSize=500&correlation={id}", "integrator");
        var history = thread.Body!["items"]!.AsArray();
        Assert.Equal(5, history.Count(e => (string?)e!["subject"] == id));
        foreach (var text in heard.Concat(history.Select(e => JsonNode.Parse(e!.ToJsonString())!.ToString())))
        {
            Assert.DoesNotContain("Zvezdana", text, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain(Address, text, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("member-1", text, StringComparison.Ordinal);
        }
    }
}
