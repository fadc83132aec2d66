using KkiMesh.Contracts;

namespace KkiMesh.Funding;

/// <summary>An account that a second person has confirmed.</summary>
/// <param name="Account">The account.</param>
/// <param name="Edition">The agreement's edition that named it: it replaces what was approved up to it.</param>
/// <param name="ConfirmerKey">Who confirmed it, as an account's key for the grant.</param>
public sealed record ConfirmedAccount(BankAccount Account, int Edition, string ConfirmerKey);

/// <summary>What a grant's payments were approved for, and who has changed its account since; private.</summary>
/// <param name="For">The accounts, each once; null in it: a payment of before approvals named any was paid without one.
/// No more than the agreement has editions, and one.</param>
/// <param name="ChangerKeys">Who has changed the account since it was the approved one, as accounts' keys for the
/// grant.</param>
/// <param name="Confirmed">What was confirmed last; null: nothing yet.</param>
public sealed record AccountApprovals(
    IReadOnlyList<BankAccount?> For, IReadOnlyList<string> ChangerKeys, ConfirmedAccount? Confirmed = null)
{
    internal static readonly AccountApprovals None = new([], []);

    /// <summary>Whether something was approved that the account is not now.</summary>
    /// <param name="now">The account; null: the agreement names none.</param>
    internal bool IsToBeConfirmed(BankAccount? now) => now is not null && For.Any(approved => !now.IsSameAs(approved));

    /// <summary>After an approval.</summary>
    internal AccountApprovals Approved(BankAccount? to) =>
        For.Any(known => known is null ? to is null : known.IsSameAs(to)) ? this : this with { For = [.. For, to] };

    /// <summary>After a change; who had a part in one that waits already is still no second person.</summary>
    /// <param name="before">The account before it.</param>
    /// <param name="changer">Who made it.</param>
    internal AccountApprovals Changed(BankAccount? before, string changer) => this with
    {
        ChangerKeys = IsToBeConfirmed(before) ? [.. ChangerKeys.Append(changer).Distinct()] : [changer],
    };

    /// <summary>After a confirmation: it is from now on what was approved.</summary>
    internal static AccountApprovals After(AccountConfirmed e) =>
        new([e.Account], [], new ConfirmedAccount(e.Account, e.Edition, e.ConfirmerKey));

    /// <summary>The account that a payment may go to, by its approval and what was confirmed after it.</summary>
    /// <param name="approval">The approval; null: it was paid before approvals were kept, without an account.</param>
    internal BankAccount? Of(PaymentApproval? approval) =>
        Confirmed is { } confirmed && confirmed.Edition >= (approval?.Edition ?? 0) ? confirmed.Account : approval?.To;
}

/// <summary>Who approves a payment, and what they saw.</summary>
/// <param name="Id">What the payment calls the approval by.</param>
/// <param name="Approver">The subject of the token of who approves.</param>
/// <param name="Date">The day that the payment counts for.</param>
/// <param name="Seen">The account that they saw; null: they do not say.</param>
public sealed record Approval(Guid Id, string Approver, DateOnly Date, SeenAccount? Seen = null);
