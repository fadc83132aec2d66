using System.Numerics;
using CsCheck;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding.Tests;

/// <summary>Money is divided to the cent, whatever the rule.</summary>
public sealed class KeySharesTests
{
    private static readonly DateOnly Day = new(2026, 11, 25);

    /// <summary>A rule, and a total to divide by it.</summary>
    private sealed record Case(long Total, string[] Municipalities, KeyPart[] Parts);

    private static readonly Gen<Case> Any =
        from count in Gen.Frequency((3, Gen.Int[1, 20]), (1, Gen.Int[1, 300]))
        from total in Gen.OneOf(Gen.Long[0, 500], Gen.Long[0, 100_000_000_000], Gen.Const(long.MaxValue))
        let municipalities = Enumerable.Range(1, count).Select(i => $"{i:000}").ToArray()
        from parts in Part(municipalities).Array[1, 3]
        select new Case(total, municipalities, parts);

    private static Gen<KeyPart> Part(string[] municipalities) =>
        from basis in Gen.Enum<KeyBasis>()
        from weight in Gen.Int[1, 1000]
        from largest in Gen.OneOf(Gen.Const(3L), Gen.Const(1_000_000_000_000L))
        from figures in Gen.Long[0, largest].Array[municipalities.Length].Where(f => f.Any(v => v > 0))
        select new KeyPart(basis, weight, basis == KeyBasis.Equal ? null : [.. municipalities.Zip(figures, (m, v) => new KeyFigure(m, v))]);

    [Fact]
    public void Shares_sum_to_the_total_and_each_is_within_a_cent_of_its_exact_quota() => Any.Sample(c =>
    {
        var shares = KeyShares.Of(c.Total, c.Municipalities, c.Parts);

        Assert.Equal(c.Municipalities, shares.Select(s => s.Municipality));
        Assert.Equal(c.Total, shares.Sum(s => s.Amount.Amount));
        foreach (var share in shares)
        {
            var (part, of) = Quota(c, share.Municipality);
            Assert.True(share.Amount.Amount >= 0);
            Assert.True(BigInteger.Abs((share.Amount.Amount * of) - part) < of, $"{share} is not within a cent of {part}/{of}.");
            Assert.Equal(share.WholeCents.Amount, (long)(part / of));
            Assert.Equal(share.Amount.Amount - share.WholeCents.Amount, share.HasExtraCent ? 1 : 0);
        }
    });

    [Fact]
    public void The_order_of_what_is_given_changes_nothing() => Any.Sample(c =>
    {
        KeyPart[] parts = [.. c.Parts.Reverse().Select(p => p with { Figures = p.Figures is null ? null : [.. p.Figures.Reverse()] })];

        Assert.Equal(KeyShares.Of(c.Total, c.Municipalities, c.Parts), KeyShares.Of(c.Total, [.. c.Municipalities.Reverse()], parts));
    });

    [Fact]
    public void Who_weighs_more_never_has_less() => Any.Sample(c =>
    {
        var ordered = KeyShares.Of(c.Total, c.Municipalities, c.Parts).Select(s => (Share: s.Amount.Amount, Quota: Quota(c, s.Municipality).Part)).OrderBy(s => s.Quota).ToList();

        Assert.All(ordered.Zip(ordered.Skip(1)), pair => Assert.True(pair.First.Quota == pair.Second.Quota || pair.First.Share <= pair.Second.Share));
        Assert.All(ordered.Zip(ordered.Skip(1)), pair => Assert.True(pair.First.Quota != pair.Second.Quota || Math.Abs(pair.First.Share - pair.Second.Share) <= 1));
    });

    [Fact]
    public void A_mix_of_inhabitants_and_equal_shares_is_as_one_reckons_by_hand()
    {
        KeyPart[] parts =
        [
            new(KeyBasis.Population, 3, [new("003", 8217), new("004", 5611), new("012", 7859)]),
            new(KeyBasis.Equal, 1),
        ];

        var shares = KeyShares.Of(100_000, ["003", "004", "012"], parts);

        // 75,000 by 21,687 inhabitants and 25,000 by three: 36,750.12…, 27,737.81… and 35,512.05….
        Assert.Equal([36_750, 27_738, 35_512], shares.Select(s => s.Amount.Amount));
        Assert.Equal([false, true, false], shares.Select(s => s.HasExtraCent));
    }

