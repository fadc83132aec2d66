using System.Globalization;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>What is known of an entry.</summary>
public enum EntryStatus
{
    /// <summary>It waits for a person.</summary>
    Open,

    /// <summary>Its reference names a payment of this amount, or a call for a contribution.</summary>
    Matched,

    /// <summary>A person has said which payment, or whose contribution, it is.</summary>
    Assigned,

    /// <summary>A person has said that it is no business of the ledger's.</summary>
    NotOurs,

    /// <summary>It moves no money: it is not booked, or of 0.00. It is only shown.</summary>
    Notice,
}

/// <summary>A booking on an account.</summary>
/// <param name="Number">Its number in the statement, from 1.</param>
/// <param name="BookedOn">The day that the bank booked it, or announced it for.</param>
/// <param name="Amount">How much; zero only in a notice.</param>
/// <param name="IsOutgoing">Whether the account was debited.</param>
/// <param name="IsReversal">Whether the bank took an earlier booking back by it.</param>
/// <param name="EndToEndId">The payer's reference for a payment; null where there is none.</param>
/// <param name="Reference">The creditor's structured reference; null where there is none.</param>
/// <param name="Counterparty">Who paid or was paid, for a person who assigns it; null where it is not told.</param>
/// <param name="Text">What for, in words; null where it is not told.</param>
/// <param name="Status">What is known of it.</param>
/// <param name="PaymentId">The payment that it settles; null: none.</param>
/// <param name="Reason">Why it is not ours, or waits though its reference is
/// known; null where there is nothing to say.</param>
/// <param name="Year">The year of the contribution that it is; null: none.</param>
/// <param name="Municipality">The municipality whose contribution it is; null: none.</param>
/// <param name="BankTransaction">What it is booked under, once: the bank's own reference; a
/// part of a booking has it with # and its number.</param>
/// <param name="BankStatus">The bank's word where it is not booked: PDNG, INFO or FUTR; null where it is.</param>
public sealed record BankEntry(
    int Number,
    DateOnly BookedOn,
    Money Amount,
    bool IsOutgoing,
    bool IsReversal,
    string? EndToEndId,
    string? Reference,
    string? Counterparty,
    string? Text,
    EntryStatus Status = EntryStatus.Open,
    Guid? PaymentId = null,
    string? Reason = null,
    int? Year = null,
    string? Municipality = null,
    string? BankTransaction = null,
    string? BankStatus = null);

/// <summary>A statement was taken in, with what its references say, and a warning if need be; private.</summary>
public sealed record StatementImported(
    string Iban,
    string StatementId,
    string? Sequence,
    Money Opening,
    Money Closing,
    IReadOnlyList<BankEntry> Entries,
    DateOnly ImportedOn,
    DateOnly? ClosedOn = null,
    string? Warning = null)
{
    /// <summary>The day of the balance after; that of the last entry where it was not stored.</summary>
    internal DateOnly LastDay => ClosedOn ?? (Entries.Count > 0 ? Entries.Max(e => e.BookedOn) : ImportedOn);
}

/// <summary>A person has said what an entry is; private.</summary>
/// <param name="Number">The entry.</param>
/// <param name="BookedOn">The day that the bank booked it.</param>
/// <param name="PaymentId">The payment; null: it is not ours.</param>
/// <param name="Reason">Why it is not ours.</param>
/// <param name="Freed">The payment that it was taken for before; null: none.</param>
/// <param name="Year">The year of the contribution that it is; null: none.</param>
/// <param name="Municipality">The municipality whose contribution it is; null: none.</param>
public sealed record EntryAssigned(
    int Number, DateOnly BookedOn, Guid? PaymentId, string? Reason, Guid? Freed, int? Year = null, string? Municipality = null);

/// <summary>An entry that was booked as a receipt is none, or none any more; private.</summary>
/// <param name="Number">The entry.</param>
/// <param name="Reason">Why, in a sentence.</param>
public sealed record EntryReopened(int Number, string Reason);

/// <summary>A person has said why a statement does not go on where the last one ended; private.</summary>
/// <param name="Reason">Why, in a sentence.</param>
public sealed record StatementExplained(string Reason);

