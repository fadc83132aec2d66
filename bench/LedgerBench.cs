using System.Text.Json;
using KkiMesh.Contracts;
using KkiMesh.Funding;
using KkiMesh.ServiceDefaults;
using KkiMesh.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace KkiMesh.Bench;

/// <summary>
/// What the ledger takes: the funding service itself, with its relay, asked as its endpoints ask it; no HTTP.
/// </summary>
internal static class LedgerBench
{
    private const int Callers = 64;
    private const string Hot = "U6-A2";
    // Most of what is recorded is of the day itself.
    private static readonly DateOnly Day = BusinessDate.Of(TimeProvider.System.GetUtcNow());

    // Rows that have the money of 2022 for a reservation of a cent at each command.
    private static readonly string[] Rows = ["U2-A1+A2", "U3-A1", "U3-A3", "U3-P1", "U3-P3", "U3-P4", "U3-P6", "U3-P7", "U4-A2", "U6-A1", Hot, "U6-P2", "U6-A3", "U6-P3b"];

    public static async Task RunAsync(Session session)
    {
        var many = session.Figure("ledger, many rows", $"reservations on {Rows.Length} rows, {Callers} callers, against single-row commits by Npgsql on as many connections", goal: Goal.AtLeast(0.5));
        var hot = session.Figure("ledger, one row", "the same on one row", goal: Goal.AtLeast(0.5));
        await using var place = await session.NewPlaceAsync();
        await using var registry = await Publisher.StartAsync(place, "registry");
        await using var funding = await RunningService.StartAsync<PlanRow>(place, "funding", registry);
        var groups = funding.Services.GetRequiredService<CommandGroups>();
        await using var raw = await session.NewPlaceAsync();
        await using var postgres = await RawPostgres.StartAsync(await raw.DatabaseAsync("raw"), Callers, session.Token);
        var text = new string('x', 200);
        await session.InRoundsAsync(async counts =>
        {
            var onMany = await Rate(session, caller => ReserveAsync(groups, Rows[caller % Rows.Length]));
            var onOne = await Rate(session, _ => ReserveAsync(groups, Hot));
            var single = await Rate(session, caller => postgres.CommitAsync(caller, text, session.Token));
            if (!counts)
                return;
            many.Ratio(onMany, single);
            hot.Ratio(onOne, single);
        });
    }

    private static Task<double> Rate(Session session, Func<int, Task> once) => Load.RateAsync(Callers, session.Scaled(TimeSpan.FromSeconds(5)), once, session.Token);

    private static async Task ReserveAsync(CommandGroups groups, string row)
    {
        var id = new ReservationId(Guid.CreateVersion7());
        var (cause, receipt) = (new Cause("gorenjska", "bench", "treasurer", Guid.CreateVersion7().ToString(), null), Guid.CreateVersion7().ToString());
        var outcome = await groups.SaveAsync(new WaitingCommand<PlanRow, Reservation>(
            cause, row, id.ToString(), receipt, (plan, _) => plan!.Reserve(id, 2022, Money.Eur(1), null, "Merjenje", null, Day), Answer, CancellationToken.None));
        if (outcome.Refusal is { } refusal)
            throw new InvalidOperationException(refusal.Reason);

        CommandReceipt Answer(Reservation? state) =>
            new(receipt, "", 201, null, JsonSerializer.Serialize(state, ContractJson.Options));
    }
}
