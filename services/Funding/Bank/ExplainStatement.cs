using System.ComponentModel.DataAnnotations;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>Why a statement does not go on where the last one ended.</summary>
/// <param name="Reason">In a sentence; at most 500 characters.</param>
public sealed record ExplanationRequest(
    [Required, OneLine(500, MinimumLength = 1)]
    string Reason);

internal static class ExplainStatement
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/bank-statements/{key}/explanation", Handle)
        .AsCommand<BankStatement>(
            "Explains why a statement does not go on where the last one ended; the latest reason counts",
            Roles.Treasurer)
        .DecidesOnNobody("what the bank says");

    private static Task<IResult> Handle(string key, ExplanationRequest request, Command command) =>
        command.On<BankStatement>(BankStatement.Of(key), statement => statement.Explain(request.Reason));
}
