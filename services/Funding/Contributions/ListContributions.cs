using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

internal static class ListContributions
{
    public static void Map(RouteGroupBuilder group)
    {
        group.MapGet("/contributions", List)
            .WithSummary("Lists what municipalities were asked for, the newest year first: called, received, outstanding and credit of each");
        group.MapGet("/contributions/{year}/{municipality}", Get)
            .WithName("showContribution")
            .WithSummary("Shows what a municipality gives for a year").Produces<Contribution>().ProducesProblem(404);
        group.MapGet("/contributions/{year}/{municipality}/transactions", Transactions)
            .WithName("listContributionTransactions")
            .WithSummary("Lists what happened to a contribution, the oldest first, with its postings")
            .Produces<Page<LedgerTransaction>>().ProducesProblem(400).ProducesProblem(404);
    }

    private static async Task<Page<Contribution>> List(
        string region, int? year, string? municipality, Choice<ContributionState>? state, [AsParameters] Paging paging, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        IQueryable<Contribution> contributions = session.Query<Contribution>();
        if (year is { } wanted)
            contributions = contributions.Where(c => c.Year == wanted);
        if (municipality is not null)
            contributions = contributions.Where(c => c.Municipality == municipality);
        if (state is { Value: var asked })
            contributions = contributions.Where(c => c.State == asked);
        return await paging.Of(contributions.OrderByDescending(c => c.Year).ThenBy(c => c.Municipality), ct);
    }

    private static async Task<IResult> Get(string region, int year, string municipality, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        return await session.LoadAsync<Contribution>(Contribution.Stream(year, municipality), ct) is { } found
            ? Results.Ok(found)
            : Problems.Of(NotFound(year, municipality, region));
    }

    private static async Task<IResult> Transactions(
        string region, int year, string municipality, [AsParameters] Paging paging, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        var stream = Contribution.Stream(year, municipality);
        if (await session.Events.FetchStreamStateAsync(stream, ct) is not { } state)
            return Problems.Of(NotFound(year, municipality, region));
        return Results.Ok(await ListTransactions.PageAsync(session, stream, state.Version, paging, ct));
    }

    private static Refusal NotFound(int year, string municipality, string region) =>
        Refusal.NotFound($"The municipality {municipality} of {region} has not been called for {year}.");
}
