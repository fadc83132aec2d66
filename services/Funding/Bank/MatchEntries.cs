namespace KkiMesh.Funding;

/// <summary>What the references of a statement's entries say.</summary>
internal static class MatchEntries
{
    /// <summary>The payment that an entry names; null where its reference is none of ours.</summary>
    public static Guid? Named(BankEntry entry) => Guid.TryParseExact(entry.EndToEndId, "N", out var id) ? id : null;

    /// <summary>The call that what came in names; null where its reference is none of a call.</summary>
    public static (int Year, string Municipality)? Called(BankEntry entry) =>
        entry is { IsOutgoing: false, IsReversal: false, Reference: { } text } && SiReference.Parse(text) is { } reference ? ContributionReference.Read(reference) : null;

    /// <summary>
    /// Matches what went out to the payments that it names, each once and of the same amount, and what came in, of any amount, to the
    /// contributions that were called with its reference. The rest is left for a person.
    /// </summary>
    /// <param name="entries">The entries.</param>
    /// <param name="payments">The payments that they name and that wait for the bank: neither settled nor reversed.</param>
    /// <param name="contributions">The contributions that they name.</param>
    public static IReadOnlyList<BankEntry> Match(IReadOnlyList<BankEntry> entries, IEnumerable<Payment> payments, IReadOnlyList<Contribution> contributions)
    {
        var waiting = payments.ToDictionary(p => p.Id);
        return [.. entries.Select(e => e.IsOutgoing ? Matched(e) : Received(e))];

        BankEntry Received(BankEntry entry) =>
            Called(entry) is { } called && contributions.Any(c => (c.Year, c.Municipality) == called && c.References.Contains(SiReference.Parse(entry.Reference!)!.ToString()))
                ? entry with { Status = EntryStatus.Matched, Year = called.Year, Municipality = called.Municipality }
                : entry;

        BankEntry Matched(BankEntry entry) =>
            entry is { IsOutgoing: true, IsReversal: false } && Named(entry) is { } id && waiting.TryGetValue(id, out var payment)
            && payment.Amount == entry.Amount && waiting.Remove(id)
                ? entry with { Status = EntryStatus.Matched, PaymentId = id }
                : entry;
    }
}
