using System.ComponentModel.DataAnnotations;
using JasperFx;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;
using Marten.Events.Projections;

namespace KkiMesh.Funding;

/// <summary>Money that came in. Whose it is says the reference, or year and municipality.</summary>
/// <param name="Amount">How much; more than zero, at most a thousand million, in EUR.</param>
/// <param name="Reference">The reference that it was paid with (SI12); by default none is known.</param>
/// <param name="Year">The budget year; by default that of the reference.</param>
/// <param name="Municipality">The municipality's code; by default that of the reference.</param>
/// <param name="Date">The day that it came in; by default today, never later.</param>
/// <param name="BankTransaction">The bank's own id of it, so that it is not booked twice: 1 to 35
/// letters (A to Z), digits and - . / : +. Public.</param>
public sealed record ReceiptRequest(
    Money Amount,
    [OneLine(40)] string? Reference = null,
    int? Year = null,
    [OneLine(10)] string? Municipality = null,
    DateOnly? Date = null,
    [RegularExpression(ReceiptRequest.BankId, ErrorMessage = "A bank's id has 1 to 35 letters (A to Z), digits and - . / : +.")] string? BankTransaction = null)
{
    internal const string BankId = "[A-Za-z0-9./:+-]{1,35}";
}

/// <summary>A transaction of the bank that is booked: there is one of each id in a region.</summary>
/// <param name="Id">The bank's own id.</param>
/// <param name="Contribution">The contribution that it is booked on.</param>
public sealed record BookedTransaction(string Id, string Contribution)
{
    /// <summary>What separates the bank's reference from the number of a part of it; no reference has it.</summary>
    public const char Part = '#';

    /// <summary>Which of these are booked; a part is where the whole is, too.</summary>
    public static async Task<IReadOnlySet<string>> AmongAsync(IQuerySession session, IReadOnlyList<string> transactions, CancellationToken ct)
    {
        static string Whole(string transaction) => transaction.Split(Part)[0];
        string[] asked = [.. transactions.Concat(transactions.Select(Whole)).Distinct()];
        var booked = (await session.LoadManyAsync<BookedTransaction>(ct, asked)).Select(b => b.Id).ToHashSet();
        return transactions.Where(t => booked.Contains(t) || booked.Contains(Whole(t))).ToHashSet();
    }
}

/// <summary>
/// The bank's transactions, kept in the transaction of the receipts: a second one of the same id cannot be saved.
/// </summary>
public sealed partial class BookedTransactions : EventProjection
{
    /// <summary>Booked.</summary>
    public static void Project(ContributionReceived e, IDocumentOperations documents)
    {
        if (e.BankTransaction is { } id)
            documents.Insert(new BookedTransaction(id, Contribution.Stream(e.Year, e.Municipality)));
    }

    /// <summary>Taken back: it may be booked where it belongs.</summary>
    public static void Project(ContributionReceiptReversed e, IDocumentOperations documents)
    {
        if (e.BankTransaction is { } id)
            documents.Delete<BookedTransaction>(id);
    }
}

internal static class ReceiveContribution
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/contributions", Handle)
        .AsCommand<Contribution>("Records money that came in from a municipality: all that it was asked for, a part, or more", Roles.Treasurer)
        .DecidesOnNobody("municipalities");

    private static async Task<IResult> Handle(ReceiptRequest request, Command command, IDocumentStore store, CancellationToken ct)
    {
        if (Dates.Fault(request.Date, command.Today) is { } fault)
            return Problems.Of(fault);
        var reference = request.Reference is null ? null : SiReference.Parse(request.Reference);
        if (Whose(request, reference, out var whose) is { } unclear)
            return Problems.Of(unclear);
        var stream = Contribution.Stream(whose.Year, whose.Municipality);
        // On the same contribution the decision finds it, so that a command that is sent again gets its first answer.
        if (await BookedAsync(request, command, store, ct) is { } booked && (booked.Id, booked.Contribution) != (request.BankTransaction, stream))
            return booked.Id == request.BankTransaction ? Twice(booked.Id) : InPart(booked.Id);
        var receipt = command.NewId();
        try
        {
            return await command.On<Contribution>(
                stream, c => c.Receive(receipt, request.Amount, reference?.ToString(), request.BankTransaction, request.Date ?? command.Today));
        }
        catch (DocumentAlreadyExistsException) when (request.BankTransaction is { } id)
        {
            // Somebody has booked it on another contribution at the same moment.
            return Twice(id);
        }
    }

    private static Refusal? Whose(ReceiptRequest request, SiReference? reference, out (int Year, string Municipality) whose)
    {
        whose = default;
        if (request.Reference is not null)
        {
            if (reference is null || ContributionReference.Read(reference) is not { } called)
                return Refusal.Invalid("reference", "It is not the reference of a call: SI12 and 13 digits, of which the last one is checked.");
            whose = called;
            return request.Year is { } year && year != called.Year ? Refusal.Invalid("year", $"The reference is of {called.Year}.")
                : request.Municipality is { } code && code != called.Municipality ? Refusal.Invalid("municipality", $"The reference is of the municipality {called.Municipality}.")
                : null;
        }

        if (request.Year is not { } of || request.Municipality is not { } by)
            return Refusal.Invalid(request.Year is null ? "year" : "municipality", "Say the reference, or year and municipality.");
        whose = (of, by);
        return null;
    }

    private static async Task<BookedTransaction?> BookedAsync(ReceiptRequest request, Command command, IDocumentStore store, CancellationToken ct)
    {
        if (request.BankTransaction is not { } id)
            return null;
        await using var session = store.QuerySession(command.Region);
        var part = id + BookedTransaction.Part;
        return await session.LoadAsync<BookedTransaction>(id, ct) ?? await session.Query<BookedTransaction>().FirstOrDefaultAsync(b => b.Id.StartsWith(part), ct);
    }

    private static IResult InPart(string part) => Problems.Of(Refusal.Conflict($"A part of this transaction of the bank is booked already, from a statement: {part}."));

    private static IResult Twice(string id) => Problems.Of(Refusal.Conflict($"The bank's transaction {id} is booked already, on another contribution."));
}
