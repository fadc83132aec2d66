using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;

namespace KkiMesh.Funding;

/// <summary>What came to what is available of a fund.</summary>
/// <param name="FiscalYear">The budget year.</param>
/// <param name="Source">The source.</param>
/// <param name="On">The day that it counts for.</param>
/// <param name="Amount">How much.</param>
public sealed record Credit(int FiscalYear, FundingSource Source, DateOnly On, Money Amount)
{
    internal bool IsOf(Fund fund) => FiscalYear == fund.FiscalYear && Source == fund.Source;
}

/// <summary>
/// The days on which money came to a row. What was there on a day is at least what is there now, less what came after
/// it; who takes no more than that for a day of the past leaves no day with less than nothing.
/// </summary>
internal static class Credits
{
    // Of each fund; a row that money comes to every day would else grow with its years.
    private const int MostDays = 12;

    public static IReadOnlyList<Credit> With(this IReadOnlyList<Credit> credits, ITransaction transaction)
    {
        var added = transaction.Postings.Where(p => p.Account == Account.Available && p.Amount.Amount > 0)
            .Select(p => new Credit(p.FiscalYear, p.Source, transaction.BusinessDate, p.Amount)).ToList();
        return added.Count == 0 ? credits :
        [
            .. credits.Concat(added).GroupBy(c => (c.FiscalYear, c.Source)).OrderBy(fund => fund.Key).SelectMany(fund => Within(
                [.. fund.GroupBy(c => c.On).OrderBy(day => day.Key).Select(day => day.First() with { Amount = Money.Eur(day.Sum(c => c.Amount.Amount)) })])),
        ];
    }

    // The opening balance stays on its day. Of the others the oldest is told with the
    // next one: later than it came, never earlier.
    private static List<Credit> Within(List<Credit> days)
    {
        for (; days.Count > MostDays; days.RemoveAt(1))
            days[2] = days[2] with { Amount = days[2].Amount.Plus(days[1].Amount) };
        return days;
    }
}
