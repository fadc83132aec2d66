using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Challenges;

/// <summary>
/// Records what concluded challenges were decided on. By then no idea and no score can come any more: who enters or
/// scores one looks at the challenge, on which nobody decides meanwhile.
/// </summary>
internal sealed class RecordDecisions(
    IDocumentStore store, OwnDecisions own, TimeProvider time, IConfiguration configuration, ILogger<RecordDecisions> log)
    : BackgroundService
{
    private const int MostAtOnce = 100;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Rounds.EachMinuteAsync(time, configuration, log, "record decisions", isAtOnce: true, RecordAsync, stoppingToken);

    private async Task RecordAsync(string region, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        var concluded = await session.Query<Challenge>()
            .Where(c => c.Status == ChallengeStatus.Concluded && c.Record == null)
            .OrderBy(c => c.Id).Select(c => c.Id).Take(MostAtOnce).ToListAsync(ct);
        foreach (var challenge in concluded)
        {
            var (hash, entries) = await DecisionRecord.OfAsync(session, challenge, ct);
            await own.On<Challenge>(region, "challenges.record-decisions", challenge, state => state?.Keep(hash, entries) ?? [], ct);
        }
    }
}
