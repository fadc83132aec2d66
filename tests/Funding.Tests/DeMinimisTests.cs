using CsCheck;
using KkiMesh.Contracts;
using Microsoft.Extensions.Configuration;

namespace KkiMesh.Funding.Tests;

/// <summary>What counts towards the ceiling of de minimis aid, and when.</summary>
public sealed class DeMinimisTests
{
    private static readonly DateOnly Day = new(2026, 11, 25);

    [Fact]
    public void From_2024_any_three_years_count_and_before_three_fiscal_years()
    {
        Assert.Equal((new DateOnly(2023, 11, 26), 300_000_00), (On(Day).Since, On(Day).Ceiling.Amount));
        Assert.Equal((new DateOnly(2021, 1, 1), 200_000_00), (On(new DateOnly(2023, 12, 31)).Since, On(new DateOnly(2023, 12, 31)).Ceiling.Amount));
        Assert.Equal((new DateOnly(2021, 1, 2), 300_000_00), (On(new DateOnly(2024, 1, 1)).Since, On(new DateOnly(2024, 1, 1)).Ceiling.Amount));
        Assert.Null(Ceilings.Default.On([], new DateOnly(2013, 12, 31)));
    }

    [Fact]
    public void Aid_counts_on_its_day_and_no_longer_three_years_after_it()
    {
        Aid[] aid = [new(new DateOnly(2023, 11, 25), Money.Eur(1)), new(new DateOnly(2023, 11, 26), Money.Eur(10)), new(Day, Money.Eur(100)), new(Day.AddDays(1), Money.Eur(1000))];

        Assert.Equal(110, On(Day, aid).Total.Amount);
        Assert.Equal(300_000_00 - 110, On(Day, aid).Left.Amount);
    }

    [Fact]
    public void The_ceiling_may_be_reached_but_not_crossed_and_the_refusal_says_why()
    {
        Aid[] before = [new(new DateOnly(2025, 1, 1), Money.Eur(250_000_00))];

        Assert.Null(Check(before, Day, 50_000_00).Refusal);
        var refusal = Check(before, Day, 50_000_01).Refusal!;

        Assert.Equal((422, "isDeMinimis"), (refusal.Status, refusal.Field));
        Assert.Contains("250,000.00 EUR before + 50,000.01 EUR now = 300,000.01 EUR; the ceiling is 300,000.00 EUR", refusal.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(239_999_99, false)]
    [InlineData(240_000_00, true)]
    public void From_80_percent_on_it_is_warned_of(long cents, bool isWarned) => Assert.Equal(isWarned, Check([], Day, cents).Check!.Warning is not null);

    [Fact]
    public void What_is_declared_with_each_of_two_agreements_is_one_aid()
    {
        var declared = new Aid(Day, Money.Eur(200_000_00), "Ministrstvo");

        var (refusal, check) = Ceilings.Default.Check([declared], [declared, new Aid(Day, Money.Eur(1), null, new CommitmentId(Guid.CreateVersion7()))], Day);

        Assert.Equal((null, 200_000_01), (refusal, check!.Total.Amount));
    }

    [Fact]
    public void However_agreements_come_no_period_of_three_years_is_above_the_ceiling()
    {
        var grant = Gen.Select(Gen.Int[0, 3000], Gen.Long[1, 200_000_00], (day, cents) => new Aid(new DateOnly(2024, 1, 1).AddDays(day), Money.Eur(cents), null, new CommitmentId(Guid.CreateVersion7())));
        grant.List[0, 12].Sample(asked =>
        {
            var taken = new List<Aid>();
            foreach (var aid in asked)
            {
                var (refusal, _) = Ceilings.Default.Check(taken, [aid], aid.On);
                var worst = taken.Append(aid).Max(last => taken.Append(aid).Where(a => a.On <= last.On && a.On > last.On.AddYears(-3)).Sum(a => a.Amount.Amount));
                Assert.Equal(worst > 300_000_00, refusal is not null);
                if (refusal is null)
                    taken.Add(aid);
            }
        });
    }

    [Fact]
    public void Other_ceilings_are_configured()
    {
        Ceilings Configured(params (string Key, string Value)[] settings) => Ceilings.Of(new ConfigurationBuilder()
            .AddInMemoryCollection(settings.ToDictionary(s => $"Funding:DeMinimis:0:{s.Key}", s => (string?)s.Value)).Build());

        var own = Configured(("From", "2026-01-01"), ("Cents", "5"), ("Years", "2"), ("IsByFiscalYear", "true"), ("LegalBasis", "Predpis"));
        Assert.Equal((new DateOnly(2025, 1, 1), 5, "Predpis"), (own.On([], Day)!.Since, own.On([], Day)!.Ceiling.Amount, own.On([], Day)!.LegalBasis));
        Assert.Throws<InvalidOperationException>(() => Configured(("From", "2026-01-01"), ("Cents", "5")));
    }

    [Theory]
    [InlineData("SI56 2633 0001 2039 086", true)]
    [InlineData("SI56263300012039086", true)]
    [InlineData("si56263300012039086", true)]
    [InlineData("GB82WEST12345698765432", true)]
    [InlineData("SI56263300012039087", false)]
    [InlineData("SI5626330001203908", false)]
    [InlineData("GB83WEST12345698765432", false)]
    [InlineData("", false)]
    public void An_IBAN_has_the_right_check_digits(string iban, bool isValid) => Assert.Equal(isValid, Ibans.IsValid(Ibans.Tidied(iban)));

    private static DeMinimisStatement On(DateOnly day, params Aid[] aid) => Ceilings.Default.On(aid, day)!;

    private static (ServiceDefaults.Refusal? Refusal, DeMinimisCheck? Check) Check(Aid[] before, DateOnly day, long cents) =>
        Ceilings.Default.Check(before, [new Aid(day, Money.Eur(cents), null, new CommitmentId(Guid.CreateVersion7()))], day);
}
