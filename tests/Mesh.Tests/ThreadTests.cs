using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using KkiMesh.AppHost;
using KkiMesh.TestKit;
using Npgsql;
using RabbitMQ.Client;

namespace KkiMesh.Mesh.Tests;

[Collection<OnWholeMesh>]
public sealed class ThreadTests(WholeMesh mesh)
{
    [Fact]
    public async Task The_demo_tells_the_whole_thread_as_an_integrator_sees_it()
    {
        var integrator = await mesh.Servers.CreateIntegratorAsync("demo", Guid.NewGuid().ToString("N"));
        var output = Path.GetFileName(Path.GetDirectoryName(AppContext.BaseDirectory.TrimEnd('/')))!;
        var start = new ProcessStartInfo("dotnet", [Path.Combine(Checkout.Root, "demo", "bin", output, "net10.0", "KkiMesh.Demo.dll")])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
            Environment = { ["MESH_GATEWAY"] = mesh.Run.Gateway.ToString(), ["MESH_AMQP"] = integrator.ToString() },
        };
        using var demo = Process.Start(start)!;
        var told = await demo.StandardOutput.ReadToEndAsync();
        await demo.WaitForExitAsync();

        Assert.True(demo.ExitCode == 0, told);
        Assert.Contains("The ledger is intact", told, StringComparison.Ordinal);
        Assert.Contains("Everything happened as it should.", told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_auditor_reads_a_thread_from_its_source_to_its_payment_on_one_page()
    {
        using var client = mesh.Client();
        var deadline = TimeProvider.System.GetUtcNow().AddSeconds(9);
        var call = await client.PublishAsync("U3-P3", 2022, 500, 8, awards: 1);
        await client.StatusBecomes(call, "open");
        var ideas = new List<(string Title, string Entry)>();
        foreach (var (title, who) in ((string, string)[])[("Zamisel", "member-1"), ("Druga", "member-2")])
        {
            var idea = new { title, summary = "Povzetek", applicant = "Ana", contactEmail = "ana@example.org", municipality = "052" };
            ideas.Add((title, (string)(await client.UntilAnswered($"/gorenjska/challenges/{call}/entries", who, idea)).Body!["id"]!));
        }

        await Eventually.Is(() => Task.FromResult(TimeProvider.System.GetUtcNow()), now => now > deadline);
        foreach (var (title, entry) in ideas)
            await Done($"/gorenjska/challenges/{call}/entries/{entry}/scores", "juror-1", new { points = title == "Druga" ? 40 : 90, note = "Zato" });
        var best = (string)(await client.GetAsync($"/gorenjska/challenges/{call}/entries", "coordinator")).Body!["items"]![0]!["id"]!;
        await Done($"/gorenjska/challenges/{call}/awards", "coordinator", new { entryId = best, amount = new { amount = 300, currency = "EUR" } });
        using var auditor = new HttpClient { BaseAddress = new Uri(mesh.Run.Gateway, "/gorenjska/") };
        auditor.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", await mesh.Tokens.ForAsync("auditor"));
        Assert.Contains("shown to auditors when the call is concluded", (await ReadAsync(call)).Text, StringComparison.Ordinal);
        await Done($"/gorenjska/challenges/{call}/conclude", "coordinator");
        await Eventually.Is(() => client.GetAsync($"/gorenjska/funding/grants/{best}"), a => a.Status == HttpStatusCode.OK);
        await client.RecordAsync(best);
        await Done($"/gorenjska/funding/grants/{best}/payment", "treasurer");

        var (rc, text) = await ReadAsync(call);
        Assert.Equal(0, rc);
        foreach (var line in (string[])
            ["Plan        U3-P3", "by RAS: concluded", "90.0    Zamisel (Ana): awarded 3.00 EUR", "40.0    Druga (Ana)", ": Zato", "Grant       Ana: 3.00 EUR",
             "Payment     3.00 EUR to Ana", "kki.challenges.entry-awarded.v1", "kki.funding.funds-paid.v1", "kki.helpdesk.mentoring-offered.v1"])
            Assert.Contains(line, text, StringComparison.Ordinal);
        Assert.DoesNotContain("ana@example.org", text, StringComparison.Ordinal);
        Assert.DoesNotContain(Agreements.Iban, text, StringComparison.Ordinal);

        // By the grant it is the same thread; and a program reads it as JSON.
        var json = JsonNode.Parse((await ReadAsync(best, asJson: true)).Text)!;
        Assert.Equal((call, "U3-P3", 2, 1), ((string?)json["id"], (string?)json["row"]!["id"], json["ideas"]!.AsArray().Count, json["payments"]!.AsArray().Count));
        Assert.Equal((1, "There is no challenge"), (await ReadAsync(Guid.NewGuid().ToString())) is var none ? (none.Rc, none.Text[..21]) : default);

        async Task<(int Rc, string Text)> ReadAsync(string id, bool asJson = false)
        {
            await using var page = new StringWriter();
            return (await ReadThread.WriteAsync(auditor, id, asJson, page, TestContext.Current.CancellationToken), page.ToString());
        }

        async Task Done(string command, string role, object? body = null)
        {
            var answer = await client.UntilAnswered(command, role, body);
            Assert.True(answer.Status == HttpStatusCode.OK, $"{command}: {(int)answer.Status} {answer.Detail}");
        }
    }

    [Fact]
    public async Task Who_changes_a_score_and_its_record_alike_is_found_by_what_the_ledger_has()
    {
        Sizes.OnlyLong("decisions are recorded once a minute");
        using var client = mesh.Client();
        var deadline = TimeProvider.System.GetUtcNow().AddSeconds(9);
        var call = await client.PublishAsync("U3-P3", 2022, 100, 8, awards: 1);
        await client.StatusBecomes(call, "open");
        var idea = new { title = "Zamisel", summary = "Povzetek", applicant = "Ana", contactEmail = "ana@example.org", municipality = "052" };
        var entry = (string)(await client.UntilAnswered($"/gorenjska/challenges/{call}/entries", "member-1", idea)).Body!["id"]!;
        await Eventually.Is(() => Task.FromResult(TimeProvider.System.GetUtcNow()), now => now > deadline);
        await client.UntilAnswered($"/gorenjska/challenges/{call}/entries/{entry}/scores", "juror-1", new { points = 90, note = "Zato" });
        await client.UntilAnswered($"/gorenjska/challenges/{call}/conclude", "coordinator");
        using var auditor = new HttpClient { BaseAddress = new Uri(mesh.Run.Gateway, "/gorenjska/") };
        auditor.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", await mesh.Tokens.ForAsync("auditor"));
        var (rc, page) = await Eventually.Is(ReadAsync, read => read.Text.Contains("sealed    in the ledger, seal", StringComparison.Ordinal), 180);
        Assert.True(rc == 0, page);

        var database = new NpgsqlConnectionStringBuilder(mesh.Servers.Postgres) { Database = "challenges" };
        await using (var tamper = NpgsqlDataSource.Create(database.ConnectionString))
        {
            await using var change = tamper.CreateCommand(
                $"update mt_doc_entry set data = jsonb_set(data, '{{scores,0,points}}', '10') where id = '{entry}'");
            await change.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            var computed = (string)(await client.GetAsync($"/gorenjska/challenges/{call}/decision-record", "auditor")).Body!["computed"]!;
            await using var cover = tamper.CreateCommand($"update mt_doc_challenge set data = jsonb_set(data, '{{record}}', '\"{computed}\"') where id = '{call}'");
            await cover.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        Assert.True((bool)(await client.GetAsync($"/gorenjska/challenges/{call}/decision-record", "auditor")).Body!["holds"]!);
        var (found, told) = await ReadAsync();
        Assert.Equal(1, found);
        Assert.Contains("NOT what the ledger holds", told, StringComparison.Ordinal);

        async Task<(int Rc, string Text)> ReadAsync()
        {
            await using var text = new StringWriter();
            return (await ReadThread.WriteAsync(auditor, call, asJson: false, text, TestContext.Current.CancellationToken), text.ToString());
        }
    }

    [Fact]
    public async Task One_trace_leads_from_the_request_through_every_service_and_one_thread_from_cause_to_cause()
    {
        using var client = mesh.Client();
        await using var listener = await Integrator.ListenAsync(mesh.Servers.RabbitMq, "gorenjska.#");
        var draft = await client.PostAsync("/gorenjska/challenges", "coordinator", Region.Terms("U3-P3", 2022, 100, 3600));
        var id = (string)draft.Body!["id"]!;
        var trace = Convert.ToHexStringLower(Guid.NewGuid().ToByteArray());

        await client.PostAsync($"/gorenjska/challenges/{id}/publish", "coordinator", traceParent: $"00-{trace}-00f067aa0ba902b7-01");
        await client.StatusBecomes(id, "open");

        var events = await Eventually.Is(
            () => Task.FromResult(listener.Messages.Select(m => JsonNode.Parse(m.Body)!).Where(e => (string?)e["correlationid"] == id).ToList()), e => e.Count >= 3);
        Assert.Equal(["funds-requested", "funds-reserved", "challenge-published"], events.Select(e => ((string)e["type"]!).Split('.')[2]));
        Assert.All(events, e => Assert.Contains(trace, (string)e["traceparent"]!, StringComparison.Ordinal));
        Assert.Equal(events.Take(2).Select(e => (string)e["id"]!), events.Skip(1).Select(e => (string)e["causationid"]!));
    }

    [Fact]
    public async Task An_integrators_account_reads_events_from_its_own_queues_and_can_do_nothing_else()
    {
        var address = await mesh.Servers.CreateIntegratorAsync("reader", Guid.NewGuid().ToString("N"));
        await using var connection = await new ConnectionFactory { Uri = address }.CreateConnectionAsync();

        await Allowed(c => c.QueueDeclareAsync("reader.mine", exclusive: true));
        await Refused(c => c.QueueDeclareAsync("somebody-elses"));
        await Refused(c => c.BasicGetAsync("funding", autoAck: true));
        await Refused(c => c.BasicPublishAsync("kki.events", "gorenjska.funding.funds-paid.v1", true, "{}"u8.ToArray()).AsTask());
        await Refused(c => c.BasicPublishAsync("", "funding", true, "{}"u8.ToArray()).AsTask());

        async Task Allowed(Func<IChannel, Task> act)
        {
            await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true));
            await act(channel);
        }

        Task Refused(Func<IChannel, Task> act) => Assert.ThrowsAnyAsync<RabbitMQ.Client.Exceptions.RabbitMQClientException>(() => Allowed(act));
    }

