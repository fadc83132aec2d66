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
        .Produces<Contribution>();

    private static async Task<IResult> Handle(int year, string municipality, CallRequest request, Command command, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(command.Region);
        if (await ListAnnualPlans.FindAsync(session, year, ct) is not { SubmittedVersion: > 0 } plan)
            return Problems.Of(ListAnnualPlans.NotFound(year, command.Region));
        var stream = Contribution.Stream(year, municipality);
        return await session.LoadAsync<Contribution>(stream, ct) is null
            ? await command.Start<Contribution>(
                stream, Contribution.Call(null, plan, municipality, request.DueOn, command.Today), $"contributions/{year}/{Uri.EscapeDataString(municipality)}")
            : await command.On<Contribution>(stream, c => Contribution.Call(c, plan, municipality, request.DueOn, command.Today));
    }
}
