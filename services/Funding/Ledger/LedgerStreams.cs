using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;
using Npgsql;

namespace KkiMesh.Funding;

/// <summary>What is done with a stream, whatever it holds.</summary>
internal interface IStreamWork<TResult>
{
    /// <summary>Does it.</summary>
    Task<TResult> DoAsync<T>(string stream)
        where T : class, IAggregate<T>;
}

/// <summary>
/// What the ledger's streams are called: a row by its id, all else by a kind and a name, <c>findings/D2</c>.
/// </summary>
internal static class LedgerStreams
{
    public const string AnnualPlans = "annual-plans";
    public const string BankStatements = "bank-statements";
    public const string Contributions = "contributions";
    public const string Findings = "findings";
    public const string Keys = "contribution-keys";
    public const string MemoLines = "memo-lines";
    public const string Missing = "missing";
    public const string PaymentOrders = "payment-orders";

    /// <summary>
    /// Which streams the ledger has; what Marten keeps for numbers that were rolled back is none of it.
    /// </summary>
    public const string Ids = "select id from mt_streams where tenant_id = $1 and id <> 'mt_tombstone' union select distinct stream_id from mt_events where tenant_id = $1 and stream_id <> 'mt_tombstone'";

    /// <summary>Reads names of streams, in the order of their letters, as the ledger sorts everywhere.</summary>
    /// <param name="database">The ledger's.</param>
    /// <param name="sql">Selects them; $1 is the region.</param>
    /// <param name="region">The tenant.</param>
    /// <param name="ct">Gives up.</param>
    public static async Task<IReadOnlyList<string>> StreamsAsync(this NpgsqlDataSource database, string sql, string region, CancellationToken ct)
    {
        await using var read = database.CreateCommand(sql);
        read.Parameters.AddWithValue(region);
        await using var reader = await read.ExecuteReaderAsync(ct);
        var streams = new List<string>();
        while (await reader.ReadAsync(ct))
            streams.Add(reader.GetString(0));
        return [.. streams.Order(StringComparer.Ordinal)];
    }

    /// <summary>Does something with a stream, as what it holds.</summary>
    public static Task<TResult> DoAsync<TResult>(this IStreamWork<TResult> work, string stream) => stream.Split('/')[0] switch
    {
        AnnualPlans => work.DoAsync<AnnualPlan>(stream),
        BankStatements => work.DoAsync<BankStatement>(stream),
        Contributions => work.DoAsync<Contribution>(stream),
        Findings => work.DoAsync<FindingDecision>(stream),
        Keys => work.DoAsync<ContributionKey>(stream),
        MemoLines => work.DoAsync<MemoLine>(stream),
        Missing => work.DoAsync<MissingRow>(stream),
        PaymentOrders => work.DoAsync<PaymentOrder>(stream),
        SealedLedger.Stream => work.DoAsync<SealedLedger>(stream),
        _ => work.DoAsync<PlanRow>(stream),
    };

    /// <summary>The events' types by the names under which they are stored, private ones too.</summary>
    public static IReadOnlyDictionary<string, Type> TypesOf(IDocumentStore store) =>
        store.Options.Events.AllKnownEventTypes().Where(t => PublicEvents.TypeOf(t.EventType) is null || PublicEvents.TypeOf(t.EventType) == t.EventTypeName)
            .ToDictionary(t => t.EventTypeName, t => t.EventType);
}
