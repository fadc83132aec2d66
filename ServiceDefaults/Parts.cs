using Marten;
using Marten.Services.BatchQuerying;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// Parts of aggregates are read and written all at once, those of each kind in one statement: a group of commands has
/// as many of them as commands, and one by one they cost the database as much as the events did.
/// </summary>
internal static class Parts
{
    /// <summary>Parts that are written when their session is saved; of several states the last one.</summary>
    public static readonly Gathered<(Type Kind, string Key, object State)> Waiting = new((session, parts) =>
    {
        foreach (var kind in parts.GroupBy(part => part.Kind))
            Write(session, kind.Key, kind.GroupBy(part => part.Key).ToDictionary(part => part.Key, part => part.Last().State));
    });

    private static void Write(IDocumentSession session, Type kind, IReadOnlyDictionary<string, object> parts)
    {
        var serializer = session.DocumentStore.Options.Serializer();
        session.QueueSqlCommand(
            $"""
            insert into {TableOf(session, kind)} (tenant_id, id, data, mt_version, mt_dotnet_type, mt_last_modified)
            select ?, id, data::jsonb, gen_random_uuid(), ?, transaction_timestamp() from unnest(?::text[], ?::text[]) as part (id, data)
            on conflict (tenant_id, id) do update set data = excluded.data, mt_version = excluded.mt_version, mt_last_modified = excluded.mt_last_modified
            """,
            session.TenantId,
            kind.FullName!,
            parts.Keys.ToArray(),
            parts.Values.Select(serializer.ToJson).ToArray());
    }

    private static string TableOf(IDocumentSession session, Type kind) =>
        session.DocumentStore.Options.FindOrResolveDocumentType(kind).TableName.QualifiedName;

    /// <summary>Parts of one kind that a group asks for.</summary>
    internal abstract class Read
    {
        protected HashSet<string> Keys { get; } = [];

        public void Ask(string key) => Keys.Add(key);

        public abstract void Send(IBatchedQuery query, IDocumentSession session);
    }

    /// <summary>The same, of this kind.</summary>
    internal sealed class Read<TPart> : Read
        where TPart : class, IPart<TPart>
    {
        private Task<IReadOnlyList<TPart>> _read = Task.FromResult<IReadOnlyList<TPart>>([]);
        private Dictionary<string, TPart>? _found;

        // Key by key in the index: of a young store the planner has no statistics, and
        // would read all of it for several keys at once.
        public override void Send(IBatchedQuery query, IDocumentSession session) => _read = query.Query<TPart>(
            $"""
            select part.data from unnest(?::text[]) as asked (id)
            cross join lateral (select data from {TableOf(session, typeof(TPart))} p where p.tenant_id = ? and p.id = asked.id limit 1) part
            """,
            Keys.ToArray(),
            session.TenantId);

        /// <summary>What was read; null where there is none.</summary>
        public TPart? Found(string key) => (_found ??= _read.GetAwaiter().GetResult().ToDictionary(part => part.Id)).GetValueOrDefault(key);
    }
}
