using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>What a grant was used for.</summary>
/// <param name="Used">How much was used in all, in EUR: from nothing to what was paid.</param>
/// <param name="Text">What for; at most 2,000 characters.</param>
/// <param name="Documents">What shows it; at most 20.</param>
public sealed record ReportRequest(
    Money Used,
    [Required, LongText(2_000, MinimumLength = 1)] string Text,
    [MaxLength(20)] IReadOnlyList<Document>? Documents = null);

internal static class ReportUse
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/grants/{id}/report", Handle)
        .AsCommand<Grant>("Reports the use of a grant, as its beneficiary or for them", Roles.Member, Roles.Treasurer, Roles.Coordinator)
        .DecidesOnNobody("the beneficiary's own, or somebody for them");

    private static Task<IResult> Handle(CommitmentId id, ReportRequest request, Command command, HttpContext http, IDocumentStore store) =>
        command.OnGrant(id, http, store, (grant, _) =>
            http.ActsFor(grant) ? grant.ReportUse(request.Used, request.Text, request.Documents ?? [], command.Actor, command.Today) : RequestPayment.NotTheirs);
}
