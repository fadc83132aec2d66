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
}

/// <summary>A booking on an account.</summary>
/// <param name="Number">Its number in the statement, from 1.</param>
/// <param name="BookedOn">The day that the bank booked it.</param>
/// <param name="Amount">How much; more than zero.</param>
/// <param name="IsOutgoing">Whether the account was debited.</param>
/// <param name="IsReversal">Whether the bank took an earlier booking back by it.</param>
/// <param name="EndToEndId">The payer's reference for a payment; null where there is none.</param>
/// <param name="Reference">The creditor's structured reference; null where there is none.</param>
/// <param name="Counterparty">Who paid or was paid, for a person who assigns it; null where it is not told.</param>
/// <param name="Text">What for, in words; null where it is not told.</param>
/// <param name="Status">What is known of it.</param>
/// <param name="PaymentId">The payment that it settles; null: none.</param>
/// <param name="Reason">Why it is not ours; null where nobody said so.</param>
/// <param name="Year">The year of the contribution that it is; null: none.</param>
/// <param name="Municipality">The municipality whose contribution it is; null: none.</param>
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
    string? Municipality = null);

/// <summary>A statement was taken in, with what its references say; private.</summary>
public sealed record StatementImported(
    string Iban, string StatementId, string? Sequence, Money Opening, Money Closing, IReadOnlyList<BankEntry> Entries, DateOnly ImportedOn);

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

/// <summary>A statement of one of the region's accounts (ISO 20022, camt.053).</summary>
/// <param name="Id">Its key, made of account, statement and sequence: the same statement is taken once.</param>
/// <param name="Iban">The account.</param>
/// <param name="StatementId">The bank's name for it.</param>
/// <param name="Sequence">The bank's number for it; null where it has none.</param>
/// <param name="Opening">The balance before; below zero where the account is overdrawn.</param>
/// <param name="Closing">The balance after.</param>
/// <param name="ImportedOn">The day that it was taken in.</param>
/// <param name="Open">How many entries wait for a person.</param>
/// <param name="Entries">Its bookings; empty in lists.</param>
/// <param name="Head">The hash of its newest event, over that one and all before it.</param>
public sealed record BankStatement(
    string Id, string Iban, string StatementId, string? Sequence, Money Opening, Money Closing, DateOnly ImportedOn, int Open, IReadOnlyList<BankEntry> Entries,
    string? Head = null) : IAggregate<BankStatement>, IChained
{
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
        (null, StatementImported i) => new BankStatement(id, i.Iban, i.StatementId, i.Sequence, i.Opening, i.Closing, i.ImportedOn, 0, i.Entries).Counted(),
        ({ }, EntryAssigned a) => (state with
        {
            Entries = [.. state.Entries.Select(x => x.Number == a.Number
                ? x with
                {
                    Status = a is { PaymentId: null, Municipality: null } ? EntryStatus.NotOurs : EntryStatus.Assigned,
                    PaymentId = a.PaymentId, Reason = a.Reason, Year = a.Year, Municipality = a.Municipality,
                }
                : x)],
        }).Counted(),
        _ => state,
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
    public Decision Assign(int number, Contribution? contribution) =>
        Find(number) is not { } entry ? NoEntry(number)
        : WhyFixed(entry) is { } isFixed ? isFixed
        : contribution is null ? Refusal.Invalid("municipality", "This municipality was not called for that year.")
        : entry.IsOutgoing || entry.IsReversal ? Refusal.Conflict("Only what came in can be a contribution.")
        :
        [
            new EntryAssigned(number, entry.BookedOn, null, null, entry.PaymentId, contribution.Year, contribution.Municipality),
            Received(Key, entry, contribution.Year, contribution.Municipality),
        ];

    /// <summary>What tells that an entry is a contribution.</summary>
    internal static BankReceiptMatched Received(string key, BankEntry entry, int year, string municipality, string? reference = null) => new(
        year, municipality, entry.Amount, reference, string.Create(CultureInfo.InvariantCulture, $"{key[..16]}-{entry.Number}"), entry.BookedOn);

    private static Refusal? WhyFixed(BankEntry entry) => entry.Municipality is { } code
        ? Refusal.Conflict($"It is booked as a receipt from the municipality {code} for {entry.Year}: reverse that there, and record what it is.")
        : null;

    private BankEntry? Find(int number) => Entries.FirstOrDefault(e => e.Number == number);

    private Refusal NoEntry(int number) => Refusal.NotFound($"The statement {StatementId} has no entry {number}.");

    private BankStatement Counted() => this with { Open = Entries.Count(e => e.Status == EntryStatus.Open) };
}
