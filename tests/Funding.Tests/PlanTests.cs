using CsCheck;
using KkiMesh.Contracts.Funding.V1;

namespace KkiMesh.Funding.Tests;

public sealed class PlanTests
{
    private static readonly string Json = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "data", "gorenjska", "action-plan.json"));

    private static ActionPlan Plan => ActionPlan.Parse(Json);

    [Fact]
    public void The_plan_is_the_policys_to_the_euro()
    {
        Assert.Equal([277_000, 439_500, 354_500], Plan.Years.Select(y => Plan.Rows.Sum(r => r.Euro(y))));
        Assert.Equal(1_071_000, Plan.Rows.Sum(r => r.Euro()));
        Assert.Equal(28, Plan.Rows.Count());
    }

    [Theory]
    [InlineData("U1-A5", 0, 80_000, 80_000)]
    [InlineData("U2-A1+A2", 10_000, 10_000, 10_000)]
    [InlineData("U3-A1", 3_000, 0, 0)]
    [InlineData("U3-A3", 5_000, 1_500, 1_500)]
    [InlineData("U3-P1", 3_000, 3_000, 3_000)]
    [InlineData("U3-P3", 10_000, 10_000, 10_000)]
    [InlineData("U3-P4", 15_000, 0, 0)]
    [InlineData("U3-P5", 0, 20_000, 0)]
    [InlineData("U3-P6", 20_000, 20_000, 0)]
    [InlineData("U3-P7", 20_000, 20_000, 0)]
    [InlineData("U4-A2", 50_000, 75_000, 100_000)]
    [InlineData("U6-A1", 12_000, 12_000, 12_000)]
    [InlineData("U6-A2", 89_000, 89_000, 89_000)]
    [InlineData("U6-P2", 5_000, 12_000, 12_000)]
    [InlineData("U6-P3a", 0, 12_000, 12_000)]
    [InlineData("U6-A3", 5_000, 5_000, 5_000)]
    [InlineData("U6-P3b", 30_000, 70_000, 20_000)]
    public void Each_row_has_its_amounts(string id, long first, long second, long third)
    {
        var row = Plan.Rows.Single(r => r.Id == id);

        Assert.Equal([first, second, third], Plan.Years.Select(y => row.Euro(y)));
        Assert.All(row.Years.Values, y => Assert.Equal(PlannedState.Amount, y.State));
    }

    [Fact]
    public void A_tick_is_not_an_amount_and_unknown_stays_unknown()
    {
        Assert.All(Plan.Rows.Single(r => r.Id == "U5-P1").Years.Values, y => Assert.Equal(new Printed(PlannedState.Unknown, null), y));
        string[] ticked = ["U1-A1", "U1-A2", "U1-A3", "U1-A4", "U3-A2", "U3-P2", "U4-A1", "U5-A1", "U6-P1", "U6-A4"];
        Assert.Equal(ticked.Order(), Plan.Rows.Where(r => r.Years.Values.All(y => y.State == PlannedState.Tick)).Select(r => r.Id).Order());
    }

    [Fact]
    public void The_contradictions_are_found_by_themselves_with_their_figures()
    {
        var findings = Findings.In(Plan);

        Assert.Equal(["D1", "D2", "D3", "D4", "D6", "D9"], findings.Select(f => f.Number).Order(StringComparer.Ordinal));
        Assert.Equal([-23_100_000, 1_500_000, 24_600_000, -4_000_000], findings.Take(4).Select(f => f.Difference!.Value.Amount));
        Assert.Contains("141.000 + 200.000 + 150.000 = 491.000 ≠ 260.000", findings[0].Arithmetic, StringComparison.Ordinal);
        Assert.Contains("Projekt 3", findings.Single(f => f.Number == "D6").Sl, StringComparison.Ordinal);
        Assert.Contains("U5-P1", findings.Single(f => f.Number == "D9").En, StringComparison.Ordinal);
        Assert.All(findings, f => Assert.Equal(FindingOrigin.Computed, f.Origin));
    }

    [Fact]
    public void Any_change_of_an_amount_changes_the_frames_finding_by_as_much()
    {
        var rows = Plan.Rows.Where(r => r.Years.Values.All(y => y.State == PlannedState.Amount)).Select(r => r.Id).ToArray();
        Gen.Select(Gen.Int[0, rows.Length - 1].Select(i => rows[i]), Gen.Int[2022, 2024], Gen.Long[0, 1_000_000]).Sample((id, year, euro) =>
        {
            var plan = With(Plan, id, year, euro);
            var change = euro - Plan.Rows.Single(r => r.Id == id).Euro(year);
            var difference = Findings.In(plan).FirstOrDefault(f => f.Number == "D2")?.Difference?.Amount ?? 0;
            return difference == 1_500_000 - (change * 100);
        });
    }

    [Theory]
    [InlineData("\"U3-P5\"", "\"U3-P4\"", "U3-P4 is there twice")]
    [InlineData("\"2022\": 15000", "\"2022\": -1", "U3-P4 has -1 EUR")]
    [InlineData("\"2022\": 15000", "\"2022\": 15000.5", "whole euro")]
    [InlineData("\"2022\": 15000", "\"2021\": 15000", "U3-P4 has the year 2021")]
    [InlineData("\"2022\": 15000", "\"2022\": \"maybe\"", "\"tick\" or \"nn\"")]
    [InlineData("\"currency\": \"EUR\"", "\"currency\": \"USD\"", "USD")]
    [InlineData("\"frame\"", "\"frames\"", "does not fit")]
    public void A_wrong_file_is_refused_whole_with_its_fault(string what, string by, string fault)
    {
        Assert.Contains(what, Json, StringComparison.Ordinal);

        var refused = Assert.Throws<InvalidDataException>(() => ActionPlan.Parse(Json.Replace(what, by, StringComparison.Ordinal)));

        Assert.Contains(fault, refused.Message, StringComparison.Ordinal);
    }

    private static ActionPlan With(ActionPlan plan, string id, int year, long euro) => plan with
    {
        Measures = [.. plan.Measures.Select(m => m with
        {
            Rows = [.. m.Rows.Select(r => r.Id != id ? r : r with
            {
                Years = new Dictionary<int, Printed>(r.Years) { [year] = new(PlannedState.Amount, euro) },
            })],
        })],
    };
}