    [Fact]
    public async Task What_was_committed_when_broker_and_service_were_killed_is_published_later()
    {
        using var client = mesh.Client();
        var draft = await client.PostAsync("/gorenjska/challenges", "coordinator", Region.Terms("U3-P3", 2022, 100, 3600));
        var id = (string)draft.Body!["id"]!;

        await mesh.Servers.KillRabbitMqAsync();
        var published = await client.UntilAnswered($"/gorenjska/challenges/{id}/publish", "coordinator");
        await Task.WhenAll(mesh.Run.KillAsync("challenges", 0), mesh.Run.KillAsync("challenges", 1));
        await mesh.Servers.StartRabbitMqAsync();
        await Task.WhenAll(mesh.Run.StartReplicaAsync("challenges", 0), mesh.Run.StartReplicaAsync("challenges", 1));

        Assert.Equal(HttpStatusCode.OK, published.Status);
        await client.StatusBecomes(id, "open");
    }

    [Fact]
    public async Task The_mesh_recovers_by_itself_each_time_that_PostgreSQL_is_killed_and_started()
    {
        using var client = mesh.Client();
        for (var round = 0; round < 3; round++)
        {
            var before = await client.PublishAsync("U3-P3", 2022, 1, 3600);
            await mesh.Servers.KillPostgresAsync();
            await mesh.Servers.StartPostgresAsync();
            var after = await client.PublishAsync("U3-P3", 2022, 1, 3600);

            await client.StatusBecomes(before, "open", seconds: 30);
            await client.StatusBecomes(after, "open", seconds: 30);
        }
    }

