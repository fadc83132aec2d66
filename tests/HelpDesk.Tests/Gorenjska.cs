using KkiMesh.Contracts.Registry.V1;

namespace KkiMesh.HelpDesk.Tests;

/// <summary>The region as it is: its 18 municipalities, and the support points of the policy.</summary>
internal static class Gorenjska
{
    public static IReadOnlyList<MunicipalityListed> Listed { get; } =
    [
        new("003", "Bled", "Bled", 46.36859, 14.11652),
        new("004", "Bohinj", "Bohinjska Bistrica", 46.27216, 13.9535),
        new("012", "Cerklje na Gorenjskem", "Cerklje na Gorenjskem", 46.25007, 14.4862),
        new("027", "Gorenja vas - Poljane", "Gorenja vas", 46.1074, 14.14769),
        new("207", "Gorje", "Zgornje Gorje", 46.37962, 14.06937),
        new("041", "Jesenice", "Jesenice", 46.4324, 14.06232),
        new("163", "Jezersko", "Zgornje Jezersko", 46.3941, 14.50659),
        new("052", "Kranj", "Kranj", 46.23887, 14.35561),
        new("053", "Kranjska Gora", "Kranjska Gora", 46.45689, 13.77824),
        new("082", "Naklo", "Naklo", 46.27348, 14.3173),
        new("095", "Preddvor", "Preddvor", 46.30262, 14.42215),
        new("102", "Radovljica", "Radovljica", 46.34347, 14.17547),
        new("117", "Šenčur", "Šenčur", 46.2471, 14.4203),
        new("122", "Škofja Loka", "Škofja Loka", 46.16551, 14.30626),
        new("131", "Tržič", "Tržič", 46.36357, 14.31046),
        new("146", "Železniki", "Železniki", 46.22482, 14.17205),
        new("147", "Žiri", "Žiri", 46.04405, 14.10736),
        new("192", "Žirovnica", "Breznica", 46.39385, 14.15409),
    ];

    public static IReadOnlyList<KnownMunicipality> Municipalities { get; } =
        [.. Listed.Select(m => new KnownMunicipality(m.Code, m.Name, m.Seat, m.Latitude, m.Longitude))];

    public static IReadOnlyList<SupportPoint> Points { get; } =
        SupportPoints.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "data", "gorenjska", "support-points.json"))).Points;

    public static KnownMunicipality Municipality(string code) => Municipalities.Single(m => m.Id == code);
}
