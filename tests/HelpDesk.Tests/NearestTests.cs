using CsCheck;

namespace KkiMesh.HelpDesk.Tests;

public sealed class NearestTests
{
    private static readonly string[] Names = ["Center", "Čebelnjak", "Cvet", "Šola"];

    private static readonly Gen<KnownMunicipality> Home = Gen.Int[0, Gorenjska.Municipalities.Count - 1].Select(i => Gorenjska.Municipalities[i]);

    private static readonly Gen<KnownMunicipality> AnyMunicipality = Gen.Select(
        Gen.Int[0, 999], Gen.Double[-90, 90], Gen.Double[-180, 180], (code, lat, lon) => new KnownMunicipality($"{code:000}", $"M{code}", $"M{code}", lat, lon));

    // Few places and few names, so that there are ties of every kind.
    private static readonly Gen<SupportPoint> AnyPoint = Gen.Select(
        Home, Gen.Int[0, 3].Select(i => Names[i]), Gen.Int[0, 9999], Gen.Bool,
        (at, name, key, open) => Point($"p{key}", name, at.Id, open ? SupportPointState.Open : SupportPointState.UnderConstruction));

    [Theory]
    [InlineData("003", "kovacnica", 23.4)]
    [InlineData("004", "kreativnice", 29.6)]
    [InlineData("012", "kovacnica", 10.1)]
    [InlineData("027", "kreativnice", 13.8)]
    [InlineData("207", "kovacnica", 27.0)]
    [InlineData("041", "kovacnica", 31.1)]
    [InlineData("163", "kovacnica", 20.8)]
    [InlineData("052", "kovacnica", 0.0)]
    [InlineData("053", "kovacnica", 50.5)]
    [InlineData("082", "kovacnica", 4.8)]
    [InlineData("095", "kovacnica", 8.7)]
    [InlineData("102", "kovacnica", 18.1)]
    [InlineData("117", "kovacnica", 5.1)]
    [InlineData("122", "kreativnice", 0.0)]
    [InlineData("131", "kovacnica", 14.3)]
    [InlineData("146", "kreativnice", 12.3)]
    [InlineData("147", "kreativnice", 20.4)]
    [InlineData("192", "kovacnica", 23.2)]
    public void Each_municipality_of_Gorenjska_has_its_nearest_open_point(string home, string point, double km)
    {
        var nearest = Nearest.To(Gorenjska.Municipality(home), Gorenjska.Points, Gorenjska.Municipalities)!;

        Assert.Equal((point, km), (nearest.Point.Key, nearest.DistanceKm));
    }

    [Fact]
    public void The_points_are_those_that_the_policy_names_each_in_the_municipality_of_its_town()
    {
        Assert.Equal(
            [("kovacnica", "U6-A2", SupportPointState.Open), ("kreativnice", "U6-A1", SupportPointState.Open), ("kulturcafe", "U6-P2", SupportPointState.UnderConstruction)],
            Gorenjska.Points.Select(p => (p.Key, p.Row, p.State)));
        Assert.All(Gorenjska.Points, p => Assert.Equal(p.Town, Gorenjska.Municipality(p.Municipality).Seat));
    }

    [Fact]
    public void What_is_under_construction_takes_no_cases_until_it_is_open()
    {
        var jesenice = Gorenjska.Municipality("041");
        var opened = Gorenjska.Points.Select(p => p with { State = SupportPointState.Open });

        Assert.Equal("kovacnica", Nearest.To(jesenice, Gorenjska.Points, Gorenjska.Municipalities)!.Point.Key);
        Assert.Equal(new Nearby(opened.Last(), 0), Nearest.To(jesenice, opened, Gorenjska.Municipalities));
        Assert.Null(Nearest.To(jesenice, Gorenjska.Points.Where(p => p.Row == "U6-P2"), Gorenjska.Municipalities));
    }

    [Fact]
    public void Ties_are_decided_by_name_in_Slovene_order()
    {
        // C before Č before D; an ordinal order would put Č last.
        string[] names = ["Dom", "Čebelnjak", "Center"];
        var points = names.Select((name, i) => Point($"p{i}", name, "052", SupportPointState.Open)).ToList();
        var home = Gorenjska.Municipality("003");

        Assert.Equal("Center", Nearest.To(home, points, Gorenjska.Municipalities)!.Point.Name);
        Assert.Equal("Čebelnjak", Nearest.To(home, points.Take(2), Gorenjska.Municipalities)!.Point.Name);
    }

    [Fact]
    public void A_distance_is_the_same_both_ways_never_negative_and_nothing_to_oneself() => Gen.Select(AnyMunicipality, AnyMunicipality).Sample((a, b) =>
    {
        Assert.Equal(Nearest.Km(a, b), Nearest.Km(b, a));
        Assert.InRange(Nearest.Km(a, b), 0, 20_016);
        Assert.Equal(0, Nearest.Km(a, a));
    });

    [Fact]
    public void The_own_town_always_wins() => Gen.Select(Home, AnyPoint.List[0, 12]).Sample((home, points) =>
    {
        var own = Point("own", "Žadnji", home.Id, SupportPointState.Open);

        var nearest = Nearest.To(home, [.. points, own], Gorenjska.Municipalities)!;

        Assert.Equal((home.Id, 0.0), (nearest.Point.Municipality, nearest.DistanceKm));
    });

    [Fact]
    public void No_open_point_is_nearer_and_the_order_of_the_lists_changes_nothing() => Gen.Select(
        Home, AnyPoint.List[0, 12], Gen.Int).Sample((home, drawn, seed) =>
    {
        var points = drawn.DistinctBy(p => p.Key).ToArray();
        var nearest = Nearest.To(home, points, Gorenjska.Municipalities);
        var (shuffled, municipalities) = (points.ToArray(), Gorenjska.Municipalities.ToArray());
        new Random(seed).Shuffle(shuffled);
        new Random(seed).Shuffle(municipalities);

        Assert.Equal(nearest, Nearest.To(home, shuffled, municipalities));
        foreach (var open in points.Where(p => p.State == SupportPointState.Open))
            Assert.True(nearest!.DistanceKm <= Nearest.Km(home, Gorenjska.Municipality(open.Municipality)));
    });

    [Theory]
    [InlineData("""{ "source": "s", "notes": { "sl": "a", "en": "b" }, "points": [], "more": 1 }""")]
    [InlineData("""{ "source": "s", "points": [] }""")]
    [InlineData("""{ "source": "s", "notes": { "sl": "a", "en": "b" }, "points": [{ "key": "a", "state": "half-open" }] }""")]
    [InlineData("null")]
    public void A_file_with_a_fault_is_refused_whole(string json) => Assert.Throws<InvalidDataException>(() => SupportPoints.Parse(json));

    private static SupportPoint Point(string key, string name, string municipality, SupportPointState state) =>
        new(key, name, "Town", municipality, "U6-A1", "Holder", state, new Notes("sl", "en"), "source");
}
