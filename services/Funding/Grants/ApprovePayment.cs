using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>When an approved payment counts.</summary>
/// <param name="Date">The day that it counts for; by default today, never later.</param>
/// <param name="Account">The account that who approves it saw; 409 where the agreement names another one by now. By
/// default it is approved for whichever it names.</param>
public sealed record ApproveRequest(DateOnly? Date = null, SeenAccount? Account = null);

internal static class ApprovePayment
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/grants/{id}/payment-requests/{request}/approval", Handle)
        .AsCommand<Grant>(
            "Approves a request for payment, which pays it to the account of the agreement; "
            + "neither who asked nor who promised the money does", Roles.Treasurer)
        .DecidesOn("the beneficiary and their subject, who asked for it, who named the account");

    private static async Task<IResult> Handle(
        CommitmentId id,
        PaymentRequestId request,
        ApproveRequest approved,
        Command command,
        HttpContext http,
        IDocumentStore store)
    {
        if (Dates.Fault(approved.Date, command.Today) is { } fault)
            return Problems.Of(fault);
        var approval = command.Approves(approved.Date, approved.Account);
        return await command.OnGrant(
            id, http, store, (grant, reservation) =>
                command.WhyNotBy(grant.ConcernedByPayment) is { } conflict ? conflict : grant.Approve(reservation, request, approval), movesMoney: true);
    }
}
