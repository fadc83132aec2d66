namespace KkiMesh.Funding;

/// <summary>What the references of a statement's entries say.</summary>
internal static class MatchEntries
{
    /// <summary>The payment that an entry names; null where its reference is none of ours.</summary>
    public static Guid? Named(BankEntry entry) => Guid.TryParseExact(entry.EndToEndId, "N", out var id) ? id : null;

    /// <summary>
    /// Matches what went out to the payments that it names, each once and of the same amount. What came in is left for a person.
    /// </summary>
    /// <param name="entries">The entries.</param>
    /// <param name="payments">The payments that they name and that wait for the bank: neither settled nor reversed.</param>
    public static IReadOnlyList<BankEntry> Match(IReadOnlyList<BankEntry> entries, IEnumerable<Payment> payments)
    {
        var waiting = payments.ToDictionary(p => p.Id);
        return [.. entries.Select(Matched)];

        BankEntry Matched(BankEntry entry) =>
            entry is { IsOutgoing: true, IsReversal: false } && Named(entry) is { } id && waiting.TryGetValue(id, out var payment)
            && payment.Amount == entry.Amount && waiting.Remove(id)
                ? entry with { Status = EntryStatus.Matched, PaymentId = id }
                : entry;
    }
}
