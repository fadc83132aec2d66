using KkiMesh.Contracts.Registry.V1;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>A municipality of the region, learnt from the registry. How many live there it does not say.</summary>
/// <param name="Id">Its code, e.g. 003.</param>
/// <param name="Name">Its name.</param>
public sealed record KnownMunicipality(string Id, string Name)
{
    /// <summary>Learns.</summary>
    public static void Learn(MunicipalityListed e, IDocumentOperations picture) => picture.Store(new KnownMunicipality(e.Code, e.Name));

    internal static async Task<Refusal?> UnknownAsync(IQuerySession session, IReadOnlyList<string> codes, CancellationToken ct)
    {
        var known = (await session.LoadManyAsync<KnownMunicipality>(ct, [.. codes.OfType<string>()])).Select(m => m.Id).ToHashSet();
        return codes.All(known.Contains)
            ? null
            : Refusal.Invalid("municipalities", $"The registry lists no municipality {codes.First(code => !known.Contains(code))} in this region.");
    }
}
