using System.ComponentModel.DataAnnotations;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>A municipality's yes.</summary>
/// <param name="Version">The version of the annual plan that it has read.</param>
public sealed record ConfirmRequest(int Version);

/// <summary>A municipality's no.</summary>
/// <param name="Version">The version of the annual plan that it has read.</param>
/// <param name="Reason">Why, in a sentence; at most 500 characters. Public.</param>
public sealed record DeclineRequest(
    int Version, [Required, OneLine(500, MinimumLength = 1)] string Reason);

internal static class AnswerAnnualPlan
{
    private static readonly Role OfItself = Roles.Officer.Of("municipality");

    public static void Map(RouteGroupBuilder group)
    {
        group.MapPost("/annual-plans/{year}/municipalities/{municipality}/confirmation", Confirm)
            .WithName("confirmAnnualPlan")
            .AsCommand<AnnualPlan>("Confirms a municipality's share of an annual plan, once for each version", OfItself)
            .DecidesOnNobody("the officer's own municipality");
        group.MapPost("/annual-plans/{year}/municipalities/{municipality}/refusal", Decline)
            .WithName("declineAnnualPlan")
            .AsCommand<AnnualPlan>("Declines a municipality's share of an annual plan with a reason, once for each version", OfItself)
            .DecidesOnNobody("the officer's own municipality");
    }

    private static Task<IResult> Confirm(int year, string municipality, ConfirmRequest request, Command command) =>
        command.On<AnnualPlan>(AnnualPlan.Stream(year), plan => plan.Confirm(municipality, request.Version, command.Today));

    private static Task<IResult> Decline(int year, string municipality, DeclineRequest request, Command command) =>
        command.On<AnnualPlan>(AnnualPlan.Stream(year), plan => plan.Decline(municipality, request.Version, request.Reason, command.Today));
}
