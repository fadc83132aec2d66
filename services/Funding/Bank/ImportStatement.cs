using System.Security.Cryptography;
using System.Text;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>What was taken in.</summary>
/// <param name="Statements">The file's statements, in its order.</param>
public sealed record ImportedStatements(IReadOnlyList<BankStatement> Statements);

internal static class ImportStatement
{
    // So many statements of one day are looked at.
    private const int MaxSameDay = 20;

    private sealed record Read(StatementFile File, string Key, string? Warning = null);

    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/bank-statements", Handle)
        .AsCreation<ImportedStatements>(
            "Takes bank statements in (camt.053) and matches their entries by their references", Roles.Treasurer)
        .DecidesOnNobody("what the bank says")
        .WithBodyUpTo(Camt053.LargestFile)
        .ProducesProblem(415)
        .Accepts<string>("application/xml", "text/xml");

    private static async Task<IResult> Handle(Command command, HttpRequest body, OwnAccounts accounts, IDocumentStore store, CancellationToken ct)
    {
        var charset = body.GetTypedHeaders().ContentType?.Charset.Value?.Trim('"');
        var files = Camt053.Read(await BytesAsync(body, ct), charset, command.Today);
        if (files.FirstOrDefault(f => accounts.Find(command.Region, f.Iban) is null) is { } foreign)
            return Problems.Of(accounts.WhyNot(command.Region, foreign.Iban, "body"));
        IReadOnlyList<Read> read = [.. files.Select(file => new Read(file, Key(file)))];
        if (read.DistinctBy(r => r.Key).Count() < read.Count)
            return Problems.Of(Refusal.Invalid(
                "body", "The file has a statement twice: its account, Id and ElctrncSeqNb."));
        await using var session = store.LightweightSession(command.Region);
        using var turn = await Turn.TakeAsync(session, PaymentAtBank.Turn, ct);
        var matched = await MatchedAsync(session, [.. read.SelectMany(Entries)], ct);
        return await command.StartAll<BankStatement>(
            [.. read.Select(r => BankStatement.Of(r.Key))],
            await KnownAsync(session, files, ct) is { } known
                ? [TakenBefore(known)]
                : Decide(await ContinuedAsync(session, read, ct), matched, command.Today),
            $"bank-statements/{read[0].Key}",
            all => new ImportedStatements(all));
    }

    private static Refusal TakenBefore(BankStatement known) => Refusal.Conflict(
        $"The statement {known.StatementId} of {known.ClosedOn:yyyy-MM-dd} was taken in before: "
        + $"bank-statements/{known.Key}.");

    private static async Task<byte[]> BytesAsync(HttpRequest body, CancellationToken ct)
    {
        using var bytes = new MemoryStream();
        await body.Body.CopyToAsync(bytes, ct);
        return bytes.ToArray();
    }

    private static IEnumerable<BankEntry> Entries(Read read) => read.File.Entries.Select(
        e => e with { BankTransaction = e.BankTransaction ?? BankStatement.Numbered(read.Key, e.Number) });

    // All statements together, so that nothing is booked twice.
    private static async Task<IReadOnlyList<BankEntry>> MatchedAsync(
        IQuerySession session, IReadOnlyList<BankEntry> entries, CancellationToken ct)
    {
        Guid[] named = [.. entries.Select(MatchEntries.Named).OfType<Guid>().Distinct()];
        var payments = await WaitingAsync(session, named, ct);
        var called = entries.Select(MatchEntries.Called).OfType<(int Year, string Municipality)>().Distinct()
            .Select(c => Contribution.Stream(c.Year, c.Municipality));
        var contributions = await session.LoadManyAsync<Contribution>(ct, [.. called]);
        IReadOnlyList<string> transactions = [.. entries.Select(e => e.BankTransaction!).Distinct()];
        var booked = await BookedTransaction.AmongAsync(session, transactions, ct);
        return MatchEntries.Match(entries, payments, contributions, booked);
    }

