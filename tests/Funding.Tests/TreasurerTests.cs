using System.Net;
using System.Text.Json.Nodes;
using KkiMesh.Contracts.Registry.V1;
using KkiMesh.TestKit;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

[assembly: AssemblyFixture(typeof(TestServers))]

namespace KkiMesh.Funding.Tests;

/// <summary>The service itself, two replicas in this process on one database, with a clock that tests set.</summary>
public sealed class RunningFunding(TestServers servers) : IAsyncLifetime
{
    private RunningService<PlanRow>[] _replicas = [];
    private Publisher? _registry;
    private Place? _place;

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 11, 25, 9, 0, 0, TimeSpan.Zero));

    public async ValueTask InitializeAsync()
    {
        _place = await servers.NewPlaceAsync();
        _registry = await Publisher.StartAsync(_place, "registry");
        foreach (var (code, name) in ((string, string)[])[("003", "Bled"), ("052", "Kranj"), ("122", "Škofja Loka"), ("163", "Jezersko")])
            await _registry.TellAsync(code, new MunicipalityListed(code, name, name, 46.2, 14.3));
        (_place.Settings["Funding:Accounts:0:Region"], _place.Settings["Funding:Accounts:0:Iban"], _place.Settings["Funding:Accounts:0:Holder"]) =
            ("gorenjska", "SI56020170014356205", "Regijska agencija");
        _replicas = await Task.WhenAll(
            RunningService.StartAsync<PlanRow>(_place, "funding", Time, _registry), RunningService.StartAsync<PlanRow>(_place, "funding", Time, _registry));
    }

    public Client Client(int replica = 0) => _replicas[replica].Client();

    /// <summary>A client of its gRPC service.</summary>
    /// <param name="who">Whose token it shows, e.g. <c>treasurer-2</c>; null: none.</param>
    /// <param name="replica">Which replica it calls.</param>
    /// <param name="region">The region that the token is good in.</param>
    public LedgerClient Ledger(string? who = "treasurer", int replica = 0, string region = "gorenjska") =>
        new(_replicas[replica].Http2, who is null ? null : _place!.Issuer.Token(who, region));

    public DateOnly Today => ServiceDefaults.BusinessDate.Of(Time.GetUtcNow());

    /// <summary>The broker that both replicas listen to.</summary>
    public Uri Broker => _place!.RabbitMq;

    public Task<string> DatabaseAsync() => _place!.DatabaseAsync("funding");

    /// <summary>What a verification finds, as an auditor reads it: the result, with all faults of all lines.</summary>
    public async Task<JsonNode> VerifyAsync(string? seal = null)
    {
        var lines = await LinesAsync(HttpMethod.Get, seal is null ? "verification" : $"verification?seal={seal}", "auditor");
        var faults = lines.SelectMany(line => line["faults"]!.AsArray()).Select(f => f!.DeepClone()).DistinctBy(f => f.ToJsonString()).ToArray();
        lines[^1]["faults"] = new JsonArray(faults);
        return lines[^1];
    }

    /// <summary>The last line of a long answer.</summary>
    public async Task<JsonNode> StreamAsync(HttpMethod method, string path, string role) => (await LinesAsync(method, path, role))[^1];

    /// <summary>All lines of a long answer.</summary>
    public async Task<IReadOnlyList<JsonNode>> LinesAsync(HttpMethod method, string path, string role)
    {
        using var http = Http(role);
        using var request = new HttpRequestMessage(method, $"/gorenjska/funding/{path}");
        using var answer = await http.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return [.. (await answer.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)];
    }

    /// <summary>Changes the books behind the ledger's back; each statement changes one line.</summary>
    public async Task TamperAsync(params string[] statements)
    {
        await using var database = NpgsqlDataSource.Create(await DatabaseAsync());
        foreach (var statement in statements)
        {
            await using var tamper = database.CreateCommand(statement);
            Assert.True(await tamper.ExecuteNonQueryAsync(TestContext.Current.CancellationToken) == 1, statement);
        }
    }

    /// <summary>A plain client, for what is no JSON.</summary>
    public HttpClient Http(string role)
    {
        using var client = Client();
        var http = new HttpClient { BaseAddress = new Uri(client.AddressOf) };
        http.DefaultRequestHeaders.Authorization = new("Bearer", _place!.Issuer.Token(role));
        return http;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in _replicas)
            await replica.DisposeAsync();
        if (_registry is not null)
            await _registry.DisposeAsync();
        if (_place is not null)
            await _place.DisposeAsync();
    }
}

