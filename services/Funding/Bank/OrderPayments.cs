using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>Which payments to order.</summary>
/// <param name="From">The first day of the ledger that counts.</param>
/// <param name="To">The last day of the ledger that counts.</param>
/// <param name="ExecuteOn">The day that the bank is asked to pay on; by default
/// today, never before, at most a year ahead.</param>
/// <param name="Iban">The account that pays; by default the only one that the region has.</param>
/// <param name="Version">Which version of the file: <c>03</c> or <c>09</c>; by default 09.</param>
public sealed record OrderRequest(
    DateOnly From,
    DateOnly To,
    DateOnly? ExecuteOn = null,
    [OneLine(42)] string? Iban = null,
    PainVersion Version = PainVersion.V09);

/// <summary>What an order of these days would have.</summary>
/// <param name="Total">What the payments are together.</param>
/// <param name="Lines">The payments, the oldest first: at most 200 in one order.</param>
/// <param name="LeftOut">Those that cannot be ordered.</param>
/// <param name="Warnings">What would be written otherwise, since banks do not take it as it is.</param>
/// <param name="AccountWarnings">What somebody should look at before the order is made: a holder who is not the
/// recipient, an account of several.</param>
public sealed record PaymentOrderDraft(
    Money Total,
    IReadOnlyList<OrderLine> Lines,
    IReadOnlyList<LeftOut> LeftOut,
    IReadOnlyList<TextWarning> Warnings,
    IReadOnlyList<AccountWarning> AccountWarnings);

/// <summary>Something about the account that a payment goes to.</summary>
/// <param name="PaymentId">The payment.</param>
/// <param name="Text">What it is, in a sentence.</param>
public sealed record AccountWarning(Guid PaymentId, string Text);

/// <summary>A text with characters that not every bank of SEPA takes.</summary>
/// <param name="PaymentId">The payment.</param>
/// <param name="Field">Where it stands in its line: <c>to.holder</c> or <c>text</c>.</param>
/// <param name="Text">What it is.</param>
/// <param name="Proposed">What the order's file would have; another agreement, or account, changes it.</param>
public sealed record TextWarning(Guid PaymentId, string Field, string Text, string Proposed);

internal static class OrderPayments
{
    private const int MostLines = 200;
    private const int MostPayments = 5000;

    public static void Map(RouteGroupBuilder group)
    {
        group.MapGet("/payment-orders", Show)
            .WithName("previewPaymentOrder")
            .WithSummary("Shows which payments of these days can be ordered, which cannot, and what is respelled")
            .Produces<PaymentOrderDraft>().ProducesProblem(400).ProducesProblem(422)
            .For(Roles.Treasurer);
        group.MapPost("/payment-orders", Order)
            .AsCreation<PaymentOrder>("Orders the payments of these days that are not ordered yet: none is ordered twice", Roles.Treasurer)
            .DecidesOnNobody("what was approved");
        group.MapGet("/payment-orders/{id:guid}", Get)
            .WithName("showPaymentOrder")
            .WithSummary("Shows a payment order")
            .Produces<PaymentOrder>().ProducesProblem(404)
            .For(Roles.Treasurer, Roles.Auditor);
        group.MapGet("/payment-orders/{id:guid}/file", File)
            .WithName("downloadPaymentOrder")
            .WithSummary("Gives the order's file (pain.001), always the same bytes")
            .Produces<string>(contentType: "application/xml").ProducesProblem(404)
            .For(Roles.Treasurer);
    }

    private static async Task<IResult> Show(string region, DateOnly from, DateOnly to, IDocumentStore store, CancellationToken ct)
    {
        if (from > to)
            return Problems.Of(Refusal.Invalid("to", "The last day is not before the first."));
        await using var session = store.QuerySession(region);
        var (draft, grants) = await DraftAsync(session, from, to, ct);
        return Results.Ok(draft with { AccountWarnings = await WarningsAsync(session, draft, grants, ct) });
    }

    private static async Task<IResult> Order(OrderRequest request, Command command, OwnAccounts accounts, IDocumentStore store, CancellationToken ct)
    {
        var executeOn = request.ExecuteOn ?? command.Today;
        if (request.From > request.To)
            return Problems.Of(Refusal.Invalid("to", "The last day is not before the first."));
        if (executeOn < command.Today || executeOn > command.Today.AddYears(1))
            return Problems.Of(Refusal.Invalid("executeOn", "The bank pays today or within a year."));
        if (accounts.Find(command.Region, request.Iban) is not { } account)
            return Problems.Of(accounts.WhyNot(command.Region, request.Iban, "iban"));
        await using var session = store.LightweightSession(command.Region);
        using var turn = await Turn.TakeAsync(session, PaymentAtBank.Turn, ct);
        var (draft, _) = await DraftAsync(session, request.From, request.To, ct);
        var id = command.NewId();
        Decision decision = draft.Lines.Count == 0
            ? Refusal.Conflict(
                "There is nothing to order: all payments of these days are ordered, or left out as the preview says.")
            : [new PaymentsOrdered(
                id, command.Now, request.Version, account.Iban, executeOn, draft.Total, draft.Lines,
                Pain001.Write(id, command.Now, request.Version, account, executeOn, draft.Lines))];
        return await command.Start<PaymentOrder>(PaymentOrder.Of(id), decision, $"payment-orders/{id}", view: order => order with { File = null });
    }

    private static async Task<IResult> Get(string region, Guid id, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        return await session.LoadAsync<PaymentOrder>(PaymentOrder.Of(id), ct) is { } order
            ? Results.Ok(order with { File = null })
            : Problems.Of(Refusal.NotFound($"There is no payment order {id} in {region}."));
    }