/// <summary>A statement of one of the region's accounts (ISO 20022, camt.053).</summary>
/// <param name="Id">Its name in addresses, made of account, statement, sequence and year: the same statement is
/// taken once. The stream has a longer key.</param>
/// <param name="Iban">The account.</param>
/// <param name="StatementId">The bank's name for it.</param>
/// <param name="Sequence">The bank's number for it; null where it has none.</param>
/// <param name="Opening">The balance before; below zero where the account is overdrawn.</param>
/// <param name="Closing">The balance after.</param>
/// <param name="ImportedOn">The day that it was taken in.</param>
/// <param name="Open">How many entries wait for a person.</param>
/// <param name="Entries">Its bookings; empty in lists.</param>
/// <param name="Head">The hash of its newest event, over that one and all before it.</param>
/// <param name="Warning">Why a person should look at it: it does not go on where the last one ended, or has entries of
/// days outside its own; null: nothing.</param>
/// <param name="Explanation">What a person says to the warning; null: nothing yet.</param>
public sealed record BankStatement(
    string Id,
    string Iban,
    string StatementId,
    string? Sequence,
    Money Opening,
    Money Closing,
    DateOnly ImportedOn,
    int Open,
    IReadOnlyList<BankEntry> Entries,
    string? Head = null,
    string? Warning = null,
    string? Explanation = null) : IAggregate<BankStatement>, IAddressed, IChained
{
    /// <inheritdoc />
    string IAddressed.AddressId => Key;

    /// <summary>The day of the balance after.</summary>
    public DateOnly ClosedOn { get; init; }

    private const string Prefix = LedgerStreams.BankStatements + "/";

    /// <inheritdoc />
    public IChained WithHead(string head) => this with { Head = head };

    /// <summary>What names it in addresses.</summary>
    public string Key => Id[Prefix.Length..];

    /// <summary>The stream of a key.</summary>
    public static string Of(string key) => Prefix + key;

    /// <inheritdoc />
    public static BankStatement? Apply(BankStatement? state, string id, object e) => (state, e) switch
    {
        (null, StatementImported i) => Of(id, i).Counted(),
        ({ }, EntryAssigned a) => state.With(a.Number, x => x with
        {
            Status = a is { PaymentId: null, Municipality: null } ? EntryStatus.NotOurs : EntryStatus.Assigned,
            PaymentId = a.PaymentId,
            Reason = a.Reason,
            Year = a.Year,
            Municipality = a.Municipality,
        }),
        ({ }, EntryReopened o) => state.With(o.Number, x => x with { Status = EntryStatus.Open, Reason = o.Reason, Year = null, Municipality = null }),
        ({ }, StatementExplained x) => state with { Explanation = x.Reason },
        _ => state,
    };

    /// <summary>Says why it does not go on where the last one ended.</summary>
    public Decision Explain(string reason) =>
        Warning is null
            ? Refusal.Conflict("This statement goes on where the last one ended: there is nothing to explain.")
        : Explanation == reason ? []
        : [new StatementExplained(reason)];

    private static BankStatement Of(string id, StatementImported i) =>
        new(
            id, i.Iban, i.StatementId, i.Sequence, i.Opening, i.Closing, i.ImportedOn, Open: 0, i.Entries, Head: null,
            i.Warning)
        {
            ClosedOn = i.LastDay,
        };

    /// <summary>Says which payment an entry settled.</summary>
    /// <param name="number">The entry.</param>
    /// <param name="payment">The payment; null where there is none of this id.</param>
    /// <param name="isSettled">Whether the payment is settled already, by whatever entry.</param>
    public Decision Assign(int number, Payment? payment, bool isSettled) =>
        Find(number) is not { } entry ? NoEntry(number)
        : WhyFixed(entry) is { } isFixed ? isFixed
        : payment is null ? Refusal.Invalid("paymentId", "The ledger has no such payment.")
        : entry.PaymentId == payment.Id ? []
        : !entry.IsOutgoing || entry.IsReversal ? Refusal.Conflict("Only what went out can settle a payment.")
        : payment.Amount != entry.Amount
            ? Refusal.Invalid("paymentId", $"The payment is {PlanRow.Text(payment.Amount)}, the entry {PlanRow.Text(entry.Amount)}.")
        : isSettled ? Refusal.Conflict("This payment is settled by another entry.")
        : payment.IsReversed ? Refusal.Conflict("This payment was reversed in the ledger.")
        : [new EntryAssigned(number, entry.BookedOn, payment.Id, null, entry.PaymentId)];

    /// <summary>Says that an entry is no business of the ledger's.</summary>
    public Decision SetAside(int number, string reason) =>
        Find(number) is not { } entry ? NoEntry(number)
        : WhyFixed(entry) is { } isFixed ? isFixed
        : [new EntryAssigned(number, entry.BookedOn, null, reason, entry.PaymentId)];

    /// <summary>Says whose contribution an entry is; it is then booked there.</summary>
    /// <param name="number">The entry.</param>
    /// <param name="contribution">The contribution; null where nobody was called.</param>
    /// <param name="isBooked">Whether the bank's transaction is booked already, by hand or by another entry.</param>
    public Decision Assign(int number, Contribution? contribution, bool isBooked) =>
        Find(number) is not { } entry ? NoEntry(number)
        : WhyFixed(entry) is { } isFixed ? isFixed
        : contribution is null ? Refusal.Invalid("municipality", "This municipality was not called for that year.")
        : entry.IsOutgoing || entry.IsReversal ? Refusal.Conflict("Only what came in can be a contribution.")
        : isBooked ? Refusal.Conflict(IsBooked(entry.BankTransaction!))
        :
        [
            new EntryAssigned(number, entry.BookedOn, null, null, entry.PaymentId, contribution.Year, contribution.Municipality),
            Received(Key, entry, contribution.Year, contribution.Municipality),
        ];

    /// <summary>
    /// Opens the entry again that was taken for a receipt under this transaction of the bank;
    /// none where a person has said something else since.
    /// </summary>
    public Decision Reopen(string bankTransaction, int year, string municipality, string reason) =>
        Entries.FirstOrDefault(e => (e.BankTransaction, e.Year, e.Municipality) == (bankTransaction, year, municipality)) is { } entry
            ? [new EntryReopened(entry.Number, reason)]
            : [];

    /// <summary>What an entry is booked under where the bank has no reference of its own for it.</summary>
    internal static string Numbered(string key, int number) => string.Create(CultureInfo.InvariantCulture, $"{key[..16]}-{number}");

    /// <summary>Why what came in with a known reference waits for a person.</summary>
    internal static string IsBooked(string bankTransaction) =>
        $"The bank's transaction {bankTransaction} is booked already: reverse that receipt, or say that this entry is not ours.";

    /// <summary>What tells that an entry is a contribution.</summary>
    internal static BankReceiptMatched Received(string key, BankEntry entry, int year, string municipality, string? reference = null) => new(
        year, municipality, entry.Amount, reference, entry.BankTransaction ?? Numbered(key, entry.Number), entry.BookedOn);

    private static Refusal? WhyFixed(BankEntry entry) =>
        entry.Status == EntryStatus.Notice ? Refusal.Conflict("This entry moves no money: it is only shown.")
        : entry.Municipality is { } code ? Refusal.Conflict(
            $"It is booked as a receipt from the municipality {code} for {entry.Year}: "
            + $"reverse that receipt (contributions/{entry.Year}/{code}/receipts/…/reversal); "
            + "the entry is then open again.")
        : null;

    private BankStatement With(int number, Func<BankEntry, BankEntry> change) =>
        (this with { Entries = [.. Entries.Select(e => e.Number == number ? change(e) : e)] }).Counted();

    internal BankEntry? Find(int number) => Entries.FirstOrDefault(e => e.Number == number);

    private Refusal NoEntry(int number) => Refusal.NotFound($"The statement {StatementId} has no entry {number}.");

    private BankStatement Counted() => this with { Open = Entries.Count(e => e.Status == EntryStatus.Open) };
}
