using System.Globalization;

namespace KkiMesh.HelpDesk;

/// <summary>A support point and how far it is.</summary>
/// <param name="Point">The support point.</param>
/// <param name="DistanceKm">Between the seats of the municipalities, as the crow
/// flies, in steps of 0.1 km; 0 in the same one.</param>
public sealed record Nearby(SupportPoint Point, double DistanceKm);

/// <summary>Finds the support point for somebody's home.</summary>
public static class Nearest
{
    // The mean radius of the earth (IUGG).
    private const double EarthKm = 6371.0088;

    private static readonly StringComparer ByName = StringComparer.Create(CultureInfo.GetCultureInfo("sl-SI"), CompareOptions.None);

    /// <summary>
    /// The open support point in the same municipality, else the one with the shortest distance; where that is the same
    /// to 0.1 km, the first by name in Slovene order.
    /// </summary>
    /// <param name="home">The municipality.</param>
    /// <param name="points">The region's support points; those that are not open are left out.</param>
    /// <param name="municipalities">The region's municipalities; a point in none of them is left out.</param>
    /// <returns>Null where there is no open one.</returns>
    public static Nearby? To(KnownMunicipality home, IEnumerable<SupportPoint> points, IReadOnlyList<KnownMunicipality> municipalities) => points
        .Where(p => p.State == SupportPointState.Open)
        .Join(municipalities, p => p.Municipality, m => m.Id, (point, seat) => new Nearby(point, Km(home, seat)))
        .OrderByDescending(n => n.Point.Municipality == home.Id)
        .ThenBy(n => n.DistanceKm)
        .ThenBy(n => n.Point.Name, ByName)
        .ThenBy(n => n.Point.Name, StringComparer.Ordinal)
        .ThenBy(n => n.Point.Key, StringComparer.Ordinal)
        .FirstOrDefault();

    /// <summary>The great-circle distance between two seats (haversine), rounded to 0.1 km.</summary>
    public static double Km(KnownMunicipality a, KnownMunicipality b)
    {
        var h = HalfSquare(b.Latitude - a.Latitude)
            + (Math.Cos(double.DegreesToRadians(a.Latitude)) * Math.Cos(double.DegreesToRadians(b.Latitude)) * HalfSquare(b.Longitude - a.Longitude));
        return Math.Round(2 * EarthKm * Math.Asin(Math.Min(1, Math.Sqrt(h))), 1, MidpointRounding.AwayFromZero);
    }

    private static double HalfSquare(double degrees) => Math.Pow(Math.Sin(double.DegreesToRadians(degrees) / 2), 2);
}
