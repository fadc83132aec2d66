using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>An amount of a memo line that became known.</summary>
/// <param name="Year">The year.</param>
/// <param name="Amount">How much.</param>
/// <param name="Note">What it is.</param>
/// <param name="Source">Where it is known from.</param>
/// <param name="RecordedOn">The day that it was recorded.</param>
public sealed record MemoAmount(int Year, Money Amount, string Note, string Source, DateOnly RecordedOn);

/// <summary>
/// Money that the printed total of the financial frame leaves out, by its own words (policy, chapter 8). It stands
/// beside the ledger: no total has it, and where no amount is known, none is stated.
/// </summary>
/// <param name="Id">Its name in addresses; the stream has a longer key.</param>
/// <param name="Line">Its name in addresses.</param>
/// <param name="Sl">What it is for, as printed.</param>
/// <param name="En">The same in English.</param>
/// <param name="Where">Where the policy says so.</param>
/// <param name="Amounts">What became known, by year; empty where the amount is not stated.</param>
/// <param name="Head">The hash of its newest event, over that one and all before it.</param>
public sealed record MemoLine(string Id, string Line, string Sl, string En, string Where, IReadOnlyList<MemoAmount> Amounts, string? Head = null)
    : IAggregate<MemoLine>, IAddressed, IChained
{
    /// <inheritdoc />
    string IAddressed.AddressId => Line;

    /// <inheritdoc />
    public IChained WithHead(string head) => this with { Head = head };

    private const int FirstYear = 2020;
    private const int LastYear = 2100;
    private const long LargestAmount = 100_000_000_000;

    /// <summary>The key of its stream.</summary>
    public static string Stream(string line) => $"{LedgerStreams.MemoLines}/{line}";

    /// <inheritdoc />
    public static MemoLine? Apply(MemoLine? state, string id, object e) => (state, e) switch
    {
        (null, MemoLineListed l) => new MemoLine(id, l.Line, l.Sl, l.En, l.Where, []),
        ({ }, MemoAmountRecorded r) => state with
        {
            Amounts = [.. state.Amounts.Where(a => a.Year != r.Year).Append(new MemoAmount(r.Year, r.Amount, r.Note, r.Source, r.BusinessDate)).OrderBy(a => a.Year)],
        },
        _ => state,
    };

    /// <summary>Records what became known of a year; it takes the place of what was known before.</summary>
    public Decision Record(int year, Money amount, string note, string source, DateOnly today) =>
        year is < FirstYear or > LastYear ? Refusal.Invalid("year", $"A year is {FirstYear} to {LastYear}.")
        : amount.Currency != "EUR" || amount.Amount is < 0 or > LargestAmount
            ? Refusal.Invalid("amount", $"An amount is zero or more, at most {PlanRow.Text(Money.Eur(LargestAmount))}.")
        : [new MemoAmountRecorded(Line, year, amount, note, source, today)];
}
