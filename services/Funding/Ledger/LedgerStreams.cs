using KkiMesh.Contracts;
using Marten;

namespace KkiMesh.Funding;

/// <summary>What the ledger's streams are called: a row by its id, all else by a kind and a name, <c>findings/D2</c>.</summary>
internal static class LedgerStreams
{
    public const string Findings = "findings";
    public const string Missing = "missing";
    public const string Keys = "contribution-keys";
    public const string AnnualPlans = "annual-plans";
    public const string Contributions = "contributions";
    public const string MemoLines = "memo-lines";

    /// <summary>Where Marten keeps the numbers of transactions that were rolled back.</summary>
    public const string Tombstones = "mt_tombstone";

    /// <summary>What comes before the slash; the stream itself where there is none.</summary>
    public static string KindOf(string stream) => stream.Split('/')[0];

    /// <summary>The events' types by the names under which they are stored, private ones too.</summary>
    public static IReadOnlyDictionary<string, Type> TypesOf(IDocumentStore store) =>
        store.Options.Events.AllKnownEventTypes().Where(t => PublicEvents.TypeOf(t.EventType) is null || PublicEvents.TypeOf(t.EventType) == t.EventTypeName)
            .ToDictionary(t => t.EventTypeName, t => t.EventType);
}
