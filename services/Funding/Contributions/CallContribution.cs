using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>A call.</summary>
/// <param name="DueOn">The last day to pay; today or later, within two years.</param>
public sealed record CallRequest(DateOnly DueOn);

internal static class CallContribution
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/contributions/{year}/{municipality}/calls", Handle)
        .AsCreation<Contribution>(
            "Asks a municipality for the share that it confirmed, with a reference to pay with; anew (200) after a newer version of the annual plan",
            Roles.Coordinator, Roles.Treasurer)
        .DecidesOnNobody("municipalities")
        .Produces<Contribution>();

    private static async Task<IResult> Handle(int year, string municipality, CallRequest request, Command command, IDocumentStore store, CancellationToken ct)
    {
        var stream = Contribution.Stream(year, municipality);
        await using var session = store.QuerySession(command.Region);
        var isThere = await session.LoadAsync<Contribution>(stream, ct) is not null;
        // A newer version of the plan is not submitted meanwhile.
        return await command.OnBeside<Contribution, AnnualPlan>(
            stream,
            AnnualPlan.Stream(year),
            (known, plan) => plan is { SubmittedVersion: > 0 }
                ? Contribution.Call(known, plan, municipality, request.DueOn, command.Today)
                : ListAnnualPlans.NotFound(year, command.Region),
            isThere ? null : $"contributions/{year}/{Uri.EscapeDataString(municipality)}");
    }
}