/// <summary>What a treasurer does, as they do it.</summary>
public sealed class TreasurerTests(RunningFunding funding) : IClassFixture<RunningFunding>
{
    private const string Rows = "/gorenjska/funding/rows";

    [Fact]
    public async Task Money_is_reserved_promised_paid_in_parts_returned_and_released_and_the_row_shows_each_step()
    {
        using var client = funding.Client();
        const string row = $"{Rows}/U3-P5";

        var reserved = await client.PostAsync($"{row}/reservations", "treasurer-1", Reserve(2023, 1_500_000));
        Assert.Equal(HttpStatusCode.Created, reserved.Status);
        var reservation = reserved.Headers.Location!.ToString();
        var committed = await client.PostAsync($"{reservation}/commitments", "treasurer-1", new { recipient = "Layerjeva hiša", amount = Eur(1_000_000) });
        var commitment = $"{reservation}/commitments/{committed.Body!["commitments"]![0]!["id"]}";
        Assert.Equal(HttpStatusCode.Forbidden, (await client.PostAsync($"{commitment}/payments", "treasurer-1", new { })).Status);
        await client.RecordAsync((string)committed.Body["commitments"]![0]!["id"]!, "Layerjeva hiša");
        await Done(client.PostAsync($"{commitment}/payments", "treasurer-2", new { amount = Eur(400_000) }));
        await Done(client.PostAsync($"{commitment}/payments", "treasurer-2", new { amount = Eur(500_000) }));
        await Done(client.PostAsync($"{commitment}/returns", "treasurer-1", new { amount = Eur(100_000), reason = "Ni porabljeno" }));
        await Done(client.PostAsync($"{reservation}/release", "treasurer-1", new { commitmentId = (string)committed.Body["commitments"]![0]!["id"]! }));
        await Done(client.PostAsync($"{reservation}/release", "treasurer-1", new { }));

        await Has(client, row, 2023, [2_000_000, 1_200_000, 0, 0, 800_000]);
        var transactions = (await client.GetAsync($"{row}/transactions")).Body!["items"]!.AsArray();
        Assert.Equal(
            [
                "row-planned", "funds-reserved", "funds-committed", "agreement-filed", "grant-agreed",
                "payment-approved", "funds-paid", "payment-approved", "funds-paid", "funds-returned",
                "funds-released", "funds-released",
            ],
            transactions.Select(t => ((string)t!["type"]!).Split('.').Last(part => part != "v1")));
        // One thread leads through all that happened to the reservation.
        Assert.All(transactions.Skip(1), t => Assert.Equal((string?)reserved.Body!["id"], (string?)t!["correlationId"]));
        var moving = transactions.Where(t => t!["data"]?["postings"] is not null).ToList();
        Assert.Equal(8, moving.Count);
        long Sum(JsonNode? t) => t!["data"]!["postings"]!.AsArray().Sum(p => (long)p!["amount"]!["amount"]!);
        Assert.All(moving, t => Assert.Equal(0, Sum(t)));
    }

