using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>Why a paper of a grant is turned down.</summary>
/// <param name="Reason">Why, in a sentence; at most 500 characters. For who may see papers.</param>
public sealed record ReasonRequest([Required, OneLine(500, MinimumLength = 1)] string Reason);

internal static class DeclinePayment
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/grants/{id}/payment-requests/{request}/refusal", Handle)
        .AsCommand<Grant>("Declines a request for payment, with a reason", Roles.Treasurer)
        .DecidesOn("the beneficiary, and their subject");

    private static Task<IResult> Handle(CommitmentId id, PaymentRequestId request, ReasonRequest why, Command command, HttpContext http, IDocumentStore store) =>
        command.OnGrant(id, http, store, (grant, _) =>
            command.WhyNotBy(grant.Concerned) is { } conflict ? conflict : grant.Decline(request, why.Reason));
}
