using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>A contribution key in a list.</summary>
/// <param name="Id">Its name in addresses.</param>
/// <param name="Key">The same.</param>
/// <param name="NameSl">What its newest version is called, in Slovene.</param>
/// <param name="NameEn">What its newest version is called, in English.</param>
/// <param name="Versions">How many versions there are.</param>
/// <param name="ValidFrom">The first day that the newest one holds for.</param>
public sealed record KeySummary(string Id, string Key, string NameSl, string NameEn, int Versions, DateOnly ValidFrom);

/// <summary>How a key divides an amount.</summary>
/// <param name="Key">The key.</param>
/// <param name="Version">The version that holds on the day.</param>
/// <param name="On">The day.</param>
/// <param name="Amount">What is divided; the shares sum to it.</param>
/// <param name="ExtraCents">How many cents the whole quotas leave over.</param>
/// <param name="Sl">How it is done, in Slovene.</param>
/// <param name="En">How it is done, in English.</param>
/// <param name="Shares">Each municipality's, ordered by code.</param>
public sealed record Division(string Key, int Version, DateOnly On, Money Amount, int ExtraCents, string Sl, string En, IReadOnlyList<KeyShare> Shares);

internal static class ListKeys
{
    // A thousand million euro: beyond any budget of municipalities.
    private const long LargestAmount = 100_000_000_000;

    public static void Map(RouteGroupBuilder group)
    {
        group.MapGet("/contribution-keys", List)
            .WithName("listContributionKeys")
            .WithSummary("Lists the contribution keys that the region adopted");
        group.MapGet("/contribution-keys/{key}", Get)
            .WithName("showContributionKey")
            .WithSummary("Shows a contribution key with all its versions")
            .Produces<ContributionKey>().ProducesProblem(404);
        group.MapGet("/contribution-keys/{key}/shares", Divide)
            .WithName("divideAmount")
            .WithSummary("Divides an amount (cents) by the version that holds on a day, today by default, and tells each quota, remainder and extra cent")
            .Produces<Division>().ProducesProblem(400).ProducesProblem(404);
    }

    private static async Task<Page<KeySummary>> List(string region, [AsParameters] Paging paging, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        var page = await paging.Of(session.Query<ContributionKey>().OrderBy(k => k.Id), ct);
        return new Page<KeySummary>([.. page.Items.Select(Summary)], page.Number, page.Size, page.Total);
    }

    private static KeySummary Summary(ContributionKey key)
    {
        var newest = key.Versions[^1];
        return new KeySummary(key.Key, key.Key, newest.NameSl, newest.NameEn, key.Versions.Count, newest.ValidFrom);
    }

    private static async Task<IResult> Get(string region, string key, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        return await FindAsync(session, key, ct) is { } found ? Results.Ok(found) : Problems.Of(NotFound(key, region));
    }

    private static async Task<IResult> Divide(string region, string key, long amount, DateOnly? on, TimeProvider time, IDocumentStore store, CancellationToken ct)
    {
        if (amount is < 0 or > LargestAmount)
            return Problems.Of(400, $"An amount is 0 to {LargestAmount} cents.", "amount");
        await using var session = store.QuerySession(region);
        if (await FindAsync(session, key, ct) is not { } found)
            return Problems.Of(NotFound(key, region));
        var day = on ?? BusinessDate.Of(time.GetUtcNow());
        if (found.On(day) is not { } version)
            return Problems.Of(Refusal.NotFound($"The contribution key {key} has no version that holds on {day:yyyy-MM-dd}."));
        var shares = version.Shares(amount);
        return Results.Ok(new Division(
            key, version.Version, day, Money.Eur(amount), shares.Count(s => s.HasExtraCent),
            "Vsaka občina dobi cele cente svojega natančnega deleža; preostali centi gredo po eden največjim ostankom, ob enakih pa občini z nižjo šifro.",
            "Each municipality has the whole cents of its exact quota; the cents left over go, one each, to the largest remainders, and of equal ones to the lower code.",
            shares));
    }

    internal static Task<ContributionKey?> FindAsync(IQuerySession session, string key, CancellationToken ct) =>
        session.LoadAsync<ContributionKey>(ContributionKey.Stream(key), ct);

    internal static Refusal NotFound(string key, string region) => Refusal.NotFound($"There is no contribution key {key} in {region}.");
}
