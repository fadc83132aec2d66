using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>A version of a contribution key. It never changes.</summary>
/// <param name="Version">Its number; the first is 1.</param>
/// <param name="NameSl">What it is called, in Slovene.</param>
/// <param name="NameEn">What it is called, in English.</param>
/// <param name="LegalBasis">By what it was adopted, in words.</param>
/// <param name="ValidFrom">The first day that it holds for; it holds until a newer version does.</param>
/// <param name="Municipalities">The codes of the municipalities that take part.</param>
/// <param name="Parts">How the money is divided.</param>
public sealed record KeyVersion(
    int Version, string NameSl, string NameEn, string LegalBasis, DateOnly ValidFrom, IReadOnlyList<string> Municipalities, IReadOnlyList<KeyPart> Parts)
{
    /// <summary>How it divides a total of cents.</summary>
    public IReadOnlyList<KeyShare> Shares(long total) => KeyShares.Of(total, Municipalities, Parts);
}

/// <summary>
/// A contribution key (ključ delitve; policy, measure 4). The policy names it and gives no
/// formula: there is none until the region adopts one.
/// </summary>
/// <param name="Id">Its name in addresses; the stream has a longer key.</param>
/// <param name="Key">Its name in addresses.</param>
/// <param name="Versions">What was adopted, the oldest first.</param>
/// <param name="Head">The hash of its newest event, over that one and all before it.</param>
public sealed record ContributionKey(string Id, string Key, IReadOnlyList<KeyVersion> Versions, string? Head = null)
    : IAggregate<ContributionKey>, IAddressed, IChained
{
    /// <inheritdoc />
    string IAddressed.AddressId => Key;

    /// <inheritdoc />
    public IChained WithHead(string head) => this with { Head = head };

    private const int MostVersions = 50;

    /// <summary>The key of its stream.</summary>
    public static string Stream(string key) => $"{LedgerStreams.Keys}/{key}";

    /// <inheritdoc />
    public static ContributionKey? Apply(ContributionKey? state, string id, object e) => e is ContributionKeyAdopted a
        ? new ContributionKey(
            id, a.Key, [.. state?.Versions ?? [], new KeyVersion(a.Version, a.NameSl, a.NameEn, a.LegalBasis, a.ValidFrom, a.Municipalities, a.Parts)])
        : state;

    /// <summary>The version that holds on a day; null before the first.</summary>
    public KeyVersion? On(DateOnly day) => Versions.LastOrDefault(v => v.ValidFrom <= day);

    /// <summary>
    /// A version by its number that holds on some day of a year, or the one that
    /// holds at its end; null where there is none.
    /// </summary>
    public KeyVersion? In(int year, int? version)
    {
        var last = On(new DateOnly(year, 12, 31));
        if (version is null || version == last?.Version)
            return last;
        var first = On(new DateOnly(year, 1, 1));
        return Versions.FirstOrDefault(v => v.Version == version && v.Version >= (first?.Version ?? 1) && v.Version < last?.Version);
    }

    /// <summary>A version by its number, or the newest; null where there is none.</summary>
    public KeyVersion? Find(int? version) => version is null ? Versions[^1] : Versions.FirstOrDefault(v => v.Version == version);

    /// <summary>Adopts the first version.</summary>
    public static Decision Adopt(string key, KeyVersion version, DateOnly today) =>
        KeyRules.Fault(version, today) is { } fault ? fault : [Adopted(key, version, today)];

    /// <summary>
    /// Adopts a newer version. It holds from a later day than the one before: what was in force stays so.
    /// </summary>
    public Decision Adopt(KeyVersion version, DateOnly today) =>
        Versions.Count >= MostVersions ? Refusal.Conflict($"A key has at most {MostVersions} versions.")
        : KeyRules.Fault(version, today) is { } fault ? fault
        : version.ValidFrom <= Versions[^1].ValidFrom
            ? Refusal.Invalid("validFrom", $"A newer version holds from a later day than the one before, {Versions[^1].ValidFrom:yyyy-MM-dd}.")
        : [Adopted(Key, version with { Version = Versions[^1].Version + 1 }, today)];

    private static ContributionKeyAdopted Adopted(string key, KeyVersion v, DateOnly today) =>
        new(key, v.Version, v.NameSl, v.NameEn, v.LegalBasis, v.ValidFrom, v.Municipalities, v.Parts, today);
}

/// <summary>What a key's rule must be like.</summary>
internal static class KeyRules
{
    public const int MostMunicipalities = 300;
    public const int MostParts = 5;
    private const int LargestWeight = 1000;
    private const long LargestFigure = 1_000_000_000_000;
    private const int LongestSource = 300;
    private const int YearsAhead = 5;

    /// <summary>What is wrong with a version; null where nothing is.</summary>
    public static Refusal? Fault(KeyVersion version, DateOnly today) =>
        version.ValidFrom < new DateOnly(2020, 1, 1) || version.ValidFrom > today.AddYears(YearsAhead)
            ? Refusal.Invalid("validFrom", $"A key holds from a day between 2020-01-01 and {today.AddYears(YearsAhead):yyyy-MM-dd}.")
        : version.Municipalities.Count is 0 or > MostMunicipalities || version.Municipalities.Distinct().Count() != version.Municipalities.Count
            ? Refusal.Invalid("municipalities", $"1 to {MostMunicipalities} municipalities, each once.")
        : version.Parts.Count is 0 or > MostParts ? Refusal.Invalid("parts", $"A key has 1 to {MostParts} parts.")
        : version.Parts.Index().Select(p => Fault(p.Item, $"parts[{p.Index}]", version.Municipalities, today)).FirstOrDefault(fault => fault is not null);

    private static Refusal? Fault(KeyPart? part, string at, IReadOnlyList<string> municipalities, DateOnly today) =>
        part is null ? Refusal.Invalid(at, "A part is missing.")
        : part.Weight is < 1 or > LargestWeight ? Refusal.Invalid($"{at}.weight", $"A part's weight is 1 to {LargestWeight}.")
        : part.FiguresSource is { } source && Text.Length(source) > LongestSource
            ? Refusal.Invalid($"{at}.figuresSource", $"A source has at most {LongestSource} characters.")
        : part.FiguresOn > today ? Refusal.Invalid($"{at}.figuresOn", "Figures of a day that is still to come are not known yet.")
        : part.Basis == KeyBasis.Equal
            ? part.Figures is null ? null : Refusal.Invalid($"{at}.figures", "Equal shares have no figures.")
        : part.Basis == KeyBasis.Population && (part.FiguresOn is null || string.IsNullOrWhiteSpace(part.FiguresSource))
            ? Refusal.Invalid($"{at}.figuresOn", "Numbers of inhabitants need the day that they hold for (figuresOn) and their source (figuresSource).")
        : Fault(part.Figures ?? [], $"{at}.figures", municipalities);

    private static Refusal? Fault(IReadOnlyList<KeyFigure> figures, string at, IReadOnlyList<string> municipalities) =>
        figures.Any(f => f is null) || figures.Count != municipalities.Count || !figures.Select(f => f.Municipality).ToHashSet().SetEquals(municipalities)
            ? Refusal.Invalid(at, "There is one figure for each municipality of the key.")
        : figures.Any(f => f.Value is < 0 or > LargestFigure) || figures.All(f => f.Value == 0)
            ? Refusal.Invalid(at, $"A figure is a whole number from 0 to {LargestFigure}, and not all are 0.")
        : null;
}
