using System.Net;
using System.Text.Json.Nodes;
using KkiMesh.TestKit;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace KkiMesh.ServiceDefaults.Tests;

/// <summary>What an operator does with parked events.</summary>
public sealed class ErrorQueueTests(TestServers servers)
{
    private const string Heard = "gorenjska.foreign.heard.v1";
    private const string Errors = "/gorenjska/counter/errors";

    [Fact]
    public async Task Events_that_an_older_version_parked_in_the_broker_are_kept_and_every_one_is_within_reach()
    {
        const int Old = 1300;
        await using var service = await CounterService.StartAsync(servers, prepare: async place =>
        {
            await ParkAsOlderVersionsAsync(place, "counter_error", Old);
            await ParkAsOlderVersionsAsync(place, "counter_skipped", 2, "kki.foreign.unknown.v1");
            return null;
        });
        using var client = service.Client();

        await Eventually.Is(() => client.GetAsync(Errors, "operator"), a => (int?)a.Body?["total"] == Old + 2, 60);
        await Eventually.Is(() => QueuesAsync(service.Place), queues => queues.Count == 0);
        var page = await client.GetAsync($"{Errors}?page=13&pageSize=100&type=kki.foreign.heard.v1", "operator");
        Assert.Equal((Old, "old-1299"), ((int)page.Body!["total"]!, (string?)page.Body["items"]![99]!["id"]));
        Assert.Equal("It was so.", (string?)page.Body["items"]![0]!["reason"]);
        Assert.Equal("old-1201", (string?)(await client.GetAsync($"{Errors}/old-1201", "operator")).Body!["id"]);
        Assert.Equal(HttpStatusCode.NoContent, (await SettleAsync(client, "old-1201")).Status);
        Assert.Equal([1201], await service.NumbersAsync("left"));

        // Two operators send the rest back at once.
        var lines = (await Task.WhenAll(ResendAllAsync(service), ResendAllAsync(service))).SelectMany(l => l).ToList();
        Assert.Equal(2, lines.Count(l => !(bool)l["isGoingOn"]!));
        Assert.Equal(Old - 1, lines.Where(l => !(bool)l["isGoingOn"]!).Sum(l => (int)l["done"]!));
        Assert.True(lines.Count > 10, "It tells how far it is.");
        Assert.Equal(Enumerable.Range(0, Old), (await service.NumbersAsync("left")).Order());
        Assert.Equal(2, (int)(await client.GetAsync(Errors, "operator")).Body!["total"]!);
    }

    [Fact]
    public async Task Parked_events_are_found_by_type_source_subject_time_and_a_part_of_the_reason()
    {
        await using var service = await CounterService.StartAsync(servers);
        service.Fault = heard => new InvalidOperationException($"Number {heard.Number} is not taken.");
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "nothing");
        using var client = service.Client();
        await integrator.PublishAsync(Heard, Events.Heard("e1", "left", 1));
        await TotalAsync("", 1);
        service.Time.Advance(TimeSpan.FromHours(1));
        var later = Uri.EscapeDataString(service.Time.GetUtcNow().AddMinutes(-30).ToString("O"));
        await integrator.PublishAsync(Heard, Events.Heard("e2", "right", 2));
        await integrator.PublishAsync(Heard, Events.Write("e3", "kki.foreign.unknown.v1", "left", new { }));
        await integrator.PublishAsync(Heard, "no event"u8.ToArray());
        await TotalAsync("", 4);

        await TotalAsync("?type=kki.foreign.heard.v1", 2);
        await TotalAsync("?source=/gorenjska/foreign", 3);
        await TotalAsync("?subject=right", 1);
        await TotalAsync("?reason=IS+NOT+TAKEN", 2);
        await TotalAsync($"?parkedFrom={later}", 3);
        await TotalAsync($"?parkedTo={later}", 1);
        await TotalAsync($"?parkedTo={later}&subject=right", 0);
        var first = (await client.GetAsync($"{Errors}?pageSize=1", "operator")).Body!["items"]![0]!;
        Assert.Equal("e1", (string?)first["id"]);
        await TotalAsync($"?after={first["position"]}", 3);
        foreach (var wrong in (string[])["?after=-1", "?reason=%00", "?parkedFrom=yesterday", "?page=0", "?type="])
            Assert.Equal(HttpStatusCode.BadRequest, (await client.GetAsync(Errors + wrong, "operator")).Status);

