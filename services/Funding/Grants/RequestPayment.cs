using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>What a beneficiary asks to be paid.</summary>
/// <param name="Amount">How much; more than zero, in EUR.</param>
/// <param name="Documents">What it rests on, 1 to 20.</param>
public sealed record PaymentRequestRequest(Money Amount, [Required, Length(1, 20)] IReadOnlyList<Document> Documents);

internal static class RequestPayment
{
    /// <summary>Why others may not.</summary>
    public static readonly Refusal NotTheirs = Refusal.Forbidden("A grant's papers are written by its beneficiary, or by a treasurer or a coordinator for them.");

    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/grants/{id}/payment-requests", Handle)
        .AsCommand<Grant>("Asks for a payment of a grant, as its beneficiary or for them", Roles.Member, Roles.Treasurer, Roles.Coordinator)
        .DecidesOnNobody("the beneficiary's own, or somebody for them");

    private static Task<IResult> Handle(CommitmentId id, PaymentRequestRequest request, Command command, HttpContext http, IDocumentStore store)
    {
        var asked = new PaymentRequestId(command.NewId());
        return command.OnGrant(id, http, store, (grant, _) =>
            http.ActsFor(grant) ? grant.Ask(asked, request.Amount, request.Documents, command.Actor, command.Today) : NotTheirs);
    }
}