    [Fact]
    public async Task The_other_replica_takes_over_within_seconds_when_the_leader_is_killed()
    {
        using var client = mesh.Client();
        foreach (var victim in (int[])[0, 1])
        {
            await mesh.Run.KillAsync("challenges", victim);
            try
            {
                await client.StatusBecomes(await client.PublishAsync("U3-P3", 2022, 100, 3600), "open", seconds: 20);
            }
            finally
            {
                await mesh.Run.StartReplicaAsync("challenges", victim);
            }
        }
    }

    [Fact]
    public async Task More_than_the_row_has_is_refused_and_the_call_is_a_draft_that_can_be_mended()
    {
        using var client = mesh.Client();
        var id = await client.PublishAsync("U3-P1", 2023, 300_001, 3600);

        var returned = await client.StatusBecomes(id, "draft");
        Assert.Contains("3,000.00 EUR available", (string)returned["returnReason"]!, StringComparison.Ordinal);

        var mended = await client.SendAsync(HttpMethod.Put, $"/gorenjska/challenges/{id}", "coordinator", Region.Terms("U3-P1", 2023, 300_000, 3600), "mend");
        Assert.Equal(HttpStatusCode.OK, mended.Status);
        await client.PostAsync($"/gorenjska/challenges/{id}/publish", "coordinator");
        await client.StatusBecomes(id, "open");
        var balance = await client.BalanceAsync("U3-P1", 2023);
        Assert.Equal((300_000, 0, 300_000), (balance["planned"], balance["available"], balance["reserved"]));
    }

    [Theory]
    [InlineData("U9-P9", 2022, "no row U9-P9")]
    [InlineData("U5-P1", 2022, "is not known")]
    [InlineData("U3-P2", 2022, "regular funds")]
    [InlineData("U3-P3", 2031, "says nothing")]
    public async Task A_row_without_money_refuses_with_its_reason(string row, int year, string reason)
    {
        using var client = mesh.Client();

        var returned = await client.StatusBecomes(await client.PublishAsync(row, year, 100, 3600), "draft");

        Assert.Contains(reason, (string)returned["returnReason"]!, StringComparison.Ordinal);
    }
}