    [Fact]
    public void Of_equal_remainders_the_lower_code_gets_the_cent()
    {
        var shares = KeyShares.Of(100, ["147", "003", "052"], [new(KeyBasis.Equal, 1)]);

        Assert.Equal([("003", 34L, "1/3"), ("052", 33L, "1/3"), ("147", 33L, "1/3")], shares.Select(s => (s.Municipality, s.Amount.Amount, s.Remainder)));
    }

    [Fact]
    public void A_version_holds_from_its_day_and_a_newer_one_changes_nothing_before()
    {
        var key = Adopt(null, Version(new(2026, 1, 1), 8217));
        key = Adopt(key, Version(new(2027, 1, 1), 9999));

        Assert.Null(key.On(new(2025, 12, 31)));
        Assert.Equal((1, 8217), (key.On(new(2026, 12, 31))!.Version, key.On(new(2026, 12, 31))!.Parts[0].Figures![0].Value));
        Assert.Equal(2, key.On(new(2027, 1, 1))!.Version);
        Assert.Equal("validFrom", key.Adopt(Version(new(2027, 1, 1), 1), Day).Refusal!.Field);
    }

    [Theory]
    [InlineData("""{"basis":"population","weight":1,"figures":[{"municipality":"003","value":1},{"municipality":"004","value":1}]}""", "parts[0].figuresOn")]
    [InlineData("""{"basis":"table","weight":1,"figures":[{"municipality":"003","value":1}]}""", "parts[0].figures")]
    [InlineData("""{"basis":"table","weight":1,"figures":[{"municipality":"003","value":1},{"municipality":"003","value":1}]}""", "parts[0].figures")]
    [InlineData("""{"basis":"table","weight":1,"figures":[{"municipality":"003","value":0},{"municipality":"004","value":0}]}""", "parts[0].figures")]
    [InlineData("""{"basis":"table","weight":1,"figures":[{"municipality":"003","value":-1},{"municipality":"004","value":2}]}""", "parts[0].figures")]
    [InlineData("""{"basis":"table","weight":1,"figures":[null,null]}""", "parts[0].figures")]
    [InlineData("""{"basis":"table","weight":1}""", "parts[0].figures")]
    [InlineData("""{"basis":"equal","weight":0}""", "parts[0].weight")]
    [InlineData("""{"basis":"equal","weight":1,"figures":[]}""", "parts[0].figures")]
    [InlineData("null", "parts[0]")]
    public void A_rule_that_cannot_divide_is_refused_at_its_field(string part, string field)
    {
        var rule = System.Text.Json.JsonSerializer.Deserialize<KeyPart>(part, Contracts.ContractJson.Options)!;
        var version = new KeyVersion(1, "Ključ", "Key", "Sklep", Day, ["003", "004"], [rule]);

        Assert.Equal(field, ContributionKey.Adopt("k", version, Day).Refusal!.Field);
    }

    private static KeyVersion Version(DateOnly from, long bled) => new(
        1, "Po prebivalcih", "By population", "Sklep", from, ["003", "004"],
        [new(KeyBasis.Population, 1, [new("003", bled), new("004", 5611)], new(2021, 1, 1), "SURS")]);

    private static ContributionKey Adopt(ContributionKey? key, KeyVersion version) =>
        ContributionKey.Apply(key, "k", Assert.Single(key is null ? ContributionKey.Adopt("k", version, Day) : key.Adopt(version, Day)))!;

    // The plainest sum of fractions: nothing of it is shared with what is tested.
    private static (BigInteger Part, BigInteger Of) Quota(Case c, string municipality)
    {
        (BigInteger Part, BigInteger Of) sum = (0, 1);
        var weights = c.Parts.Sum(p => p.Weight);
        foreach (var p in c.Parts)
        {
            var figure = p.Figures?.Single(f => f.Municipality == municipality).Value ?? 1;
            BigInteger of = (BigInteger)weights * (p.Figures?.Aggregate(BigInteger.Zero, (s, f) => s + f.Value) ?? c.Municipalities.Length);
            var part = (BigInteger)c.Total * p.Weight * figure;
            sum = ((sum.Part * of) + (part * sum.Of), sum.Of * of);
        }

        return sum;
    }
}
