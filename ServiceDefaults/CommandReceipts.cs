using Marten;
using Npgsql;

namespace KkiMesh.ServiceDefaults;

/// <summary>The first answer to an idempotency key, saved with its effect.</summary>
/// <param name="Id">Hash of region, actor, operation and key.</param>
/// <param name="Fingerprint">Hash of the request.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Location">The address of what was created.</param>
/// <param name="Body">The answer, as text: the database would put the properties of JSON in another order.</param>
internal sealed record CommandReceipt(string Id, string Fingerprint, int Status, string? Location, string Body);

/// <summary>
/// Receipts in a plain table, read and written a group at a time: as documents they took a third of what commands cost.
/// </summary>
internal static class CommandReceipts
{
    /// <summary>Makes the table.</summary>
    public const string Table =
        """
        create table if not exists command_receipts (
            id text primary key, fingerprint text not null, status integer not null, location text, body text not null, at timestamptz not null);
        create index if not exists command_receipts_at on command_receipts (at)
        """;

    /// <summary>How long they are kept, by the database's clock.</summary>
    public static readonly Aged Age = new("command_receipts", "at", TimeSpan.FromDays(7));

    /// <summary>Those of these keys that are there, in the session's transaction.</summary>
    public static async Task<Dictionary<string, CommandReceipt>> ReadReceiptsAsync(this IDocumentSession session, string[] ids)
    {
        await using var read = new NpgsqlCommand("select r.id, fingerprint, status, location, body from unnest($1) as asked (id) join command_receipts r using (id)");
        read.Parameters.AddWithValue(ids.Distinct().ToArray());
        await using var reader = await session.ExecuteReaderAsync(read);
        var receipts = new Dictionary<string, CommandReceipt>();
        while (await reader.ReadAsync())
        {
            receipts[reader.GetString(0)] = new CommandReceipt(
                reader.GetString(0),
                reader.GetString(1),
                reader.GetInt32(2),
                await reader.IsDBNullAsync(3) ? null : reader.GetString(3),
                reader.GetString(4));
        }

        return receipts;
    }

    /// <summary>Saves new ones with the session; one of a key that is there already fails all of it.</summary>
    public static void SaveReceipts(this IDocumentSession session, IReadOnlyCollection<CommandReceipt> receipts)
    {
        if (receipts.Count == 0)
            return;
        session.QueueSqlCommand(
            """
            insert into command_receipts (id, fingerprint, status, location, body, at)
            select *, transaction_timestamp() from unnest(?::text[], ?::text[], ?::integer[], ?::text[], ?::text[])
            """,
            receipts.Select(r => r.Id).ToArray(),
            receipts.Select(r => r.Fingerprint).ToArray(),
            receipts.Select(r => r.Status).ToArray(),
            receipts.Select(r => r.Location).ToArray(),
            receipts.Select(r => r.Body).ToArray());
    }
}
