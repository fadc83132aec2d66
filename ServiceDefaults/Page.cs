using Marten;
using Marten.Linq;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;

namespace KkiMesh.ServiceDefaults;

/// <summary>One page of a list.</summary>
/// <param name="Items">The items of this page.</param>
/// <param name="Number">The page's number; the first is 1.</param>
/// <param name="Size">How many items a page has at the most.</param>
/// <param name="Total">How many items the whole list has.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, int Number, int Size, long Total);

/// <summary>Which page is asked for.</summary>
/// <param name="Page">Its number, 1 to 100,000.</param>
/// <param name="PageSize">How many items, 1 to 100; 20 by default.</param>
public sealed record Paging(
    [Bounds(1, 100_000), FromQuery(Name = "page")] int? Page,
    [Bounds(1, 100), FromQuery(Name = "pageSize")] int? PageSize)
{
    /// <summary>Reads one page, filtered and counted in the database.</summary>
    public async Task<Page<T>> Of<T>(IQueryable<T> query, CancellationToken ct)
        where T : notnull
    {
        var (number, size) = Bounded();
        var items = await ((IMartenQueryable<T>)query).Stats(out var statistics).Skip((number - 1) * size).Take(size).ToListAsync(ct);
        return new Page<T>(items, number, size, statistics.TotalResults);
    }

    /// <summary>Which page, and of which size.</summary>
    /// <exception cref="RefusedException">400: there is no such page.</exception>
    public (int Number, int Size) Bounded() => (Page ?? 1, PageSize ?? 20) switch
    {
        ( < 1 or > 100_000, _) => throw new RefusedException(new Refusal(StatusCodes.Status400BadRequest, "A page's number is 1 to 100,000.", "page")),
        (_, < 1 or > 100) => throw new RefusedException(new Refusal(StatusCodes.Status400BadRequest, "A page has 1 to 100 items.", "pageSize")),
        var asked => asked,
    };
}
