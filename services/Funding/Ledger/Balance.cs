using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;

namespace KkiMesh.Funding;

/// <summary>The money of a row in a year. Planned = available + reserved + committed + paid, always.</summary>
/// <param name="Planned">What the plan gives.</param>
/// <param name="Available">What nobody has asked for yet.</param>
/// <param name="Reserved">Set aside.</param>
/// <param name="Committed">Promised to somebody.</param>
/// <param name="Paid">Paid.</param>
public sealed record Balance(Money Planned, Money Available, Money Reserved, Money Committed, Money Paid)
{
    internal static readonly Balance Zero = new(Money.Eur(0), Money.Eur(0), Money.Eur(0), Money.Eur(0), Money.Eur(0));

    /// <summary>Account by account.</summary>
    public static Balance operator +(Balance a, Balance b) => new(
        a.Planned.Plus(b.Planned), a.Available.Plus(b.Available), a.Reserved.Plus(b.Reserved), a.Committed.Plus(b.Committed), a.Paid.Plus(b.Paid));

    internal Balance Post(Posting posting) => posting.Account switch
    {
        // The plan is where money comes from: its account is credited, so what is planned is its negative balance.
        Account.Planned => this with { Planned = Money.Eur(checked(Planned.Amount - posting.Amount.Amount)) },
        Account.Available => this with { Available = Available.Plus(posting.Amount) },
        Account.Reserved => this with { Reserved = Reserved.Plus(posting.Amount) },
        Account.Committed => this with { Committed = Committed.Plus(posting.Amount) },
        Account.Paid => this with { Paid = Paid.Plus(posting.Amount) },
        _ => throw new InvalidOperationException($"There is no account {posting.Account}."),
    };
}

/// <summary>The money of a row in a year from one source.</summary>
/// <param name="FiscalYear">The budget year.</param>
/// <param name="Source">Where it comes from.</param>
/// <param name="Balance">What has become of it.</param>
public sealed record Fund(int FiscalYear, FundingSource Source, Balance Balance);

/// <summary>An amount from one source.</summary>
/// <param name="Source">Where it comes from.</param>
/// <param name="Amount">How much.</param>
public sealed record Share(FundingSource Source, Money Amount);

/// <summary>Amounts by source, in the order of the sources; none is zero.</summary>
internal static class Shares
{
    public static long Sum(this IEnumerable<Share> shares) => shares.Sum(s => s.Amount.Amount);

    /// <summary>What an account has after postings.</summary>
    public static IReadOnlyList<Share> Post(this IEnumerable<Share> shares, IEnumerable<Posting> postings, string account) =>
    [
        .. shares.Concat(postings.Where(p => p.Account == account).Select(p => new Share(p.Source, p.Amount)))
            .GroupBy(s => s.Source).OrderBy(g => g.Key).Select(g => new Share(g.Key, Money.Eur(g.Sum()))).Where(s => s.Amount.Amount != 0),
    ];

    /// <summary>
    /// Draws an amount: all of the first source, then of the next, as far as needed. What is asked for must be there.
    /// </summary>
    public static IReadOnlyList<Share> Take(this IReadOnlyList<Share> shares, long cents)
    {
        var taken = new List<Share>();
        foreach (var share in shares.Where(s => s.Amount.Amount > 0).OrderBy(s => s.Source))
        {
            var part = Math.Min(cents, share.Amount.Amount);
            if (part > 0)
                taken.Add(share with { Amount = Money.Eur(part) });
            cents -= part;
        }

        return cents == 0 ? taken : throw new InvalidOperationException($"{cents} cents more were asked for than there are.");
    }
}

/// <summary>The accounts of a row, each kept for each year and source.</summary>
internal static class Account
{
    public const string Planned = "planned";
    public const string Available = "available";
    public const string Reserved = "reserved";
    public const string Committed = "committed";
    public const string Paid = "paid";

    /// <summary>A double entry: what one account gives, the other takes, source by source.</summary>
    public static IReadOnlyList<Posting> Transfer(string from, string to, int year, IEnumerable<Share> shares) =>
    [
        .. shares.Where(s => s.Amount.Amount != 0).SelectMany(s => (Posting[])
        [
            new Posting(from, year, s.Source, Money.Eur(-s.Amount.Amount)),
            new Posting(to, year, s.Source, s.Amount),
        ]),
    ];
}