    private static async Task<IResult> File(string region, Guid id, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(region);
        return await session.LoadAsync<PaymentOrder>(PaymentOrder.Of(id), ct) is { File: { } file }
            ? Results.Text(file, "application/xml", System.Text.Encoding.UTF8)
            : Problems.Of(Refusal.NotFound($"There is no payment order {id} in {region}."));
    }

    private static async Task<(PaymentOrderDraft Draft, IReadOnlyDictionary<Guid, Grant> Grants)> DraftAsync(
        IQuerySession session, DateOnly from, DateOnly to, CancellationToken ct)
    {
        var payments = await session.Query<Payment>().Where(p => p.PaidOn >= from && p.PaidOn <= to && !p.IsReversed)
            .OrderBy(p => p.Id).Take(MostPayments + 1).ToListAsync(ct);
        if (payments.Count > MostPayments)
            throw new RefusedException(Refusal.Invalid("from", $"There are more than {MostPayments} payments in these days: ask for fewer days."));
        // What the bank has booked already, by whatever way it was told, is not ordered any more.
        var done = (await session.LoadManyAsync<PaymentAtBank>(ct, payments.Select(p => p.Id).ToArray()))
            .Where(p => p.OrderId is not null || p.SettledOn is not null).Select(p => p.Id).ToHashSet();
        List<Payment> due = [.. payments.Where(p => !done.Contains(p.Id))];
        var grants = (await session.LoadManyAsync<Grant>(ct, due.Select(p => p.CommitmentId.ToString()).Distinct().ToArray())).ToDictionary(g => g.Id);
        var draft = Draft(due, grants, await session.ApprovalsOfAsync(due, ct));
        var known = due.Where(p => grants.ContainsKey(p.CommitmentId.ToString()));
        return (draft, known.ToDictionary(p => p.Id, p => grants[p.CommitmentId.ToString()]));
    }

    private static async Task<IReadOnlyList<AccountWarning>> WarningsAsync(
        IQuerySession session, PaymentOrderDraft draft, IReadOnlyDictionary<Guid, Grant> grants, CancellationToken ct)
    {
        Guid[] payments =
        [
            .. draft.Lines.Select(l => l.PaymentId),
            .. draft.LeftOut.Select(l => l.PaymentId).Where(grants.ContainsKey).Take(MostLines),
        ];
        var each = payments.Select(p => grants[p]).DistinctBy(g => g.Id).ToList();
        var warnings = await AccountWarnings.OfAsync(session, each, ct);
        return [.. payments.SelectMany(p => warnings[grants[p].Id].Select(text => new AccountWarning(p, text)))];
    }

    internal static PaymentOrderDraft Draft(
        IReadOnlyList<Payment> due,
        IReadOnlyDictionary<string, Grant> grants,
        IReadOnlyDictionary<Guid, PaymentApproval> approvals)
    {
        Grant? Of(Payment p) => grants.GetValueOrDefault(p.CommitmentId.ToString());
        var whyNot = due.ToDictionary(p => p.Id, p => WhyNot(Of(p), approvals.GetValueOrDefault(p.ApprovedBy)));
        IReadOnlyList<OrderLine> lines =
        [
            .. due.Where(p => whyNot[p.Id] is null).Take(MostLines)
                .Select(p => (Payment: p, Of(p)!.Agreement))
                .Select(p => new OrderLine(
                    p.Payment.Id, p.Payment.Amount, p.Agreement!.Account!, $"{p.Payment.Row} {p.Agreement.Number}")),
        ];
        return new PaymentOrderDraft(
            lines.Aggregate(Money.Eur(0), (sum, l) => sum.Plus(l.Amount)),
            lines,
            [
                .. due.Where(p => whyNot[p.Id] is not null)
                    .Select(p => new LeftOut(p.Id, p.Amount, p.Recipient, whyNot[p.Id]!)),
            ],
            [.. lines.SelectMany(Warnings)],
            []);
    }

    private static IEnumerable<TextWarning> Warnings(OrderLine line) => ((TextWarning[])
    [
        new(line.PaymentId, "to.holder", line.To.Holder, SepaText.Of(line.To.Holder, Pain001.MaxName)),
        new(line.PaymentId, "text", line.Text, SepaText.Of(line.Text, Pain001.MaxText)),
    ]).Where(w => w.Text != w.Proposed);

    // An account may have been recorded when less was verified.
    private static string? WhyNot(Grant? grant, PaymentApproval? approval) =>
        grant?.Agreement?.Account is not { } account ? "No agreement tells the recipient's account."
        : !account.IsSameAs((grant.Approvals ?? AccountApprovals.None).Of(approval)) ? NotApproved(grant, approval)
        : Ibans.WhyNot(Ibans.Tidied(account.Iban)) is { } why ? $"{why} The agreement needs another account."
        : SepaText.Of(account.Holder, Pain001.MaxName).Length == 0
            ? "The account's holder has no letter or digit that banks take: the agreement needs another spelling."
        : null;

    private static string NotApproved(Grant grant, PaymentApproval? approval)
    {
        var approved = (grant.Approvals ?? AccountApprovals.None).Of(approval);
        var (why, orElse) = approved is null
            ? ("The agreement named no account when this was paid, and names one now", "")
            : ($"This was approved for {approved.Iban} of {approved.Holder}, and the agreement names another one now",
                ", or an annex names the approved one again");
        return $"{why}: another treasurer, who neither changed it nor asked for the money, confirms it "
            + $"(grants/{grant.Id}/account/confirmation){orElse}.";
    }
}
