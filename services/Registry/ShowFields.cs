using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Registry;

/// <summary>A class of economic activities.</summary>
/// <param name="Code">Its NACE Rev. 2 code.</param>
/// <param name="En">Its English description.</param>
public sealed record NaceClass(string Code, string En);

/// <summary>A field of the cultural and creative sector.</summary>
/// <param name="Number">1 to 13, in the policy's order.</param>
/// <param name="Sl">Its name in the policy.</param>
/// <param name="En">Its name in English, a translation of ours.</param>
/// <param name="Nace">Activities that may belong to it; a proposal.</param>
public sealed record TaxonomyField(int Number, string Sl, string En, IReadOnlyList<NaceClass> Nace);

/// <summary>The fields of the cultural and creative sector (Center za kreativnost), as the policy gives them.</summary>
/// <param name="Id">There is one in a region.</param>
/// <param name="Source">Where it comes from.</param>
/// <param name="Note">What of it is a reading or a translation.</param>
/// <param name="NaceStatus">How certain the classes are: »predlog, nepotrjeno«, a
/// proposal that nobody has confirmed.</param>
/// <param name="Fields">The fields.</param>
public sealed record Taxonomy(string Id, string Source, Note Note, string NaceStatus, IReadOnlyList<TaxonomyField> Fields)
{
    /// <summary>The only one's id.</summary>
    public const string Only = "taxonomy";
}

internal static class ShowFields
{
    public static void Map(RouteGroupBuilder group) => group
        .MapGet("/fields", Get)
        .WithSummary("Shows the fields of the taxonomy, which is short and comes whole")
        .Produces<Taxonomy>().ProducesProblem(404);

    private static async Task<IResult> Get(string region, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        return await session.LoadAsync<Taxonomy>(Taxonomy.Only, ct) is { } taxonomy
            ? Results.Ok(taxonomy)
            : Problems.Of(Refusal.NotFound($"There is no taxonomy in {region}."));
    }
}
