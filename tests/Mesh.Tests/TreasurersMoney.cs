using System.Net;
using System.Text.Json.Nodes;
using KkiMesh.TestKit;

namespace KkiMesh.Mesh.Tests;

/// <summary>
/// A treasurer's own money while things are killed: what was accepted is written down
/// here, and compared with the ledger in the end.
/// </summary>
internal sealed class TreasurersMoney(WholeMesh mesh, Client client, Random random)
{
    private const string Row = "/gorenjska/funding/rows/U6-P3b";
    private const int Year = 2023;
    private const string Treasurer = "treasurer";
    private const string Approver = "member-4";

    private readonly Dictionary<string, List<string>> _accepted = [];
    private readonly Dictionary<string, long> _moved = new() { ["available"] = 0, ["reserved"] = 0, ["committed"] = 0, ["paid"] = 0 };
    private Dictionary<string, long> _before = [];
    private int _transactionsBefore;

    /// <summary>How many commands were accepted.</summary>
    public int Accepted => _accepted.Values.Sum(a => a.Count);

    /// <summary>Lets a second treasurer approve payments, and sees what the row has before.</summary>
    public async Task BeginAsync()
    {
        var granted = await client.PostAsync("/gorenjska/identity/grants", "operator", new { email = $"{Approver}@example.org", role = "treasurer" });
        Assert.Equal(HttpStatusCode.Created, granted.Status);
        mesh.Tokens.Renew(Approver);
        foreach (var who in (string[])[Treasurer, Approver])
            await mesh.Tokens.ForAsync(who);
        _before = await client.BalanceAsync("U6-P3b", Year);
        _transactionsBefore = (int)(await client.GetAsync($"{Row}/transactions")).Body!["total"]!;
    }

    /// <summary>
    /// One reservation after the other: promised, paid in parts, and what is left given back to the row.
    /// </summary>
    public async Task SpendAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var (cents, promised) = (random.Next(25, 40), random.Next(10, 20));
            var reserved = await SendAsync(
                $"{Row}/reservations", Treasurer, new { fiscalYear = Year, amount = Eur(cents), purpose = "Tisk" }, HttpStatusCode.Created);
            var id = (string)reserved["id"]!;
            Took(id, "funds-reserved", cents, "available", "reserved");
            var reservation = $"{Row}/reservations/{id}";
            var committed = await SendAsync($"{reservation}/commitments", Treasurer, new { recipient = "Ana", amount = Eur(promised) });
            var commitment = (string)Assert.Single(committed["commitments"]!.AsArray())!["id"]!;
            Took(id, "funds-committed", promised, "reserved", "committed");
            await SendAsync($"/gorenjska/funding/grants/{commitment}/agreement", Treasurer, Agreements.Of());
            foreach (var part in (int[])[random.Next(1, 4), random.Next(1, 4)])
            {
                await SendAsync($"{reservation}/commitments/{commitment}/payments", Approver, new { amount = Eur(part) });
                Took(id, "funds-paid", part, "committed", "paid");
            }

            await SendAsync($"{reservation}/commitments/{commitment}/returns", Treasurer, new { amount = Eur(2), reason = "Ni porabljeno" });
            Took(id, "funds-returned", 2, "paid", "available");
            await SendAsync($"{reservation}/release", Treasurer, new { commitmentId = commitment, amount = Eur(3) });
            Took(id, "funds-released", 3, "committed", "reserved");
            await SendAsync($"{reservation}/release", Treasurer, new { amount = Eur(5) });
            Took(id, "funds-released", 5, "reserved", "available");
            // It is not its number that counts; what is killed starts sooner beside a light load.
            await Task.Delay(200, CancellationToken.None);
        }
    }

    /// <summary>
    /// Each accepted command is a transaction once, in its order; balances are what
    /// they give; and the ledger is as it was recorded.
    /// </summary>
    public async Task CheckAsync()
    {
        // Papers move no money.
        var transactions = (await TransactionsAsync()).Where(t => t["data"]?["postings"] is not null).ToList();
        Assert.Equal(Accepted, transactions.Count);
        foreach (var (reservation, accepted) in _accepted)
        {
            Assert.Equal(accepted, transactions.Where(t => (string?)t["data"]!["reservationId"] == reservation)
                .Select(t => Line(((string)t["type"]!).Split('.')[2], (long)t["data"]!["amount"]!["amount"]!)));
        }

        var after = await client.BalanceAsync("U6-P3b", Year);
        Assert.Equal(_before["planned"], after["planned"]);
        Assert.All(_moved, account => Assert.Equal(_before[account.Key] + account.Value, after[account.Key]));
        var verified = await VerifyAsync();
        Assert.True((bool)verified["isIntact"]!, verified.ToJsonString());
    }

    private void Took(string reservation, string what, long cents, string from, string to)
    {
        if (!_accepted.TryGetValue(reservation, out var accepted))
            _accepted[reservation] = accepted = [];
        accepted.Add(Line(what, cents));
        (_moved[from], _moved[to]) = (_moved[from] - cents, _moved[to] + cents);
    }

    // Often twice at once, as by a client that was not patient: both get the one answer.
    private async Task<JsonNode> SendAsync(string path, string role, object body, HttpStatusCode accepted = HttpStatusCode.OK)
    {
        var key = Guid.NewGuid().ToString();
        var answers = await Task.WhenAll(Enumerable.Range(0, random.Next(1, 3)).Select(_ => client.UntilAnswered(path, role, body, key)));
        Assert.All(answers, a => Assert.True(a.Status == accepted, $"{path}: {(int)a.Status} {a.Detail}"));
        return Assert.Single(answers.Select(a => a.Body!.ToJsonString()).Distinct().Select(text => JsonNode.Parse(text)!));
    }

    private async Task<List<JsonNode>> TransactionsAsync()
    {
        var transactions = new List<JsonNode>();
        for (var page = 1; ; page++)
        {
            var items = (await client.GetAsync($"{Row}/transactions?pageSize=100&page={page}")).Body!["items"]!.AsArray();
            if (items.Count == 0)
                return transactions[_transactionsBefore..];
            transactions.AddRange(items.Select(t => t!));
        }
    }

    // A line of JSON after each stream; the last one is the result.
    private async Task<JsonNode> VerifyAsync()
    {
        using var http = new HttpClient { BaseAddress = mesh.Run.Gateway };
        http.DefaultRequestHeaders.Authorization = new("Bearer", await mesh.Tokens.ForAsync(Treasurer));
        var lines = await http.GetStringAsync("/gorenjska/funding/verification");
        return JsonNode.Parse(lines.TrimEnd().Split('\n')[^1])!;
    }

    private static string Line(string what, long cents) => $"{what} {cents}";

    private static object Eur(long cents) => new { amount = cents, currency = "EUR" };
}
