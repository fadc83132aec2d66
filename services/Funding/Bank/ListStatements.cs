using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

internal static class ListStatements
{
    public static void Map(RouteGroupBuilder group)
    {
        group.MapGet("/bank-statements", List)
            .WithName("listBankStatements")
            .WithSummary(
                "Lists bank statements without their entries, the newest first; where asked, those that wait for a person, "
                + "or those that have booked a payment, with that entry")
            .Produces<Page<BankStatement>>().ProducesProblem(400)
            .For(Roles.Treasurer, Roles.Auditor);
        group.MapGet("/bank-statements/{key}", Get)
            .WithName("showBankStatement")
            .WithSummary("Shows a bank statement with its entries, or only those that wait for a person")
            .Produces<BankStatement>().ProducesProblem(404)
            .For(Roles.Treasurer, Roles.Auditor);
    }

    private static async Task<IResult> List(
        string region, bool? isOpen, Guid? payment, [AsParameters] Paging paging, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        IQueryable<BankStatement> statements = session.Query<BankStatement>();
        if (isOpen is { } open)
            statements = open ? statements.Where(s => s.Open > 0) : statements.Where(s => s.Open == 0);
        if (payment is not null)
            statements = statements.Where(s => s.Entries.Any(e => e.PaymentId == payment));
        var page = await paging.Of(statements.OrderByDescending(s => s.ImportedOn).ThenBy(s => s.Id), ct);
        return Results.Ok(page with { Items = [.. page.Items.Select(s => s with { Entries = [.. s.Entries.Where(e => payment is not null && e.PaymentId == payment)] })] });
    }

    private static async Task<IResult> Get(string region, string key, bool? isOpen, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        return await session.LoadAsync<BankStatement>(BankStatement.Of(key), ct) is { } statement
            ? Results.Ok(isOpen is { } open ? statement with { Entries = [.. statement.Entries.Where(e => e.Status == EntryStatus.Open == open)] } : statement)
            : Problems.Of(Refusal.NotFound($"There is no bank statement {key} in {region}."));
    }
}
