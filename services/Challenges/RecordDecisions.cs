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
        for (var (last, count) = ("", MostAtOnce); count == MostAtOnce;)
        {
            var concluded = await session.Query<Challenge>()
                .Where(c => c.Status == ChallengeStatus.Concluded && c.Record == null && c.Id.CompareTo(last) > 0)
                .OrderBy(c => c.Id).Select(c => c.Id).Take(MostAtOnce).ToListAsync(ct);
            foreach (var challenge in concluded)
                await RecordAsync(session, region, challenge, ct);
            (last, count) = (concluded.Count > 0 ? concluded[^1] : last, concluded.Count);
        }
    }

    // One that cannot be read, or is closed until it is mended, keeps no other from being recorded.
    private async Task RecordAsync(IQuerySession session, string region, string challenge, CancellationToken ct)
    {
        try
        {
            var (hash, entries) = await DecisionRecord.OfAsync(session, challenge, ct);
            await own.On<Challenge>(region, "challenges.record-decisions", challenge, state => state?.Keep(hash, entries) ?? [], ct);
        }
        catch (Exception e) when (ClosedStreams.IsOfTheStream(e) || e is RefusedException)
        {
            log.LogWarning("What the challenge {Challenge} of {Region} was decided on is not recorded: {Reason}", challenge, region, e.Message);
        }
    }
}
