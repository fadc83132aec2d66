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
public sealed record OrderLine(Guid PaymentId, Money Amount, BankAccount To, string Text);

/// <summary>A payment that cannot be ordered.</summary>
/// <param name="PaymentId">The payment.</param>
/// <param name="Amount">How much.</param>
/// <param name="Recipient">Who receives it.</param>
/// <param name="Reason">Why not.</param>
public sealed record LeftOut(Guid PaymentId, Money Amount, string Recipient, string Reason);

/// <summary>Payments were ordered at the bank; private. The file is kept as it was made, so that it can be had again byte for byte.</summary>
public sealed record PaymentsOrdered(
    Guid OrderId, DateTimeOffset At, PainVersion Version, string Iban, DateOnly ExecuteOn, Money Total, IReadOnlyList<OrderLine> Lines, string File);

/// <summary>An order of payments (ISO 20022, pain.001), as a bank takes it.</summary>
/// <param name="Id">Its key; the file's MsgId is the order's id without dashes.</param>
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
    string? Head = null) : IAggregate<PaymentOrder>, IChained
{
    /// <inheritdoc />
    public IChained WithHead(string head) => this with { Head = head };

    /// <summary>The stream of an order.</summary>
    public static string Of(Guid order) => $"{LedgerStreams.PaymentOrders}/{order}";

    /// <inheritdoc />
    public static PaymentOrder? Apply(PaymentOrder? state, string id, object e) => (state, e) switch
    {
        (null, PaymentsOrdered o) => new PaymentOrder(id, o.OrderId, o.At, o.Version, o.Iban, o.ExecuteOn, o.Total, o.Lines, o.File),
        _ => state,
    };
}