        Task TotalAsync(string filter, int total) => Eventually.Is(() => client.GetAsync(Errors + filter, "operator"), a => (int?)a.Body?["total"] == total);
    }

    [Fact]
    public async Task A_parked_event_that_comes_again_stays_parked_once_and_a_discarded_one_is_not_taken_later()
    {
        await using var service = await CounterService.StartAsync(servers);
        service.Fault = heard => heard.Number < 3 ? new InvalidOperationException("Not yet.") : null;
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "nothing");
        using var client = service.Client();
        await PublishAsync(1, 2);
        await Eventually.Is(() => client.GetAsync(Errors, "operator"), a => (int?)a.Body?["total"] == 2);

        service.Fault = _ => null;
        await PublishAsync(1, 2, 3);
        Assert.Equal([3], await Eventually.Is(() => service.NumbersAsync("left"), n => n.Count > 0));
        Assert.Equal(2, (int)(await client.GetAsync(Errors, "operator")).Body!["total"]!);

        Assert.Equal(HttpStatusCode.NoContent, (await client.SendAsync(HttpMethod.Delete, $"{Errors}/e1", "operator")).Status);
        Assert.Equal(HttpStatusCode.NoContent, (await SettleAsync(client, "e2")).Status);
        await PublishAsync(1, 2, 4);
        Assert.Equal([3, 2, 4], await Eventually.Is(() => service.NumbersAsync("left"), n => n.Count == 3));
        Assert.Equal(0, (int)(await client.GetAsync(Errors, "operator")).Body!["total"]!);
        Assert.Empty(await QueuesAsync(service.Place));

        async Task PublishAsync(params int[] numbers)
        {
            foreach (var number in numbers)
                await integrator.PublishAsync(Heard, Events.Heard($"e{number}", "left", number));
        }
    }

    [Fact]
    public async Task What_fails_again_stays_parked_with_its_new_reason_and_many_are_settled_by_a_filter()
    {
        await using var service = await CounterService.StartAsync(servers);
        service.Fault = _ => new InvalidOperationException("The first reason.");
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "nothing");
        using var client = service.Client();
        for (var number = 0; number < 6; number++)
            await integrator.PublishAsync(Heard, Events.Heard($"e{number}", "left", number));
        await Eventually.Is(() => client.GetAsync(Errors, "operator"), a => (int?)a.Body?["total"] == 6);

        service.Fault = heard => heard.Number % 2 == 0 ? new InvalidOperationException("The second reason.") : null;
        var again = await SettleAsync(client, "e0");
        Assert.Equal((HttpStatusCode.Conflict, true), (again.Status, again.Detail!.Contains("The second reason.", StringComparison.Ordinal)));
        Assert.Equal(HttpStatusCode.BadRequest, (await client.SendAsync(HttpMethod.Post, $"{Errors}/resend", "operator")).Status);
        var resent = await LinesAsync(service, $"{Errors}/resend?reason=first");
        Assert.Equal((5, 3, 2, false), ((int)resent[^1]["total"]!, (int)resent[^1]["done"]!, (int)resent[^1]["failed"]!, (bool)resent[^1]["isMore"]!));
        Assert.Equal([1, 3, 5], await service.NumbersAsync("left"));

        var discarded = await LinesAsync(service, $"{Errors}/discard?reason=second&subject=left");
        Assert.Equal(3, (int)discarded[^1]["done"]!);
        Assert.Equal(0, (int)(await client.GetAsync(Errors, "operator")).Body!["total"]!);
        var accesses = (await client.GetAsync("/gorenjska/counter/access-log", "auditor")).Body!["items"]!.AsArray().Select(i => (string?)i!["path"]);
        Assert.Superset(new HashSet<string?> { $"{Errors}/resend", $"{Errors}/discard", $"{Errors}/e0/resend" }, accesses.ToHashSet());
    }

    [Fact]
    public async Task An_event_whose_attributes_cannot_be_stored_as_they_are_is_parked_and_others_go_on()
    {
        await using var service = await CounterService.StartAsync(servers);
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "nothing");
        using var client = service.Client();
        foreach (var attribute in (string[])["id", "type", "subject"])
        {
            var e = JsonNode.Parse(Events.Write($"bad-{attribute}", "kki.foreign.unknown.v1", "left", new { }))!;
            e[attribute] = $"{e[attribute]}\0";
            await integrator.PublishAsync(Heard, System.Text.Encoding.UTF8.GetBytes(e.ToJsonString()));
        }

        await integrator.PublishAsync(Heard, Events.Heard("good", "left", 1));

        await Eventually.Is(() => client.GetAsync(Errors, "operator"), a => (int?)a.Body?["total"] == 3);
        Assert.Equal([1], await Eventually.Is(() => service.NumbersAsync("left"), n => n.Count > 0));
    }

    [Fact]
    public async Task The_inbox_tells_which_of_many_events_it_knows()
    {
        await using var service = await CounterService.StartAsync(servers);
        service.Fault = heard => heard.Number == 2 ? new InvalidOperationException("Not taken.") : null;
        await using var integrator = await Integrator.ListenAsync(service.Place.RabbitMq, "nothing");
        for (var number = 1; number <= 2; number++)
            await integrator.PublishAsync(Heard, Events.Heard($"e{number}", "left", number));
        await Eventually.Is(() => service.NumberAsync("select count(*) from parked_events"), n => n == 1);
        var inbox = service.Services().GetRequiredService<Inbox>();
        var asked = Enumerable.Range(1, Inbox.MostKnown).Select(n => ("/gorenjska/foreign", $"e{n}")).ToList();

        var known = await inbox.KnownAsync("gorenjska", asked, TestContext.Current.CancellationToken);

        Assert.Equal(["/gorenjska/foreign\ne1", "/gorenjska/foreign\ne2"], known.Order(StringComparer.Ordinal));
        Assert.Empty(await inbox.KnownAsync("koroska", asked, TestContext.Current.CancellationToken));

        // Whoever hands an event over learns what became of it.
        Assert.Equal(TakenAs.New, await HandleAsync(3));
        Assert.Equal(TakenAs.Duplicate, await HandleAsync(3));
        Assert.Equal(TakenAs.Duplicate, await HandleAsync(2));
        service.Fault = _ => new InvalidOperationException("Not taken.");
        Assert.Equal(TakenAs.Parked, await HandleAsync(4));

        Task<TakenAs> HandleAsync(int number) =>
            inbox.HandleAsync(ServiceDefaults.CloudEvent.Parse(Events.Heard($"e{number}", "left", number)), TestContext.Current.CancellationToken);
    }

    private static Task<Answer> SettleAsync(Client client, string id) => client.SendAsync(HttpMethod.Post, $"{Errors}/{id}/resend", "operator");

    private static Task<List<JsonNode>> ResendAllAsync(CounterService service) => LinesAsync(service, $"{Errors}/resend?type=kki.foreign.heard.v1");

    private static async Task<List<JsonNode>> LinesAsync(CounterService service, string path)
    {
        using var http = new HttpClient { BaseAddress = new Uri(service.Address), Timeout = TimeSpan.FromMinutes(9) };
        http.DefaultRequestHeaders.Authorization = new("Bearer", service.Place.Issuer.Token("operator", "gorenjska"));
        using var answer = await http.PostAsync(path, null);
        Assert.Equal("application/x-ndjson", answer.Content.Headers.ContentType?.MediaType);
        return [.. (await answer.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonNode.Parse(l)!)];
    }

    // As MassTransit's error transport left them.
    private static async Task ParkAsOlderVersionsAsync(Place place, string queue, int count, string type = "kki.foreign.heard.v1")
    {
        await using var connection = await new ConnectionFactory { Uri = place.RabbitMq }.CreateConnectionAsync();
        await using var channel = await connection.CreateChannelAsync();
        await channel.ExchangeDeclareAsync(queue, "fanout", durable: true);
        await channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false);
        await channel.QueueBindAsync(queue, queue, "");
        var properties = new BasicProperties { Persistent = true, Headers = new Dictionary<string, object?> { ["MT-Fault-Message"] = "It was so." } };
        var name = queue == "counter_error" ? "old" : "skipped";
        for (var number = 0; number < count; number++)
            await channel.BasicPublishAsync(queue, "", false, properties, Events.Write($"{name}-{number}", type, "left", new { ear = "left", number }));
        await Eventually.Is(async () => (int)(await channel.QueueDeclarePassiveAsync(queue)).MessageCount, n => n == count);
    }

    // Which queues and exchanges of older versions are there.
    private static async Task<List<string>> QueuesAsync(Place place)
    {
        await using var connection = await new ConnectionFactory { Uri = place.RabbitMq }.CreateConnectionAsync();
        var there = new List<string>();
        foreach (var name in (string[])["counter_error", "counter_skipped"])
        {
            await TryAsync(name, async channel => await channel.QueueDeclarePassiveAsync(name));
            await TryAsync(name, channel => channel.ExchangeDeclarePassiveAsync(name));
        }

        return there;

        async Task TryAsync(string name, Func<IChannel, Task> declare)
        {
            await using var channel = await connection.CreateChannelAsync();
            try
            {
                await declare(channel);
                there.Add(name);
            }
            catch (OperationInterruptedException)
            {
                // It is not there.
            }
        }
    }
}
