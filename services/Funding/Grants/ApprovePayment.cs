using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>When an approved payment counts.</summary>
/// <param name="Date">The day that it counts for; by default today, never later.</param>
public sealed record ApproveRequest(DateOnly? Date = null);

internal static class ApprovePayment
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/grants/{id}/payment-requests/{request}/approval", Handle)
        .AsCommand<Grant>("Approves a request for payment, which pays it; neither who asked nor who promised the money does", Roles.Treasurer);

    private static async Task<IResult> Handle(
        CommitmentId id, PaymentRequestId request, ApproveRequest approval, Command command, HttpContext http, IDocumentStore store) =>
        Dates.Fault(approval.Date, command.Today) is { } fault
            ? Problems.Of(fault)
            : await command.OnGrant(id, http, store, (grant, reservation) => grant.Approve(reservation, request, command.Actor, approval.Date ?? command.Today), movesMoney: true);
}
