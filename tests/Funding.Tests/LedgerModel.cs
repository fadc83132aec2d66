using KkiMesh.Contracts.Funding.V1;

namespace KkiMesh.Funding.Tests;

internal enum Verb
{
    ChangePlan,
    Move,
    Reserve,
    Commit,
    Pay,
    Return,
    Release,
    Reverse,
}

/// <summary>A command of the ledger.</summary>
/// <param name="Verb">What is to be done.</param>
/// <param name="Row">On which row.</param>
/// <param name="Cents">How much; a change of the plan may be negative.</param>
/// <param name="Mark">Its idempotency key, and its words where it has any.</param>
internal sealed record Order(Verb Verb, string Row, long Cents, string Mark)
{
    public int Year { get; init; }

    public FundingSource? Source { get; init; }

    public string? Reservation { get; init; }

    public string? Commitment { get; init; }

    public string? ToRow { get; init; }

    public Guid? Mistake { get; init; }

    /// <summary>From which account to which; null where money does not go from one to the other.</summary>
    public (string From, string To)? Way => Verb switch
    {
        Verb.Reserve => ("available", "reserved"),
        Verb.Commit => ("reserved", "committed"),
        Verb.Pay => ("committed", "paid"),
        Verb.Return => ("paid", "available"),
        Verb.Release => Commitment is null ? ("reserved", "available") : ("committed", "reserved"),
        _ => null,
    };

    /// <summary>
    /// What the transaction on a row tells of it; payments and releases of the same amount are as good as each other.
    /// </summary>
    public string Told(string row) => Verb is Verb.Pay or Verb.Release ? $"{Verb} {Reservation} {Commitment} {Cents}" : $"{Verb} {Mark} on {row}";

    /// <summary>Who has an account: the row, a reservation, or a commitment.</summary>
    public string? PartWith(string account) => account switch
    {
        "reserved" => Reservation,
        "committed" or "paid" => Commitment,
        _ => null,
    };
}

/// <summary>Money of a row, or of a part of it, in a year from one source.</summary>
internal sealed record Purse(string Of, int Year, FundingSource Source, string Account);

/// <summary>
/// The plainest ledger: sums in purses, changed by one command after the other. It
/// knows of no rule but the order of the sources.
/// </summary>
internal sealed class LedgerModel
{
    private static readonly string[] Spread = ["available", "reserved", "committed", "paid"];
    private readonly Dictionary<Purse, long> _has = [];
    private readonly Dictionary<Guid, List<(Purse Purse, long Cents)>> _transactions = [];
    private readonly HashSet<(string Of, int Year, FundingSource? Source, string Account, long Cents)> _had = [];

    /// <summary>All that is not empty.</summary>
    public IEnumerable<(Purse Purse, long Cents)> Purses => _has.Where(p => p.Value != 0).Select(p => (p.Key, p.Value));

    /// <summary>What the printed plan gives.</summary>
    public void Begin(RowPlanned plan) =>
        Take(Guid.Empty, plan.Row, plan.Postings.Where(p => p.Account == "available").SelectMany(p => Planned(plan.Row, p.FiscalYear, p.Source, p.Amount.Amount)));

    /// <summary>
    /// Carries a command out on a row; afterwards planned = available + reserved +
    /// committed + paid, and nothing is below zero.
    /// </summary>
    public void Do(Guid transaction, Order order, string row)
    {
        Take(transaction, row, order.Verb switch
        {
            Verb.ChangePlan => Planned(row, order.Year, order.Source!.Value, order.Cents),
            Verb.Move => Planned(row, order.Year, order.Source!.Value, row == order.Row ? -order.Cents : order.Cents),
            Verb.Reverse => _transactions[order.Mistake!.Value].Select(m => (m.Purse, -m.Cents)),
            _ => Draw(order).SelectMany(share => Moved(order, share.Source, share.Cents)),
        });
    }

    /// <summary>Whether there was a moment at which there was just so much of what a command asked for.</summary>
    public bool EverHad(Order order, long cents)
    {
        var from = order.Way?.From ?? "available";
        var of = order.PartWith(from) ?? order.Row;
        return _had.Contains((of, order.Year, of == order.Row ? order.Source : null, from, cents)) || (cents == 0 && from is "available" or "paid");
    }

    private static (Purse Purse, long Cents)[] Planned(string row, int year, FundingSource source, long cents) =>
        [(new Purse(row, year, source, "planned"), cents), (new Purse(row, year, source, "available"), cents)];

    private static IEnumerable<(Purse Purse, long Cents)> Moved(Order order, FundingSource source, long cents)
    {
        var (from, to) = order.Way!.Value;
        foreach (var (account, change) in new[] { (from, -cents), (to, cents) })
        {
            yield return (new Purse(order.Row, order.Year, source, account), change);
            if (order.PartWith(account) is { } part)
                yield return (new Purse(part, order.Year, source, account), change);
        }
    }

    private List<(FundingSource Source, long Cents)> Draw(Order order)
    {
        var (from, drawn, left) = (order.Way!.Value.From, new List<(FundingSource, long)>(), order.Cents);
        var of = order.PartWith(from) ?? order.Row;
        foreach (var (purse, cents) in Purses.Where(p => p.Purse.Of == of && p.Purse.Year == order.Year && p.Purse.Account == from).OrderBy(p => p.Purse.Source))
        {
            if (order.Source is { } only && only != purse.Source)
                continue;
            var part = Math.Min(left, cents);
            if (part > 0)
                drawn.Add((purse.Source, part));
            left -= part;
        }

        Assert.Equal(0, left);
        return drawn;
    }

    private void Take(Guid transaction, string row, IEnumerable<(Purse Purse, long Cents)> changes)
    {
        var moved = _transactions[transaction] = [.. changes];
        foreach (var (purse, cents) in moved)
            Assert.True((_has[purse] = _has.GetValueOrDefault(purse) + cents) >= 0, $"{purse}");
        foreach (var (purse, _) in moved)
        {
            if (purse.Of == row)
                Assert.Equal(Has(row, purse.Year, purse.Source, "planned"), Spread.Sum(a => Has(row, purse.Year, purse.Source, a)));
            _had.Add((purse.Of, purse.Year, purse.Source, purse.Account, Has(purse.Of, purse.Year, purse.Source, purse.Account)));
            _had.Add((purse.Of, purse.Year, null, purse.Account, Enum.GetValues<FundingSource>().Sum(s => Has(purse.Of, purse.Year, s, purse.Account))));
        }
    }

    private long Has(string of, int year, FundingSource source, string account) => _has.GetValueOrDefault(new Purse(of, year, source, account));
}
