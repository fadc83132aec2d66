using System.Security.Claims;
using System.Threading.RateLimiting;
using Grpc.Core;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;
using Wire = Kki.Funding.V1;

namespace KkiMesh.Funding;

/// <summary>
/// Streams of a row's transactions, a batch after the other; who follows hears of new ones within a second or two.
/// </summary>
internal sealed class StreamPostings(IDocumentStore store, TimeProvider time, IHostApplicationLifetime host) : IDisposable
{
    private const int Batch = 100;
    private const int MostOfOne = 10;
    private const int MostOfVisitors = 50;
    private const int MostOfAll = 200;
    private const string Visitors = "";

    // Without a sign of life the gateway would end a stream on which nothing happens.
    private const int LooksBetweenSigns = 10;
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(1);

    private readonly PartitionedRateLimiter<string> _open = PartitionedRateLimiter.CreateChained(
        Limit(_ => "", _ => MostOfAll), Limit(caller => caller, caller => caller is Visitors ? MostOfVisitors : MostOfOne));

    /// <summary>Writes what is asked for.</summary>
    /// <param name="request">From where on, and whether to go on when all has been told.</param>
    /// <param name="answer">Where to.</param>
    /// <param name="context">The call, in its region.</param>
    /// <exception cref="RefusedException">404, where there is no such row; 429;
    /// 503, when the service stops.</exception>
    public async Task WriteAsync(Wire.StreamPostingsRequest request, IServerStreamWriter<Wire.StreamPostingsResponse> answer, ServerCallContext context)
    {
        if (request.FromSequence < 0)
            throw new RefusedException(Refusal.Invalid("fromSequence", "A transaction's number is 1 or more."));
        using var lease = _open.AttemptAcquire(context.GetHttpContext().User.FindFirstValue("sub") ?? Visitors);
        if (!lease.IsAcquired)
            throw new RefusedException(new Refusal(StatusCodes.Status429TooManyRequests, $"Too many streams are open: {MostOfOne} for each caller at the most."));
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, host.ApplicationStopping);
        try
        {
            await WriteAsync(request, answer, end.Token);
        }
        catch (OperationCanceledException) when (host.ApplicationStopping.IsCancellationRequested)
        {
            throw new RefusedException(new Refusal(StatusCodes.Status503ServiceUnavailable, "The service stops; go on from next_sequence."));
        }
    }

    /// <inheritdoc />
    public void Dispose() => _open.Dispose();

    private async Task WriteAsync(Wire.StreamPostingsRequest request, IServerStreamWriter<Wire.StreamPostingsResponse> answer, CancellationToken ct)
    {
        var last = Math.Max(1, request.FromSequence) - 1;
        for (var look = 0; ; look++)
        {
            IReadOnlyList<LedgerTransaction> found;
            await using (var session = store.QuerySession(request.Region))
            {
                if (look == 0 && await session.Events.FetchStreamStateAsync(request.Row, ct) is null)
                    throw new RefusedException(Refusal.NotFound($"The plan of {request.Region} has no row {request.Row}."));
                found = await ListTransactions.ReadAsync(session, request.Row, last, Batch, ct);
            }

            last += found.Count;
            if (found.Count > 0 || look % LooksBetweenSigns == 0)
                await answer.WriteAsync(new Wire.StreamPostingsResponse { Transactions = { found.Select(t => t.Write()) }, NextSequence = last + 1 }, ct);
            if (found.Count == Batch)
                continue;
            if (!request.Follow)
                return;
            await Task.Delay(BetweenLooks, time, ct);
        }
    }

    private static PartitionedRateLimiter<string> Limit(Func<string, string> of, Func<string, int> most) => PartitionedRateLimiter.Create<string, string>(
        caller => RateLimitPartition.GetConcurrencyLimiter(of(caller), key => new ConcurrencyLimiterOptions { PermitLimit = most(key), QueueLimit = 0 }));
}
