using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>
/// Reminds of contributions that are due soon (<c>Contributions:RemindDaysBefore</c>,
/// 14 by default) or overdue, by public events.
/// </summary>
internal sealed class RemindContributions(
    IDocumentStore store, OwnDecisions own, ClosedStreams closedStreams, TimeProvider time, IConfiguration configuration, ILogger<RemindContributions> log) : BackgroundService
{
    private const int AtOnce = 100;
    private const int MostDaysBefore = 365;
    private readonly int _daysBefore = Math.Clamp(configuration.GetValue("Contributions:RemindDaysBefore", 14), 0, MostDaysBefore);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Rounds.EachMinuteAsync(time, configuration, log, "remind of contributions", isAtOnce: true, RemindAsync, stoppingToken);

    // Two replicas may find the same ones: the second decision finds that it is done. None is found that has nothing to
    // be reminded of, so that these cannot crowd the others out.
    private async Task RemindAsync(string region, CancellationToken ct)
    {
        var today = BusinessDate.Of(time.GetUtcNow());
        var (soon, day1, day15, day30) = (today.AddDays(_daysBefore), today.AddDays(-1), today.AddDays(-15), today.AddDays(-30));
        var closed = await closedStreams.OfAsync(region, ct);
        await using var session = store.QuerySession(region);
        var due = await session.Query<Contribution>()
            .Where(c => c.State == ContributionState.Called || c.State == ContributionState.PartlyReceived)
            .Where(c => (c.DueOn <= soon && c.Reminded < 0) || (c.DueOn <= day1 && c.Reminded < 1) || (c.DueOn <= day15 && c.Reminded < 15) || (c.DueOn <= day30 && c.Reminded < 30))
            .Where(c => !closed.Contains(c.Id))
            .Take(AtOnce).ToListAsync(ct);
        foreach (var contribution in due)
            await own.On<Contribution>(region, "funding.remind-contributions", contribution.Id, c => c?.Remind(today, _daysBefore) ?? [], ct);
    }
}
