using System.Globalization;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>A row of the action plan and its money: the unit that is kept balanced. Its reservations are parts of it.</summary>
/// <param name="Id">The row's id, e.g. U3-P4.</param>
/// <param name="Measure">The number of its measure.</param>
/// <param name="Code">Its code, as printed: not unique.</param>
/// <param name="Title">Its title, as printed.</param>
/// <param name="Holder">Who carries it out, as printed.</param>
/// <param name="Source">Where its money comes from, as printed; null where nothing is printed.</param>
/// <param name="Years">What the plan says of each year: an amount, a tick or unknown.</param>
/// <param name="Funds">The money, by year and source; only years with an amount have any.</param>
/// <param name="Head">The hash of its newest transaction, over that one and all before it.</param>
public sealed record PlanRow(
    string Id, int Measure, string Code, string Title, string Holder, string? Source, IReadOnlyList<PlannedYear> Years, IReadOnlyList<Fund> Funds, string? Head = null)
    : IAggregate<PlanRow>, IChained
{
    /// <summary>The money, by year.</summary>
    public IReadOnlyDictionary<int, Balance> Balances =>
        Funds.GroupBy(f => f.FiscalYear).ToDictionary(year => year.Key, year => year.Aggregate(Balance.Zero, (sum, f) => sum + f.Balance));

    /// <inheritdoc />
    public static PlanRow? Apply(PlanRow? state, string id, object e) => (state, e) switch
    {
        (null, RowPlanned p) => new PlanRow(id, p.Measure, p.Code, p.Title, p.Holder, p.Source, p.Years, []).Post(p.Postings),
        ({ }, ITransaction t) => state.Post(t.Postings),
        _ => state,
    };

    /// <inheritdoc />
    public IChained WithHead(string head) => this with { Head = head };

    /// <summary>Sets money aside for a challenge, or says why not. Asked once more it changes nothing.</summary>
    public Decision Reserve(Reservation? known, ChallengeId challenge, int year, Money amount, DateOnly date) =>
        known is not null ? []
        : WhyNot(year, amount, null) is { } reason ? [new FundsRefused(challenge, Id, year, amount, reason)]
        : [Reserved(new ReservationId(challenge.Value), year, amount, null, date) with { ChallengeId = challenge }];

    /// <summary>Sets money aside for a purpose.</summary>
    /// <param name="id">The new reservation.</param>
    /// <param name="year">The budget year.</param>
    /// <param name="amount">How much.</param>
    /// <param name="source">From which source; null: from all that the row has, in their order.</param>
    /// <param name="purpose">What it is for.</param>
    /// <param name="expiresOn">The last day on which it can be committed; null: it does not lapse.</param>
    /// <param name="date">The day that it counts for.</param>
    public Decision Reserve(ReservationId id, int year, Money amount, FundingSource? source, string purpose, DateOnly? expiresOn, DateOnly date) =>
        expiresOn < date ? Refusal.Invalid("expiresOn", "A reservation does not expire before the day that it counts for.")
        : WhyNot(year, amount, source) is { } reason ? Refusal.Invalid("amount", reason)
        : [Reserved(id, year, amount, source, date) with { Purpose = purpose, ExpiresOn = expiresOn }];

    /// <summary>What nobody has asked for yet in a year, by source.</summary>
    internal IReadOnlyList<Share> Available(int year, FundingSource? source = null) =>
        [.. Funds.Where(f => f.FiscalYear == year && (source is null || f.Source == source)).Select(f => new Share(f.Source, f.Balance.Available))];

    internal static string Text(Money money) => string.Create(CultureInfo.InvariantCulture, $"{money.Amount / 100m:N2} {money.Currency}");

    private FundsReserved Reserved(ReservationId id, int year, Money amount, FundingSource? source, DateOnly date) => new(
        id, Id, year, amount, Account.Transfer(Account.Available, Account.Reserved, year, Available(year, source).Take(amount.Amount)), date);

    private string? WhyNot(int year, Money amount, FundingSource? source)
    {
        if (amount.Currency != "EUR" || amount.Amount < 1)
            return "A reservation is more than zero, in EUR.";
        var planned = Years.FirstOrDefault(y => y.FiscalYear == year);
        if (planned?.Amount is null)
            return planned?.State switch
            {
                PlannedState.Tick => $"The row {Id} is carried by regular funds in {year}; the plan gives it no amount.",
                PlannedState.Unknown => $"The amount of the row {Id} for {year} is not known.",
                _ => $"The plan says nothing of the row {Id} for {year}.",
            };
        var available = Money.Eur(Available(year, source).Sum());
        return amount.Amount > available.Amount
            ? $"The row {Id} has {Text(available)} available for {year}; {Text(amount)} was asked for."
            : null;
    }

    private PlanRow Post(IReadOnlyList<Posting> postings)
    {
        if (postings.GroupBy(p => (p.FiscalYear, p.Source)).Any(fund => fund.Sum(p => p.Amount.Amount) != 0))
            throw new InvalidOperationException($"The postings on row {Id} do not sum to zero.");
        var funds = Funds.ToDictionary(f => (f.FiscalYear, f.Source), f => f.Balance);
        foreach (var posting in postings)
            funds[(posting.FiscalYear, posting.Source)] = funds.GetValueOrDefault((posting.FiscalYear, posting.Source), Balance.Zero).Post(posting);
        return this with { Funds = [.. funds.OrderBy(f => f.Key).Select(f => new Fund(f.Key.FiscalYear, f.Key.Source, f.Value))] };
    }
}
