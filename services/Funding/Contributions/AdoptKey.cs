using System.ComponentModel.DataAnnotations;
using System.Text.RegularExpressions;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>A version of a contribution key, as the region adopted it.</summary>
/// <param name="NameSl">What it is called, in Slovene; at most 200 characters.</param>
/// <param name="NameEn">What it is called, in English; at most 200 characters.</param>
/// <param name="LegalBasis">By what it was adopted, in words; at most 500 characters. Public.</param>
/// <param name="ValidFrom">The first day that it holds for; later than that of the version before.</param>
/// <param name="Municipalities">The codes of the municipalities that take part, 1
/// to 300, as the registry lists them.</param>
/// <param name="Parts">
/// How the money is divided, 1 to 5 parts with weights from 1 to 1000. Figures are
/// whole numbers, one for each municipality; those of
/// inhabitants need their day and source.
/// </param>
public sealed record KeyVersionRequest(
    [Required, OneLine(200, MinimumLength = 1)] string NameSl,
    [Required, OneLine(200, MinimumLength = 1)] string NameEn,
    [Required, OneLine(500, MinimumLength = 1)] string LegalBasis,
    DateOnly ValidFrom,
    [MaxLength(KeyRules.MostMunicipalities), EachLength(3, 3)] IReadOnlyList<string> Municipalities,
    [MaxLength(KeyRules.MostParts)] IReadOnlyList<KeyPart> Parts)
{
    internal KeyVersion Version => new(1, NameSl, NameEn, LegalBasis, ValidFrom, Municipalities, Parts);
}

internal static partial class AdoptKey
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/contribution-keys/{key}/versions", Handle)
        .AsCreation<ContributionKey>("Records a contribution key that the region adopted, or a newer version of it (200); those before stay as they are", Roles.Coordinator)
        .DecidesOnNobody("municipalities")
        .Produces<ContributionKey>();

    private static async Task<IResult> Handle(string key, KeyVersionRequest request, Command command, IDocumentStore store, CancellationToken ct)
    {
        if (!Slug().IsMatch(key))
            return Problems.Of(Refusal.Invalid("key", "A key's name has 1 to 40 lower case letters (a to z), digits and dashes."));
        await using var session = store.QuerySession(command.Region);
        if (await KnownMunicipality.UnknownAsync(session, request.Municipalities, ct) is { } unknown)
            return Problems.Of(unknown);
        return await ListKeys.FindAsync(session, key, ct) is null
            ? await command.Start<ContributionKey>(
                ContributionKey.Stream(key), ContributionKey.Adopt(key, request.Version, command.Today), $"contribution-keys/{key}")
            : await command.On<ContributionKey>(ContributionKey.Stream(key), k => k.Adopt(request.Version, command.Today));
    }

    [GeneratedRegex(@"^[a-z0-9][a-z0-9-]{0,39}\z", RegexOptions.None, 1000)]
    private static partial Regex Slug();
}
