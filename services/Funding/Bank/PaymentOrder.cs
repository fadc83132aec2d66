using System.Text.Json.Serialization;
using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>A version of the file that banks take.</summary>
public enum PainVersion
{
    /// <summary>pain.001.001.03.</summary>
    [JsonStringEnumMemberName("03")]
    V03,

    /// <summary>pain.001.001.09.</summary>
    [JsonStringEnumMemberName("09")]
    V09,
}

/// <summary>A payment that the bank is told to make.</summary>
/// <param name="PaymentId">The payment; without dashes its EndToEndId.</param>
/// <param name="Amount">How much.</param>
/// <param name="To">Where to.</param>
/// <param name="Text">What for: the row and the agreement's number.</param>
/// <param name="Withdrawn">Why the bank did not make it; null where nobody said so.</param>
public sealed record OrderLine(Guid PaymentId, Money Amount, BankAccount To, string Text, string? Withdrawn = null);

/// <summary>A payment that cannot be ordered.</summary>
/// <param name="PaymentId">The payment.</param>
/// <param name="Amount">How much.</param>
/// <param name="Recipient">Who receives it.</param>
/// <param name="Reason">Why not.</param>
public sealed record LeftOut(Guid PaymentId, Money Amount, string Recipient, string Reason);

/// <summary>
/// Payments were ordered at the bank; private. The file is kept as it was made,
/// so that it can be had again byte for byte.
/// </summary>
public sealed record PaymentsOrdered(
    Guid OrderId, DateTimeOffset At, PainVersion Version, string Iban, DateOnly ExecuteOn, Money Total, IReadOnlyList<OrderLine> Lines, string File);

/// <summary>The bank did not make a payment of an order; private.</summary>
/// <param name="OrderId">The order.</param>
/// <param name="PaymentId">The payment.</param>
/// <param name="Reason">Why, in a sentence.</param>
public sealed record PaymentWithdrawn(Guid OrderId, Guid PaymentId, string Reason);

/// <summary>An order of payments (ISO 20022, pain.001), as a bank takes it.</summary>
/// <param name="Id">Its id; without dashes it is the file's MsgId. The stream has a longer key.</param>
/// <param name="OrderId">What names it in addresses.</param>
/// <param name="At">When it was made.</param>
/// <param name="Version">Which version of the file.</param>
/// <param name="Iban">The account that pays.</param>
/// <param name="ExecuteOn">The day that the bank is asked to pay on.</param>
/// <param name="Total">What the payments are together.</param>
/// <param name="Lines">The payments.</param>
/// <param name="File">The file, as <c>GET …/file</c> gives it; null in answers.</param>
/// <param name="Head">The hash of its newest event.</param>
public sealed record PaymentOrder(
    string Id, Guid OrderId, DateTimeOffset At, PainVersion Version, string Iban, DateOnly ExecuteOn, Money Total, IReadOnlyList<OrderLine> Lines, string? File,
    string? Head = null) : IAggregate<PaymentOrder>, IAddressed, IChained
{
    /// <inheritdoc />
    string IAddressed.AddressId => OrderId.ToString();

    /// <inheritdoc />
    public IChained WithHead(string head) => this with { Head = head };

    /// <summary>The stream of an order.</summary>
    public static string Of(Guid order) => $"{LedgerStreams.PaymentOrders}/{order}";

    /// <inheritdoc />
    public static PaymentOrder? Apply(PaymentOrder? state, string id, object e) => (state, e) switch
    {
        (null, PaymentsOrdered o) => new PaymentOrder(id, o.OrderId, o.At, o.Version, o.Iban, o.ExecuteOn, o.Total, o.Lines, o.File),
        ({ }, PaymentWithdrawn w) => state with { Lines = [.. state.Lines.Select(l => l.PaymentId == w.PaymentId ? l with { Withdrawn = w.Reason } : l)] },
        _ => state,
    };

    /// <summary>Takes a payment out that the bank did not make; its file stays as it was.</summary>
    /// <param name="payment">The payment.</param>
    /// <param name="settledOn">The day that the bank booked it, as a statement says; null: it has not.</param>
    /// <param name="reason">Why the bank did not make it.</param>
    public Decision Withdraw(Guid payment, DateOnly? settledOn, string reason) =>
        Lines.FirstOrDefault(l => l.PaymentId == payment) is not { } line ? Refusal.NotFound($"The payment order {OrderId} has no payment {payment}.")
        : line.Withdrawn is not null ? Refusal.Conflict("This payment is withdrawn from the order already.")
        : settledOn is { } day ? Refusal.Conflict($"The bank made this payment on {day:yyyy-MM-dd}, as its statement says.")
        : [new PaymentWithdrawn(OrderId, payment, reason)];
}
