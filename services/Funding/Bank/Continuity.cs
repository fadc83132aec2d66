using System.Globalization;

namespace KkiMesh.Funding;

/// <summary>Whether a statement goes on where the account's last one ended.</summary>
internal static class Continuity
{
    /// <summary>Why it does not, in a sentence; null where it does, or there is none before it.</summary>
    /// <param name="file">The statement.</param>
    /// <param name="before">The account's statements of the last day before it: a bank may have sent several.</param>
    public static string? Warning(StatementFile file, IReadOnlyList<Closed> before) =>
        before is not [var last, ..] ? null
        : !before.Any(b => b.Closing == file.Opening)
            ? $"It opens with {PlanRow.Text(file.Opening)}, "
                + $"and the statement of {last.On:yyyy-MM-dd} closed with {PlanRow.Text(last.Closing)}."
        : !before.Any(b => Follows(b, file))
            ? $"The days between {last.On:yyyy-MM-dd} and {file.OpenedOn:yyyy-MM-dd} are in no statement."
        : null;

    private static bool Follows(Closed before, StatementFile file) =>
        IsNext(before.Sequence, file.Sequence) || !HasWorkday(before.On.AddDays(1), file.OpenedOn);

    // The bank itself says that none is missing.
    private static bool IsNext(string? before, string? number) =>
        long.TryParse(before, NumberStyles.None, CultureInfo.InvariantCulture, out var last)
        && long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var next)
        && next == last + 1;

    // Banks send no statements of weekends. A week has a workday, so that no more days are looked at.
    private static bool HasWorkday(DateOnly from, DateOnly before) =>
        Enumerable.Range(0, Math.Clamp(before.DayNumber - from.DayNumber, 0, 7))
            .Any(day => from.AddDays(day).DayOfWeek is not (DayOfWeek.Saturday or DayOfWeek.Sunday));

    /// <summary>How a statement ended.</summary>
    /// <param name="On">The day of the balance after.</param>
    /// <param name="Closing">The balance after.</param>
    /// <param name="Sequence">The bank's number for it; null where it has none.</param>
    internal sealed record Closed(DateOnly On, Contracts.Money Closing, string? Sequence);
}
