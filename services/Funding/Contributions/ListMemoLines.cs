using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>What became known of a memo line.</summary>
/// <param name="Year">The year; 2020 to 2100.</param>
/// <param name="Amount">How much; zero or more, in EUR.</param>
/// <param name="Note">What it is, in a sentence; at most 500 characters. Public.</param>
/// <param name="Source">Where it is known from; at most 300 characters. Public.</param>
public sealed record MemoAmountRequest(
    int Year,
    Money Amount,
    [Required, OneLine(500, MinimumLength = 1)] string Note,
    [Required, OneLine(300, MinimumLength = 1)] string Source);

internal static class ListMemoLines
{
    public static void Map(RouteGroupBuilder group)
    {
        group.MapGet("/memo-lines", List)
            .WithSummary("Lists the money that the printed total leaves out (policy, chapter 8), beside the ledger");
        group.MapPost("/memo-lines/{line}/amounts", Record)
            .WithName("recordMemoAmount")
            .AsCommand<MemoLine>("Records what became known of such money in a year; no total has it", Roles.Coordinator)
            .DecidesOnNobody("municipalities");
    }

    private static async Task<Page<MemoLine>> List(string region, [AsParameters] Paging paging, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        return await paging.Of(session.Query<MemoLine>().OrderBy(l => l.Id), ct);
    }

    private static Task<IResult> Record(string line, MemoAmountRequest request, Command command) => command.On<MemoLine>(
        MemoLine.Stream(line), l => l.Record(request.Year, request.Amount, request.Note, request.Source, command.Today));
}
