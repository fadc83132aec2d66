namespace KkiMesh.Mesh.Tests;

/// <summary>A seed draws the whole run before anything fails.</summary>
[Collection<Apart>]
public sealed class FaultPlanTests
{
    private static readonly FaultKind[] All = Enum.GetValues<FaultKind>();
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(3);

    [Fact]
    public void One_seed_gives_one_plan_and_another_seed_another_one()
    {
        Assert.Equal(Lines(7), Lines(7));
        Assert.NotEqual(Lines(7), Lines(8));
    }

    [Fact]
    public void Every_part_is_killed_and_every_kind_comes_and_what_forgets_comes_last()
    {
        var plan = FaultPlan.Draw(7, 40, All, Longest);

        Assert.Equal(40, plan.Kept.Count + plan.Forgotten.Count);
        Assert.Equal(All.Order(), plan.Kept.Concat(plan.Forgotten).Select(f => f.Kind).Distinct().Order());
        Assert.Equal(13, plan.Kept.Where(f => f.Kind == FaultKind.Kill).SelectMany(f => f.Parts).Distinct().Count());
        Assert.DoesNotContain(plan.Kept, f => f.Kind is FaultKind.WipeBroker or FaultKind.RestoreDatabase);
    }

    [Fact]
    public void A_broker_dies_in_a_burst_and_the_first_time_it_hangs_before()
    {
        var plan = FaultPlan.Draw(7, 60, All, Longest);
        var deaths = plan.Kept.Concat(plan.Forgotten).Where(f => f.EndsBroker).ToList();

        Assert.NotEmpty(deaths);
        Assert.All(deaths, d => Assert.InRange(d.Burst, 100, 200));
        Assert.Contains(deaths, d => d.For > TimeSpan.Zero);
    }

    [Fact]
    public void Consumers_die_in_a_burst_that_they_have_in_hand()
    {
        var kills = FaultPlan.Draw(7, 60, All, Longest).Kept.Where(f => f.Kind == FaultKind.Kill && !f.EndsBroker);
        var full = kills.Where(f => f.Burst > 0).ToList();

        Assert.NotEmpty(full);
        Assert.All(full, f => Assert.Contains(f.Parts, FaultPlan.IsConsumer));
        Assert.All(full, f => Assert.InRange(f.For.TotalMilliseconds, 500, 1000));
    }

    private static List<string> Lines(int seed)
    {
        var plan = FaultPlan.Draw(seed, 30, All, Longest);
        return [.. plan.Kept.Concat(plan.Forgotten).Select(f => f.ToString())];
    }
}
