using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

internal static class ImportStatement
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/bank-statements", Handle)
        .AsCreation<BankStatement>("Takes a bank statement in (camt.053, application/xml) and matches its entries by their references", Roles.Treasurer)
        .WithBodyUpTo(Camt053.LargestFile)
        .ProducesProblem(415)
        .Accepts<string>("application/xml");

    private static async Task<IResult> Handle(Command command, HttpRequest body, OwnAccounts accounts, IDocumentStore store, CancellationToken ct)
    {
        var file = Camt053.Read(body.Body, command.Today);
        if (accounts.Find(command.Region, file.Iban) is null)
            return Problems.Of(accounts.WhyNot(command.Region, file.Iban, "body"));
        var key = Key(file);
        await using var session = store.LightweightSession(command.Region);
        using var turn = await Turn.TakeAsync(session, PaymentAtBank.Turn, ct);
        var payments = await WaitingAsync(session, [.. file.Entries.Select(MatchEntries.Named).OfType<Guid>().Distinct()], ct);
        var called = file.Entries.Select(MatchEntries.Called).OfType<(int Year, string Municipality)>().Distinct().Select(c => Contribution.Stream(c.Year, c.Municipality));
        IReadOnlyList<BankEntry> read = [.. file.Entries.Select(e => e with { BankTransaction = e.BankTransaction ?? BankStatement.Numbered(key, e.Number) })];
        var booked = await BookedTransaction.AmongAsync(session, [.. read.Select(e => e.BankTransaction!)], ct);
        var entries = MatchEntries.Match(read, payments, await session.LoadManyAsync<Contribution>(ct, [.. called]), booked);
        return await command.Start<BankStatement>(
            BankStatement.Of(key),
            [
                new StatementImported(file.Iban, file.Id, file.Sequence, file.Opening, file.Closing, entries, command.Today),
                .. entries.Where(e => e.Municipality is not null).Select(e => BankStatement.Received(key, e, e.Year!.Value, e.Municipality!, SiReference.Parse(e.Reference!)!.ToString())),
            ],
            $"bank-statements/{key}");
    }

    private static async Task<IReadOnlyList<Payment>> WaitingAsync(IQuerySession session, Guid[] named, CancellationToken ct)
    {
        var settled = (await session.LoadManyAsync<PaymentAtBank>(ct, named)).Where(p => p.SettledOn is not null).Select(p => p.Id).ToHashSet();
        return [.. (await session.LoadManyAsync<Payment>(ct, named)).Where(p => !p.IsReversed && !settled.Contains(p.Id))];
    }

    // The address of a statement does not tell the account.
    private static string Key(StatementFile file) => Convert.ToHexStringLower(
        System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes($"{file.Iban}\n{file.Id}\n{file.Sequence}")).AsSpan(0, 16));
}