    private static List<Decision> Decide(
        IReadOnlyList<Read> read, IReadOnlyList<BankEntry> matched, DateOnly today)
    {
        var (decisions, taken) = (new List<Decision>(), 0);
        foreach (var statement in read)
        {
            decisions.Add(Decide(statement, [.. matched.Skip(taken).Take(statement.File.Entries.Count)], today));
            taken += statement.File.Entries.Count;
        }

        return decisions;
    }

    private static Decision Decide(Read read, IReadOnlyList<BankEntry> entries, DateOnly today) =>
    [
        new StatementImported(
            read.File.Iban,
            read.File.Id,
            read.File.Sequence,
            read.File.Opening,
            read.File.Closing,
            entries,
            today,
            read.File.ClosedOn,
            read.Warning),
        .. entries.Where(e => e.Municipality is not null).Select(e => BankStatement.Received(
            read.Key, e, e.Year!.Value, e.Municipality!, SiReference.Parse(e.Reference!)!.ToString())),
    ];

    private static async Task<IReadOnlyList<Payment>> WaitingAsync(IQuerySession session, Guid[] named, CancellationToken ct)
    {
        var settled = (await session.LoadManyAsync<PaymentAtBank>(ct, named)).Where(p => p.SettledOn is not null).Select(p => p.Id).ToHashSet();
        return [.. (await session.LoadManyAsync<Payment>(ct, named)).Where(p => !p.IsReversed && !settled.Contains(p.Id))];
    }

    // Those of the same file go on from each other, too.
    private static async Task<IReadOnlyList<Read>> ContinuedAsync(
        IQuerySession session, IReadOnlyList<Read> read, CancellationToken ct)
    {
        var continued = new List<Read>();
        foreach (var (statement, i) in read.Select((r, i) => (r, i)))
        {
            var file = statement.File;
            var beside = read.Take(i).Select(r => r.File)
                .Where(f => f.Iban == file.Iban && f.ClosedOn <= file.ClosedOn)
                .Select(f => new Continuity.Closed(f.ClosedOn, f.Closing, f.Sequence));
            IReadOnlyList<Continuity.Closed> all = [.. beside, .. await BeforeAsync(session, file, ct)];
            var last = all.Select(c => c.On).DefaultIfEmpty().Max();
            string?[] warnings = [Continuity.Warning(file, [.. all.Where(c => c.On == last)]), file.Warning];
            var warning = string.Join(' ', warnings.OfType<string>());
            continued.Add(statement with { Warning = warning.Length == 0 ? null : warning });
        }

        return continued;
    }

    private static async Task<IReadOnlyList<Continuity.Closed>> BeforeAsync(
        IQuerySession session, StatementFile file, CancellationToken ct)
    {
        var (iban, day) = (file.Iban, file.ClosedOn);
        var before = await session.Query<BankStatement>().Where(s => s.Iban == iban && s.ClosedOn <= day)
            .OrderByDescending(s => s.ClosedOn).Take(MaxSameDay).ToListAsync(ct);
        return [.. before.Select(s => new Continuity.Closed(s.ClosedOn, s.Closing, s.Sequence))];
    }

    // By its names and not by its key, which had no year once.
    private static async Task<BankStatement?> KnownAsync(
        IQuerySession session, IReadOnlyList<StatementFile> files, CancellationToken ct)
    {
        foreach (var (iban, id, sequence, day) in files.Select(f => (f.Iban, f.Id, f.Sequence, f.ClosedOn)))
        {
            var (first, last) = (new DateOnly(day.Year, 1, 1), new DateOnly(day.Year, 12, 31));
            var named = session.Query<BankStatement>()
                .Where(s => s.StatementId == id && s.Iban == iban && s.ClosedOn >= first && s.ClosedOn <= last);
            named = sequence is null ? named.Where(s => s.Sequence == null) : named.Where(s => s.Sequence == sequence);
            if (await named.FirstOrDefaultAsync(ct) is { } known)
                return known;
        }

        return null;
    }

    // The address of a statement does not tell the account. Banks number anew each year.
    private static string Key(StatementFile file)
    {
        var names = Encoding.UTF8.GetBytes($"{file.Iban}\n{file.Id}\n{file.Sequence}\n{file.ClosedOn.Year}");
        return Convert.ToHexStringLower(SHA256.HashData(names).AsSpan(0, 16));
    }
}
