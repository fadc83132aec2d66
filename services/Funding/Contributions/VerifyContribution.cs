using System.Text.Json;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;
using Npgsql;

namespace KkiMesh.Funding;

/// <summary>Walks the chain of a contribution, as <see cref="VerifyLedger"/> does with a row's.</summary>
internal sealed class VerifyContribution(IQuerySession session, NpgsqlConnection connection, string region, string id)
{
    private const int MostFaults = 100;
    private static readonly Dictionary<string, Type> Types = PublicEvents.In(typeof(PublicEventAttribute).Assembly).ToDictionary();
    private readonly List<LedgerFault> _faults = [];
    private Contribution? _made;
    private string? _head;

    public static bool Is(string stream) => stream.StartsWith("contributions/", StringComparison.Ordinal);

    public async Task<(IReadOnlyList<LedgerFault> Faults, long Transactions)> RunAsync(CancellationToken ct)
    {
        var version = 0L;
        await foreach (var e in Chain.ReadAsync(connection, region, id, ct))
        {
            (version, _head) = (e.Version, e.Hash);
            if (e.Fault is { } fault)
                Found(e.Version, fault);
            Take(e);
            if (_faults.Count >= MostFaults)
                return (_faults, version);
        }

        if (await session.Events.FetchStreamStateAsync(id, ct) is not { } state || state.Version != version)
            Found(null, $"{version} transactions are there, and not as many as were recorded.");
        var made = _made is null || _head is null ? _made : (Contribution)_made.WithHead(_head);
        if (Text(await session.LoadAsync<Contribution>(id, ct)) != Text(made))
            Found(null, "Its stored state is not what the transactions give.");
        return (_faults, version);
    }

    private void Take(ChainedEvent e)
    {
        try
        {
            _made = Contribution.Apply(_made, id, JsonSerializer.Deserialize(e.Data, Types[e.Type], ContractJson.Options)!);
            if (_made is { } c && (c.Called.Amount - c.Outstanding.Amount + c.Credit.Amount != c.Received.Amount
                || Math.Min(c.Outstanding.Amount, c.Credit.Amount) != 0 || c.Received.Amount < 0))
                Found(e.Version, "What is called, outstanding, credit and received do not fit together after it.");
        }
        catch (Exception problem) when (problem is JsonException or KeyNotFoundException or InvalidOperationException or OverflowException)
        {
            Found(e.Version, $"It cannot be applied: {problem.Message}");
        }
    }

    private void Found(long? transaction, string what) => _faults.Add(new LedgerFault(id, transaction, what));

    private static string Text(Contribution? state) => JsonSerializer.Serialize(state, ContractJson.Options);
}
