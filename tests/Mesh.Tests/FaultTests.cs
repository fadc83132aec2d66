using System.Globalization;
using KkiMesh.TestKit;

namespace KkiMesh.Mesh.Tests;

/// <summary>
/// A steady load while every part fails in every way, and then a count. One seed gives one run: <c>MESH_FAULT_SEED</c>
/// repeats it, <c>MESH_FAULT_SECONDS</c> makes it about so long, and <c>MESH_FAULT_KINDS</c> (names of <see
/// cref="FaultKind"/>, by commas) chooses what fails. docs/tests.md tells more.
/// </summary>
[Collection<OnWholeMesh>]
public sealed class FaultTests(WholeMesh mesh, ITestOutputHelper output)
{
    private const int SecondsAFault = 4;
    private static readonly TimeSpan LongestFault = TimeSpan.FromSeconds(Sizes.Of(3, 20));

    [Fact]
    public async Task Nothing_is_lost_and_nothing_takes_effect_twice_whatever_fails()
    {
        var seed = Setting("MESH_FAULT_SEED", Random.Shared.Next());
        var seconds = Setting("MESH_FAULT_SECONDS", Sizes.Of(25, 600));
        var plan = FaultPlan.Draw(seed, seconds / SecondsAFault, Kinds, LongestFault);
        Tell($"MESH_FAULT_SEED={seed} MESH_FAULT_SECONDS={seconds} MESH_FAULT_KINDS={string.Join(',', Kinds)}");
        foreach (var fault in plan.Kept.Concat(plan.Forgotten))
            output.WriteLine($"  {fault}");

        using var client = mesh.Client();
        // In a short run tokens are good for longer than it takes; in a long one who signs in waits for the issuer.
        foreach (var who in (string[])["member", "juror", "coordinator", "treasurer", "operator"])
            await mesh.Tokens.ForAsync(who);
        var load = new FaultLoad(client, seed);
        var money = new TreasurersMoney(mesh, client, new Random(seed));
        await money.BeginAsync();
        var counts = new FaultCounts(mesh, client, load, Kinds, Tell);
        var injector = new FaultInjector(mesh, load, Tell);

        // First what a broker or a database survives: all that was confirmed is still in an outsider's queue.
        await using (var outsider = await Outsider.BeginAsync(mesh.Servers))
        {
            await counts.BeginAsync();
            await UnderLoadAsync(load, money, injector, plan.Kept);
            var missing = await outsider.ReadAsync(await counts.PublicEventsAsync());
            Assert.True(missing.Count == 0, $"{missing.Count} events never came to an outsider's queue, e.g. {string.Join(' ', missing.Take(3))}.");
            await counts.CheckAsync(money.CheckAsync());
            // Histories mend what was lost; here nothing may be lost that they have to mend.
            Assert.Empty(counts.TakenFromHistories());
        }

        // Then also what they forget: the histories know.
        if (plan.Forgotten.Count > 0)
        {
            await UnderLoadAsync(load, money, injector, plan.Forgotten);
            await counts.CheckAsync(money.CheckAsync());
            foreach (var line in counts.TakenFromHistories())
                Tell(line);
        }

        Tell($"{injector.Deaths} deaths of the broker, {injector.Unconfirmed} events unconfirmed at them");
        Assert.True(
            injector.Deaths == 0 || injector.Unconfirmed > 0, "No broker died while something was unconfirmed: the test missed what it is for.");
        Assert.True(money.Accepted > 20);
    }

    private static IReadOnlyCollection<FaultKind> Kinds => Environment.GetEnvironmentVariable("MESH_FAULT_KINDS") is { Length: > 0 } names
        ? [.. names.Split(',').Select(n => Enum.Parse<FaultKind>(n, ignoreCase: true)).Distinct()]
        : Enum.GetValues<FaultKind>();

    // A load that fails fails the test at once, and what was begun is ended all the same.
    private static async Task UnderLoadAsync(
        FaultLoad load, TreasurersMoney money, FaultInjector injector, IReadOnlyList<Fault> faults)
    {
        using var stop = new CancellationTokenSource();
        var people = Task.WhenAll(load.RunAsync(stop.Token), money.SpendAsync(stop.Token));
        try
        {
            foreach (var fault in faults)
                await injector.InjectAsync(fault);
        }
        finally
        {
            await stop.CancelAsync();
            await people;
        }
    }

    private void Tell(string line) =>
        output.WriteLine($"{TimeProvider.System.GetUtcNow().ToString("HH:mm:ss.f", CultureInfo.InvariantCulture)} {line}");

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value) ? value : otherwise;
}