    [Fact]
    public async Task A_mistake_is_reversed_by_another_transaction_and_both_stay()
    {
        using var client = funding.Client();
        const string row = $"{Rows}/U3-P6";
        var reservation = (await client.PostAsync($"{row}/reservations", "treasurer", Reserve(2022, 70_000))).Headers.Location!.ToString();
        var mistake = (string)(await client.GetAsync($"{row}/transactions")).Body!["items"]!.AsArray()[^1]!["id"]!;

        var reversed = await client.PostAsync($"{row}/transactions/{mistake}/reversal", "treasurer", new { reason = "Napačna vrstica" }, "k");
        var again = await client.PostAsync($"{row}/transactions/{mistake}/reversal", "treasurer", new { reason = "Napačna vrstica" }, "k");
        var twice = await client.PostAsync($"{row}/transactions/{mistake}/reversal", "treasurer", new { reason = "Napačna vrstica" });

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.Conflict), (reversed.Status, again.Status, twice.Status));
        await Has(client, row, 2022, [2_000_000, 2_000_000, 0, 0, 0]);
        var newest = (await client.GetAsync($"{row}/transactions")).Body!["items"]!.AsArray()[^1]!;
        Assert.Equal((mistake, "Napačna vrstica"), ((string?)newest["data"]!["reverses"], (string?)newest["data"]!["reason"]));
        Assert.Empty((await client.GetAsync(reservation)).Body!["remaining"]!.AsArray());
    }

    [Fact]
    public async Task Sixteen_writers_over_two_replicas_never_overspend_a_row_and_none_fails_that_should_not()
    {
        const int writers = 16, each = 20, had = 300;
        const string row = $"{Rows}/U3-P1";
        Client[] replicas = [funding.Client(0), funding.Client(1)];

        var answers = (await Task.WhenAll(Enumerable.Range(0, writers).Select(async writer =>
        {
            var mine = new List<Answer>();
            for (var i = 0; i < each; i++)
                mine.Add(await replicas[writer % 2].PostAsync($"{row}/reservations", "treasurer", Reserve(2022, 300_000 / had)));
            return mine;
        }))).SelectMany(a => a).ToList();

        Assert.Equal(had, answers.Count(a => a.Status == HttpStatusCode.Created));
        Assert.All(answers.Where(a => a.Status != HttpStatusCode.Created), a => Assert.Contains("0.00 EUR available", a.Detail, StringComparison.Ordinal));
        await Has(replicas[0], row, 2022, [300_000, 0, 300_000, 0, 0]);
        Assert.Equal(had, answers.Where(a => a.Status == HttpStatusCode.Created).Select(a => (string)a.Body!["id"]!).Distinct().Count());
        foreach (var client in replicas)
            client.Dispose();
    }

    [Fact]
    public async Task What_is_not_committed_by_its_last_day_is_available_again_the_day_after()
    {
        using var client = funding.Client();
        const string row = $"{Rows}/U2-A1+A2";
        var today = new DateOnly(2026, 11, 25);
        var body = Reserve(2024, 600_000);
        body["expiresOn"] = $"{today:yyyy-MM-dd}";
        var reservation = (await client.PostAsync($"{row}/reservations", "treasurer", body)).Headers.Location!.ToString();
        await Done(client.PostAsync($"{reservation}/commitments", "treasurer", new { recipient = "Tiskarna", amount = Eur(200_000) }));
        await Has(client, row, 2024, [1_000_000, 400_000, 400_000, 200_000, 0]);

        funding.Time.Advance(TimeSpan.FromHours(14.5));
        await Eventually.Is(
            () =>
            {
                funding.Time.Advance(TimeSpan.FromMinutes(1));
                return Balance(client, row, 2024);
            },
            b => b.SequenceEqual([1_000_000, 800_000, 0, 200_000, 0]));

        Assert.Equal(HttpStatusCode.Conflict, (await client.PostAsync($"{reservation}/commitments", "treasurer", new { recipient = "Tiskarna", amount = Eur(1) })).Status);
    }

    [Fact]
    public async Task The_plans_money_has_the_source_that_is_printed_for_it_and_none_is_guessed()
    {
        using var client = funding.Client();
        async Task<string[]> Sources(string row) =>
            [.. (await client.GetAsync($"{Rows}/{row}")).Body!["funds"]!.AsArray().Select(f => (string)f!["source"]!).Distinct()];

        Assert.Equal(["projects-or-partners"], await Sources("U1-A5"));
        Assert.Equal(["municipal-key"], await Sources("U4-A2"));
        Assert.Equal(["not-stated"], await Sources("U3-P7"));
        Assert.Equal(["projects-or-partners"], await Sources("U2-A1+A2"));
        Assert.Equal(["projects-or-partners"], await Sources("U6-A2"));
    }

    [Theory]
    [InlineData("""{"fiscalYear":2022,"amount":{"amount":0,"currency":"EUR"},"purpose":"x"}""", 422, "amount")]
    [InlineData("""{"fiscalYear":2022,"amount":{"amount":-5,"currency":"EUR"},"purpose":"x"}""", 422, "amount")]
    [InlineData("""{"fiscalYear":2022,"amount":{"amount":5,"currency":"USD"},"purpose":"x"}""", 422, "amount")]
    [InlineData("""{"fiscalYear":2022,"amount":{"amount":9223372036854775807,"currency":"EUR"},"purpose":"x"}""", 422, "amount")]
    [InlineData("""{"fiscalYear":2022,"amount":{"amount":9223372036854775808,"currency":"EUR"},"purpose":"x"}""", 400, "amount.amount")]
    [InlineData("""{"fiscalYear":2022,"amount":{"amount":1.5,"currency":"EUR"},"purpose":"x"}""", 400, "amount.amount")]
    [InlineData("""{"fiscalYear":2031,"amount":{"amount":5,"currency":"EUR"},"purpose":"x"}""", 422, "fiscalYear")]
    [InlineData("""{"fiscalYear":2022,"amount":{"amount":5,"currency":"EUR"}}""", 400, "purpose")]
    [InlineData("""{"fiscalYear":2022,"amount":{"amount":5,"currency":"EUR"},"purpose":"x","source":"eu"}""", 422, "amount")]
    [InlineData("""{"fiscalYear":2022,"amount":{"amount":5,"currency":"EUR"},"purpose":"x","source":"gold"}""", 400, "source")]
    [InlineData("""{"fiscalYear":2022,"amount":{"amount":5,"currency":"EUR"},"purpose":"x","date":"2026-12-24"}""", 422, "date")]
    [InlineData("""{"fiscalYear":2022,"amount":{"amount":5,"currency":"EUR"},"purpose":"x","date":"1999-12-24"}""", 422, "date")]
    [InlineData("""{"fiscalYear":2022,"amount":{"amount":5,"currency":"EUR"},"purpose":"x","expiresOn":"2026-01-01"}""", 422, "expiresOn")]
    public async Task What_breaks_a_rule_is_refused_at_its_field_and_changes_nothing(string body, int status, string field)
    {
        using var client = funding.Client();
        const string row = $"{Rows}/U3-P7";

        var refused = await client.PostAsync($"{row}/reservations", "treasurer", body);

        Assert.Equal(status, (int)refused.Status);
        Assert.Contains(field, refused.Body!["errors"]!.AsObject().Select(e => e.Key));
        await Has(client, row, 2022, [2_000_000, 2_000_000, 0, 0, 0]);
    }

    [Theory]
    [InlineData("""{"municipality":"999"}""", 422, "municipality")]
    [InlineData("""{"municipality":"52"}""", 400, "municipality")]
    [InlineData("""{"dueOn":"2019-12-31"}""", 422, "dueOn")]
    [InlineData("""{"date":"2026-11-02","dueOn":"2026-11-01"}""", 422, "dueOn")]
    [InlineData("""{"recipient":"Ana\u0001"}""", 400, "recipient")]
    [InlineData("""{"recipient":"Ana\nBor"}""", 400, "recipient")]
    public async Task A_promise_that_breaks_a_rule_is_refused_at_its_field_and_changes_nothing(string change, int status, string field)
    {
        using var client = funding.Client();
        var reserve = Reserve(2023, 100);
        reserve["date"] = "2026-11-01";
        var reservation = (await client.PostAsync($"{Rows}/U6-P2/reservations", "treasurer", reserve)).Headers.Location!.ToString();
        var body = new JsonObject { ["recipient"] = "Ana", ["amount"] = Eur(100) };
        foreach (var (name, value) in JsonNode.Parse(change)!.AsObject())
            body[name] = value?.DeepClone();

        var refused = await client.PostAsync($"{reservation}/commitments", "treasurer", body);

        Assert.Equal(status, (int)refused.Status);
        Assert.Contains(field, refused.Body!["errors"]!.AsObject().Select(e => e.Key));
        Assert.Empty((await client.GetAsync(reservation)).Body!["commitments"]!.AsArray());
        await Done(client.PostAsync($"{reservation}/commitments", "treasurer", new { recipient = "Ana", amount = Eur(100), municipality = "052", date = "2026-11-02", dueOn = "2026-11-02" }));
    }

    [Fact]
    public async Task What_is_not_there_is_not_found_and_what_is_not_left_cannot_be_had()
    {
        using var client = funding.Client();
        var nobody = Guid.CreateVersion7();
        var reservation = (await client.PostAsync($"{Rows}/U6-A1/reservations", "treasurer", Reserve(2022, 100))).Headers.Location!.ToString();
        var elsewhere = reservation.Replace("U6-A1", "U6-A3", StringComparison.Ordinal);
        async Task<int> Post(string path, object body) => (int)(await client.PostAsync(path, "treasurer-2", body)).Status;

        Assert.Equal(404, await Post($"{Rows}/U9-P9/reservations", Reserve(2022, 1)));
        Assert.Equal(404, await Post($"{Rows}/U6-A1/reservations/{nobody}/release", new { }));
        Assert.Equal(404, await Post($"{elsewhere}/release", new { }));
        Assert.Equal(404, await Post($"{reservation}/commitments/{nobody}/payments", new { }));
        Assert.Equal(404, await Post($"{Rows}/U6-A1/transactions/{nobody}/reversal", new { reason = "x" }));
        Assert.Equal(409, await Post($"{reservation}/commitments", new { recipient = "Ana", amount = Eur(101) }));
        Assert.Equal(409, await Post($"{reservation}/release", new { amount = Eur(101) }));
        Assert.Equal(404, (int)(await client.GetAsync(elsewhere)).Status);
        await Has(client, $"{Rows}/U6-A1", 2022, [1_200_000, 1_199_900, 100, 0, 0]);
    }

    [Fact]
    public async Task Books_that_nobody_touched_are_intact_also_while_they_are_written()
    {
        using var client = funding.Client();
        var writing = Enumerable.Range(0, 40).Select(_ => client.PostAsync(
            $"{Rows}/U3-P3/reservations", "treasurer", Reserve(2023, 1))).ToList();

        var during = await funding.VerifyAsync();
        await Task.WhenAll(writing);
        var after = await funding.VerifyAsync();

        Assert.True((bool)during["isIntact"]!, during.ToJsonString());
        Assert.True((bool)after["isIntact"]!, after.ToJsonString());
        Assert.True((int)after["transactions"]! >= 28 + 40);
    }

    private static JsonObject Reserve(int year, long cents) => new() { ["fiscalYear"] = year, ["amount"] = Eur(cents), ["purpose"] = "Poskus" };

    private static JsonObject Eur(long cents) => new() { ["amount"] = cents, ["currency"] = "EUR" };

    private static async Task Done(Task<Answer> answer) => Assert.Equal(HttpStatusCode.OK, (await answer).Status);

    private static async Task Has(Client client, string row, int year, long[] balance) => Assert.Equal(balance, await Balance(client, row, year));

    private static async Task<long[]> Balance(Client client, string row, int year)
    {
        var balance = (await client.GetAsync(row)).Body!["balances"]![$"{year}"]!;
        return [.. ((string[])["planned", "available", "reserved", "committed", "paid"]).Select(account => (long)balance[account]!["amount"]!)];
    }
}
