using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

internal static class SubmitAnnualPlan
{
    // Policy, measure 4: by the promoter in a municipality, or the regional coordinator.
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/annual-plans/{year}/submission", Handle)
        .AsCommand<AnnualPlan>("Submits the draft to the municipalities, which confirm or decline it; from then on it is public", Roles.Coordinator, Roles.Officer)
        .DecidesOnNobody("municipalities");

    private static Task<IResult> Handle(int year, Command command) =>
        command.On<AnnualPlan>(AnnualPlan.Stream(year), plan => plan.Submit(command.Today));
}
