using System.Globalization;
using System.Text.Json.Serialization;
using KkiMesh.ServiceDefaults;
using Marten;
using Npgsql;

namespace KkiMesh.Funding;

/// <summary>Grants as open data: a package of the 360Giving Data Standard, 1.4.</summary>
/// <param name="Version">The standard's version.</param>
/// <param name="Title">What it is.</param>
/// <param name="Issued">The day that it was made.</param>
/// <param name="Publisher">Who publishes it.</param>
/// <param name="License">Under which licence.</param>
/// <param name="Grants">The grants.</param>
public sealed record GivingPackage(
    string Version,
    string Title,
    [Format("date")] string Issued,
    GivingPublisher Publisher,
    string License,
    IReadOnlyList<GivingGrant> Grants);

/// <summary>Who publishes.</summary>
/// <param name="Identifier">An organisation identifier.</param>
/// <param name="Name">The name.</param>
public sealed record GivingPublisher(string Identifier, string Name);

/// <summary>A grant of the standard. Amounts are in euro, not in cents: the standard wants numbers.</summary>
/// <param name="Id">The publisher's prefix, and the grant's id.</param>
/// <param name="Title">What it is for.</param>
/// <param name="Description">The same in a sentence.</param>
/// <param name="Currency">EUR.</param>
/// <param name="AmountAwarded">What was promised.</param>
/// <param name="AmountDisbursed">What was paid and not given back.</param>
/// <param name="AwardDate">The day that it was promised.</param>
/// <param name="RecipientOrganization">Which organisation receives it; null where it is not known to be one.</param>
/// <param name="RecipientIndividual">In its place, somebody without a name.</param>
/// <param name="FundingOrganization">Who gives it.</param>
/// <param name="GrantProgramme">The row of the action plan that pays.</param>
/// <param name="BeneficiaryLocation">Where the beneficiary is; null where it is not stated, and
/// where they are not known to be an organisation.</param>
/// <param name="DateModified">When the grant's money or papers changed last.</param>
public sealed record GivingGrant(
    string Id,
    string Title,
    string Description,
    string Currency,
    decimal AmountAwarded,
    decimal AmountDisbursed,
    [Format("date")] string AwardDate,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<GivingOrganization>? RecipientOrganization,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] GivingPerson? RecipientIndividual,
    IReadOnlyList<GivingOrganization> FundingOrganization,
    IReadOnlyList<GivingProgramme> GrantProgramme,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<GivingLocation>? BeneficiaryLocation,
    [Format("date-time")] string DateModified);

/// <summary>An organisation.</summary>
/// <param name="Id">An organisation identifier.</param>
/// <param name="Name">The name.</param>
public sealed record GivingOrganization(string Id, string Name);

/// <summary>A person, whom nothing here leads to.</summary>
/// <param name="Id">An identifier that is in this package alone: two grants to the same person have two.</param>
/// <param name="Name">The standard's generic name.</param>
public sealed record GivingPerson(string Id, string Name);

/// <summary>A programme.</summary>
/// <param name="Code">The row.</param>
/// <param name="Title">Its title.</param>
public sealed record GivingProgramme(string Code, string Title);

/// <summary>A place.</summary>
/// <param name="Name">The municipality.</param>
/// <param name="CountryCode">The country: SI.</param>
/// <param name="GeoCode">ISO 3166-2 of the municipality.</param>
/// <param name="GeoCodeType">Which kind of code.</param>
public sealed record GivingLocation(string Name, string CountryCode, string GeoCode, string GeoCodeType);

internal static class PublishGrants
{
    private const int MostGrants = 5000;
    private const string Somebody = "Individual Recipient";

    public static void Map(RouteGroupBuilder group) => group
        .MapGet("/reports/360giving", Show)
        .Explains("fiscalYear", "The budget year; by default all.")
        .WithSummary("Publishes a year's grants, or all, as open data of the 360Giving standard; at most 5,000")
        .Produces<GivingPackage>().ProducesProblem(404);

    private static async Task<IResult> Show(
        string region, int? fiscalYear, IDocumentStore store, NpgsqlDataSource database, IConfiguration configuration, TimeProvider time, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        var grants = await session.Query<Grant>().Where(g => g.Amount.Amount > 0 && (g.ChallengeId != null || g.Agreement != null) && (fiscalYear == null || g.FiscalYear == fiscalYear))
            .OrderBy(g => g.Id).Take(MostGrants).ToListAsync(ct);
        if (grants.Count == 0)
            return Problems.Of(Refusal.NotFound($"There are no grants to publish in {region}{(fiscalYear is { } year ? $" for {year}" : "")}; the standard knows no empty package."));
        var titles = (await session.Query<PlanRow>().Take(ActionPlan.MostRows).ToListAsync(ct)).ToDictionary(r => r.Id, r => r.Title);
        var municipalities = await Facts.MunicipalitiesAsync(session, ct);
        var publisher = Publisher.Of(configuration, region);
        var changed = await database.ChangedAsync(region, [.. grants.Select(g => g.Id)], ct);
        return Results.Ok(new GivingPackage(
            "1.4", $"Grants of {publisher.Name}", BusinessDate.Of(time.GetUtcNow()).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), new GivingPublisher(publisher.Id, publisher.Name), publisher.License,
            [.. grants.Select(g => Of(g, titles[g.Row], municipalities, publisher, changed[g.Id]))]));
    }

    // Open data are copied and never forgotten: a name, or a village where few live, is told
    // only of what somebody said to be an organisation.
    private static GivingGrant Of(Grant g, string programme, IReadOnlyDictionary<string, string> municipalities, Publisher publisher, DateTimeOffset changed)
    {
        var isOrganisation = g.Agreement?.IsOrganisation == true;
        return new(
            $"{publisher.Prefix}-{g.Id}",
            programme.Length > 140 ? programme[..139] + "…" : programme,
            $"{(g.ChallengeId is null ? "Sredstva po pogodbi" : "Nagrada kreativnega izziva")}, {g.Row} ({g.FiscalYear}).",
            "EUR",
            g.Amount.Amount / 100m,
            g.Paid.Amount / 100m,
            g.AwardedOn.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            isOrganisation ? [new GivingOrganization($"{publisher.Prefix}-ORG-{g.SubjectId?.ToString() ?? g.Id}", g.Recipient)] : null,
            isOrganisation ? null : new GivingPerson($"{publisher.Prefix}-IND-{g.Id}", Somebody),
            [new GivingOrganization(publisher.Id, publisher.Name)],
            [new GivingProgramme(g.Row, programme)],
            isOrganisation && g.Municipality is { } code ? [new GivingLocation(municipalities.GetValueOrDefault(code, code), "SI", $"SI-{code}", "ISO 3166-2")] : null,
            changed.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture));
    }

    /// <summary>Who a region publishes as, as the operator has set it.</summary>
    /// <param name="Prefix">The prefix that 360Giving gave to the publisher.</param>
    /// <param name="Id">The publisher's organisation identifier.</param>
    /// <param name="Name">The publisher's name.</param>
    /// <param name="License">The licence of the data.</param>
    private sealed record Publisher(string Prefix, string Id, string Name, string License)
    {
        public static Publisher Of(IConfiguration configuration, string region)
        {
            var section = configuration.GetSection($"Funding:OpenData:{region}");
            var prefix = section["Prefix"] ?? "360G-unregistered";
            return new Publisher(
                prefix, section["Organisation"] ?? $"{prefix}-ORG-{region}", section["Name"] ?? region, section["License"] ?? "https://creativecommons.org/licenses/by/4.0/");
        }
    }
}
