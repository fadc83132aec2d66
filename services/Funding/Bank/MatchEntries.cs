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
    /// Matches what went out to the payments that it names, each once and of the same amount, and what
    /// came in, of any amount, to the contributions that were called with its reference, each
    /// transaction of the bank once. The rest is left for a person.
    /// </summary>
    /// <param name="entries">The entries.</param>
    /// <param name="payments">The payments that they name and that wait for the
    /// bank: neither settled nor reversed.</param>
    /// <param name="contributions">The contributions that they name.</param>
    /// <param name="booked">The transactions of the bank among them that are booked already.</param>
    public static IReadOnlyList<BankEntry> Match(
        IReadOnlyList<BankEntry> entries, IEnumerable<Payment> payments, IReadOnlyList<Contribution> contributions, IEnumerable<string> booked)
    {
        var waiting = payments.ToDictionary(p => p.Id);
        var taken = booked.ToHashSet();
        return [.. entries.Select(e => e.IsOutgoing ? Matched(e) : Received(e))];

        BankEntry Received(BankEntry entry) =>
            Called(entry) is { } called && contributions.Any(c => (c.Year, c.Municipality) == called && c.References.Contains(SiReference.Parse(entry.Reference!)!.ToString()))
                ? Once(entry with { Status = EntryStatus.Matched, Year = called.Year, Municipality = called.Municipality }, entry)
                : entry;

        BankEntry Once(BankEntry received, BankEntry entry) =>
            taken.Add(entry.BankTransaction!) ? received : entry with { Reason = BankStatement.IsBooked(entry.BankTransaction!) };

        BankEntry Matched(BankEntry entry) =>
            entry is { IsOutgoing: true, IsReversal: false } && Named(entry) is { } id && waiting.TryGetValue(id, out var payment)
            && payment.Amount == entry.Amount && waiting.Remove(id)
                ? entry with { Status = EntryStatus.Matched, PaymentId = id }
                : entry;
    }
}
