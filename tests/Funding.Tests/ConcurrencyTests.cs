using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.TestKit;

namespace KkiMesh.Funding.Tests;

/// <summary>
/// Random histories of many callers at once, over both replicas. <c>LEDGER_SEED</c> sends the same commands again.
/// </summary>
public sealed partial class ConcurrencyTests(RunningFunding funding, ITestOutputHelper output) : IClassFixture<RunningFunding>, IDisposable
{
    private const int Callers = 16;
    private const int Each = 50;
    private const string Root = "/gorenjska/funding";
    private static readonly string[] Rows = ["U3-P5", "U6-A1", "U6-P2", "U6-A3"];
    private static readonly int[] Years = [2030, 2031];
    private static readonly FundingSource[] Sources = [FundingSource.Eu, FundingSource.BscRegular];

    private readonly Client[] _replicas = [funding.Client(0), funding.Client(1)];
    private readonly ConcurrentQueue<(Order Order, string Answer)> _accepted = [];
    private readonly ConcurrentQueue<(Order Order, string Why)> _refused = [];
    // What anybody may work on.
    private readonly ConcurrentQueue<Order> _reservations = [];
    private readonly ConcurrentQueue<Order> _commitments = [];

    [Fact]
    public async Task Whatever_callers_do_at_once_each_accepted_command_has_one_effect_and_the_books_are_those_of_a_simple_model()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("LEDGER_SEED"), CultureInfo.InvariantCulture, out var given) ? given : Random.Shared.Next();
        output.WriteLine($"LEDGER_SEED={seed}");
        var random = new Random(seed);
        foreach (var (row, year) in Rows.SelectMany(row => Years.Select(year => (row, year))))
        {
            foreach (var source in Sources)
                await SendAsync(New(Verb.ChangePlan, row, random.Next(300, 1500)) with { Year = year, Source = source }, random, isSafe: true);
        }

        await Task.WhenAll(Enumerable.Range(1, Callers).Select(n => CallAsync(new Random(seed + n))));
        output.WriteLine($"{_accepted.Count} accepted, {_refused.Count} refused");
        Assert.NotEmpty(_refused);
        await SameAnswerAgainAsync(random);

        var (model, payments) = await ReplayAsync();
        Assert.All(_refused, r => Assert.True(r.Order.Verb == Verb.Reverse || model.EverHad(r.Order, Had(r.Why)), $"{r.Order}: {r.Why}"));
        await HasAsync(model);
        var shown = (await AllAsync("payments?", "treasurer")).Select(p => ((Guid)p["payment"]!["id"]!, (bool)p["payment"]!["isReversed"]!));
        Assert.Equal(payments.Order(), shown.Order());
        var verified = await funding.VerifyAsync();
        Assert.True((bool)verified["isIntact"]!, verified.ToJsonString());
        Assert.Equal(0, (long)(await funding.StreamAsync(HttpMethod.Post, "ledger/rebuild", "operator"))["mended"]!);
    }

    public void Dispose()
    {
        foreach (var replica in _replicas)
            replica.Dispose();
    }

    private async Task CallAsync(Random random)
    {
        var mine = new Mine();
        for (var i = 0; i < Each; i++)
        {
            await (random.Next(20) switch
            {
                < 8 => MineAsync(mine, random),
                < 11 => ReserveAsync(random),
                < 13 => _reservations.IsEmpty ? ReserveAsync(random) : CommitAsync(Any(_reservations, random), random),
                < 16 => _commitments.IsEmpty ? ReserveAsync(random) : SettleAsync(Any(_commitments, random), random),
                < 18 => PlanAsync(random),
                < 19 => ReverseAsync(random),
                _ => WrongAsync(random),
            });
        }
    }

    // What nobody else touches: whatever happens around it, no step of it is refused once money is reserved.
    private async Task MineAsync(Mine mine, Random random)
    {
        if (mine.Order is not { } order)
        {
            var reserve = New(Verb.Reserve, Any(Rows, random), random.Next(1, 100)) with { Year = Any(Years, random) };
            mine.Order = await SendAsync(reserve, random);
            (mine.Remaining, mine.Outstanding, mine.Paid) = (reserve.Cents, 0, 0);
        }
        else if (order.Commitment is null)
        {
            var cents = random.Next(1, (int)mine.Remaining + 1);
            mine.Order = await SendAsync(Next(order, Verb.Commit, cents), random, isSafe: true);
            (mine.Remaining, mine.Outstanding) = (mine.Remaining - cents, cents);
        }
        else if (mine.Outstanding > 0)
        {
            var cents = random.Next(1, (int)mine.Outstanding + 1);
            var verb = random.Next(3) == 0 ? Verb.Release : Verb.Pay;
            await SendAsync(Next(order, verb, cents), random, isSafe: true);
            mine.Outstanding -= cents;
            (mine.Paid, mine.Remaining) = verb == Verb.Pay ? (mine.Paid + cents, mine.Remaining) : (mine.Paid, mine.Remaining + cents);
        }
        else
        {
            if (mine.Paid > 0)
                await SendAsync(Next(order, Verb.Return, mine.Paid), random, isSafe: true);
            if (mine.Remaining > 0)
                await SendAsync(Next(order, Verb.Release, mine.Remaining) with { Commitment = null }, random, isSafe: true);
            mine.Order = null;
        }
    }

    private async Task ReserveAsync(Random random)
    {
        FundingSource? source = random.Next(3) == 0 ? Any(Sources, random) : null;
        if (await SendAsync(New(Verb.Reserve, Any(Rows, random), random.Next(1, 900)) with { Year = Any(Years, random), Source = source }, random) is { } reserved)
            _reservations.Enqueue(reserved);
    }

    private async Task CommitAsync(Order reserved, Random random)
    {
        if (await SendAsync(Next(reserved, Verb.Commit, random.Next(1, 600)), random) is { } committed)
            _commitments.Enqueue(committed);
    }

    private Task<Order?> SettleAsync(Order committed, Random random) => SendAsync(
        random.Next(5) switch
        {
            < 2 => Next(committed, Verb.Pay, random.Next(1, 500)),
            2 => Next(committed, Verb.Return, random.Next(1, 300)),
            3 => Next(committed, Verb.Release, random.Next(1, 300)),
            _ => Next(committed, Verb.Release, random.Next(1, 300)) with { Commitment = null },
        },
        random);

    private Task<Order?> PlanAsync(Random random)
    {
        var (from, to, cents) = (Any(Rows, random), Any(Rows, random), random.Next(1, 300));
        var order = New(Verb.ChangePlan, from, random.Next(2) == 0 ? cents : -cents) with { Year = Any(Years, random), Source = Any(Sources, random) };
        return SendAsync(from == to ? order : order with { Verb = Verb.Move, Cents = cents, ToRow = to }, random, isSafe: from == to && order.Cents > 0);
    }

    // Of what belongs to nobody alone.
    private async Task ReverseAsync(Random random)
    {
        var row = Any(Rows, random);
        var known = _reservations.Select(r => r.Reservation).ToHashSet();
        var mistakes = (await _replicas[0].GetAsync($"{Root}/rows/{row}/transactions?pageSize=100")).Body!["items"]!.AsArray()
            .Where(t => known.Contains((string?)t!["data"]?["reservationId"])).Select(t => (Guid)t!["id"]!).ToArray();
        if (mistakes.Length > 0)
            await SendAsync(New(Verb.Reverse, row, 0) with { Mistake = Any(mistakes, random) }, random);
    }

    private async Task WrongAsync(Random random)
    {
        var order = New(Verb.Reserve, Any(Rows, random), random.Next(-5, 1)) with { Year = Any(Years, random) };
        var (path, body) = Request(order);
        Assert.Equal(422, (int)(await AnsweredAsync(random.Next(2), path, "treasurer-1", body, order.Mark)).Status);
        var nowhere = $"{Root}/rows/{order.Row}/reservations/{Guid.NewGuid()}/release";
        Assert.Equal(404, (int)(await AnsweredAsync(random.Next(2), nowhere, "treasurer-1", new { }, order.Mark)).Status);
    }

    /// <summary>Sends a command, now and then twice at once, also to the other replica.</summary>
    /// <param name="order">The command.</param>
    /// <param name="random">Decides where it goes.</param>
    /// <param name="isSafe">Whether nothing can stand against it.</param>
    /// <returns>The command with the ids of what it made; null: it was refused.</returns>
    private async Task<Order?> SendAsync(Order order, Random random, bool isSafe = false)
    {
        var (path, body) = Request(order);
        var replicas = Enumerable.Range(0, random.Next(4) == 0 ? 2 : 1).Select(_ => random.Next(2)).ToList();
        var answers = await Task.WhenAll(replicas.Select(r => AnsweredAsync(r, path, Role(order), body, order.Mark)));
        var accepted = answers.Where(a => (int)a.Status is 200 or 201).Select(a => a.Body!.ToJsonString()).ToList();
        foreach (var refused in answers.Where(a => (int)a.Status is not (200 or 201)))
        {
            int[] rules = order.Verb is Verb.Reverse ? [409, 422] : order.Verb is Verb.Reserve or Verb.ChangePlan or Verb.Move ? [422] : [409];
            Assert.True(!isSafe && rules.Contains((int)refused.Status), $"{order}: {(int)refused.Status} {refused.Detail}");
            _refused.Enqueue((order, refused.Detail!));
        }

        if (accepted.Count == 0)
            return null;
        order = Made(order, JsonNode.Parse(Assert.Single(accepted.Distinct()))!);
        _accepted.Enqueue((order, accepted[0]));
        // Without an agreement nothing of it would be paid. Somebody may have taken it back by now.
        if (order.Verb == Verb.Commit)
        {
            var agreement = $"{Root}/grants/{order.Commitment}/agreement";
            await AnsweredAsync(replicas[0], agreement, "coordinator", Agreements.Of(), $"{order.Mark}/a");
        }

        return order;
    }

    // "Come again" is no answer.
    private async Task<Answer> AnsweredAsync(int replica, string path, string role, object body, string key)
    {
        var answer = await Eventually.Is(
            () => _replicas[replica].PostAsync(path, role, body, key), a => (int)a.Status is not (429 or 503) || !a.Headers.Contains("Retry-After"));
        Assert.True((int)answer.Status is 200 or 201 or 404 or 409 or 422, $"{path}: {(int)answer.Status} {answer.Body}");
        return answer;
    }

    private async Task SameAnswerAgainAsync(Random random)
    {
        foreach (var (order, answer) in random.GetItems(_accepted.ToArray(), 30))
        {
            var (path, body) = Request(order);
            var again = await AnsweredAsync(random.Next(2), path, Role(order), body, order.Mark);
            Assert.Equal((answer, true), (again.Body!.ToJsonString(), again.Headers.Contains("Idempotency-Replayed")));
        }
    }

    /// <summary>
    /// Feeds the accepted commands to the model in the order of the
    /// transactions: each is there once, and nothing else is.
    /// </summary>
    private async Task<(LedgerModel Model, List<(Guid Id, bool IsReversed)> Payments)> ReplayAsync()
    {
        var model = new LedgerModel();
        // A move is told on both of its rows.
        var accepted = _accepted.Select(a => a.Order).SelectMany(o => ((string?[])[o.Row, o.ToRow]).OfType<string>(), (o, row) => (Order: o, Told: o.Told(row)))
            .GroupBy(o => o.Told).ToDictionary(g => g.Key, g => new Queue<Order>(g.Select(o => o.Order)));
        var (paid, reversed) = (new List<Guid>(), new HashSet<Guid>());
        foreach (var row in Rows)
        {
            var transactions = await AllAsync($"rows/{row}/transactions?");
            Assert.Equal(Enumerable.Range(1, transactions.Count), transactions.Select(t => (int)t["sequence"]!));
            model.Begin(transactions[0]["data"].Deserialize<RowPlanned>(ContractJson.Options)!);
            // Papers move no money.
            foreach (var t in transactions.Skip(1).Where(t => t["data"]?["postings"] is not null))
            {
                Assert.Equal(0, t["data"]!["postings"]!.AsArray().Sum(p => (long)p!["amount"]!["amount"]!));
                var (id, told) = ((Guid)t["id"]!, Told(t, row));
                Assert.True(accepted.GetValueOrDefault(told) is { Count: > 0 }, $"Nobody was told of {told}.");
                var order = accepted[told].Dequeue();
                model.Do(id, order, row);
                if (order.Verb == Verb.Pay)
                    paid.Add(id);
                if (order.Mistake is { } mistake)
                    reversed.Add(mistake);
            }
        }

        Assert.Empty(accepted.Where(a => a.Value.Count > 0).Select(a => a.Key));
        return (model, [.. paid.Select(id => (id, reversed.Contains(id)))]);
    }

    /// <summary>Rows, the journal, reservations and commitments have what the model has.</summary>
    private async Task HasAsync(LedgerModel model)
    {
        var (rows, journal, parts) = (new List<(Purse, long)>(), new List<(Purse, long)>(), new List<(Purse, long)>());
        foreach (var row in Rows)
        {
            rows.AddRange(Funds(row, (await _replicas[0].GetAsync($"{Root}/rows/{row}")).Body!["funds"]!));
            journal.AddRange(Funds(row, (await _replicas[1].GetAsync($"{Root}/balances?row={row}")).Body!["rows"]![0]!["funds"]!));
            foreach (var reservation in (await AllAsync($"rows/{row}/reservations?")).Select(r => r.Deserialize<Reservation>(ContractJson.Options)!))
            {
                parts.AddRange(Shares(reservation.Id, "reserved", reservation.FiscalYear, reservation.Remaining));
                foreach (var (c, id) in reservation.Commitments.Select(c => (c, c.Id.ToString())))
                    parts.AddRange([.. Shares(id, "committed", reservation.FiscalYear, c.Outstanding), .. Shares(id, "paid", reservation.FiscalYear, c.Paid)]);
            }
        }

        Assert.Equal(Sorted(model.Purses.Where(p => Rows.Contains(p.Purse.Of))), Sorted(rows));
        Assert.Equal(Sorted(rows), Sorted(journal));
        Assert.Equal(Sorted(model.Purses.Where(p => !Rows.Contains(p.Purse.Of))), Sorted(parts));
    }

    private async Task<List<JsonNode>> AllAsync(string list, string? role = null)
    {
        var all = new List<JsonNode>();
        for (var page = 1; ; page++)
        {
            var answer = (await _replicas[page % 2].GetAsync($"{Root}/{list}pageSize=100&page={page}", role)).Body!;
            all.AddRange(answer["items"]!.AsArray().Select(i => i!));
            if (all.Count >= (int)answer["total"]!)
                return all;
        }
    }

    private static IEnumerable<(Purse, long)> Funds(string row, JsonNode funds) => funds.Deserialize<Fund[]>(ContractJson.Options)!.SelectMany(f => new[]
    {
        ("planned", f.Balance.Planned), ("available", f.Balance.Available), ("reserved", f.Balance.Reserved), ("committed", f.Balance.Committed), ("paid", f.Balance.Paid),
    }.Where(a => a.Item2.Amount != 0).Select(a => (new Purse(row, f.FiscalYear, f.Source, a.Item1), a.Item2.Amount)));

    private static IEnumerable<(Purse, long)> Shares(string of, string account, int year, IReadOnlyList<Share> shares) =>
        shares.Select(s => (new Purse(of, year, s.Source, account), s.Amount.Amount));

    private static IEnumerable<string> Sorted(IEnumerable<(Purse, long)> purses) => purses.Select(p => $"{p}").Order(StringComparer.Ordinal);

    private static Order New(Verb verb, string row, long cents) => new(verb, row, cents, Guid.NewGuid().ToString());

    private static Order Next(Order before, Verb verb, long cents) => before with { Verb = verb, Cents = cents, Source = null, Mark = Guid.NewGuid().ToString() };

    private static T Any<T>(IEnumerable<T> all, Random random) => random.GetItems(all.ToArray(), 1)[0];

    // Who promised money does not approve its payment.
    private static string Role(Order order) => order.Verb == Verb.Pay ? "treasurer-2" : "treasurer-1";

    private static (string Path, object Body) Request(Order o)
    {
        var row = $"{Root}/rows/{o.Row}";
        var (reservation, amount) = ($"{row}/reservations/{o.Reservation}", new { amount = o.Cents, currency = "EUR" });
        var source = JsonSerializer.SerializeToNode(o.Source, ContractJson.Options);
        return o.Verb switch
        {
            Verb.ChangePlan => ($"{row}/plan-changes", new { fiscalYear = o.Year, source, amount, reason = o.Mark }),
            Verb.Move => ($"{row}/moves", new { fiscalYear = o.Year, source, amount, reason = o.Mark, toRow = o.ToRow }),
            Verb.Reserve => ($"{row}/reservations", new { fiscalYear = o.Year, source, amount, purpose = o.Mark }),
            Verb.Commit => ($"{reservation}/commitments", new { recipient = o.Mark, amount }),
            Verb.Pay => ($"{reservation}/commitments/{o.Commitment}/payments", new { amount }),
            Verb.Return => ($"{reservation}/commitments/{o.Commitment}/returns", new { amount, reason = o.Mark }),
            Verb.Release => ($"{reservation}/release", new { commitmentId = o.Commitment, amount }),
            _ => ($"{row}/transactions/{o.Mistake}/reversal", new { reason = o.Mark }),
        };
    }

    private static Order Made(Order order, JsonNode answer) => order.Verb switch
    {
        Verb.Reserve => order with { Reservation = (string)answer["id"]! },
        Verb.Commit => order with { Commitment = (string)answer["commitments"]!.AsArray().Single(c => (string?)c!["recipient"] == order.Mark)!["id"]! },
        _ => order,
    };

    // What a transaction says of its command, in the words of Order.Told.
    private static string Told(JsonNode transaction, string row)
    {
        var (type, data) = (((string)transaction["type"]!).Split('.')[2], transaction["data"]!);
        var order = new Order(
            type switch
            {
                "plan-changed" => Verb.ChangePlan,
                "funds-moved" => Verb.Move,
                "funds-reserved" => Verb.Reserve,
                "funds-committed" => Verb.Commit,
                "funds-paid" => Verb.Pay,
                "funds-returned" => Verb.Return,
                "funds-released" => Verb.Release,
                _ => Verb.Reverse,
            },
            row, (long?)data["amount"]?["amount"] ?? 0, "");
        // The reason of a release is its kind.
        var mark = (string?)(order.Verb switch { Verb.Reserve => data["purpose"], Verb.Commit => data["recipient"], _ => data["reason"] });
        return (order with { Mark = mark ?? "", Reservation = (string?)data["reservationId"], Commitment = (string?)data["commitmentId"] }).Told(row);
    }

    private static long Had(string why) =>
        Euro().Match(why) is { Success: true } had ? (long)(decimal.Parse(had.Groups["euro"].Value, CultureInfo.InvariantCulture) * 100) : 0;

    [GeneratedRegex(@"(?<euro>[\d,]+\.\d\d) EUR", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Euro();

    // A caller's own reservation, and what is in it.
    private sealed class Mine
    {
        public Order? Order { get; set; }

        public long Remaining { get; set; }

        public long Outstanding { get; set; }

        public long Paid { get; set; }
    }
}
