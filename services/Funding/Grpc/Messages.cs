using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text.Json;
using Grpc.Core;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Validation;
using Timestamp = Google.Protobuf.WellKnownTypes.Timestamp;
using Wire = Kki.Funding.V1;

namespace KkiMesh.Funding;

/// <summary>Reads messages. What does not fit is refused at its field, by its name in JSON.</summary>
internal static class ReadMessages
{
    private const int LongestKey = 100;

    public static Money Read(this Wire.Money? money, string field) =>
        money is null ? throw Wrong(field, $"{field} is missing.") : new Money(money.Amount, money.Currency);

    public static FundingSource Read(this Wire.FundingSource source, string field) => source.ReadOrNone(field) ?? throw Wrong(field, "A source has to be said.");

    public static FundingSource? ReadOrNone(this Wire.FundingSource source, string field) =>
        source == Wire.FundingSource.Unspecified ? null
        : Enum.TryParse<FundingSource>(Enum.GetName(source), out var known) ? known
        : throw Wrong(field, "There is no such source.");

    public static ExpenditurePurpose? ReadOrNone(this Wire.ExpenditurePurpose purpose, string field) =>
        purpose == Wire.ExpenditurePurpose.Unspecified ? null
        : Enum.TryParse<ExpenditurePurpose>(Enum.GetName(purpose), out var known) ? known
        : throw Wrong(field, "There is no such purpose.");

    public static DateOnly? ReadDay(this string day, string field) =>
        day is "" ? null
        : DateOnly.TryParseExact(day, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var read) ? read
        : throw Wrong(field, "A day is written 2026-06-30.");

    public static DateTimeOffset Read(this Timestamp moment, string field)
    {
        try
        {
            return moment.ToDateTimeOffset();
        }
        catch (InvalidOperationException)
        {
            throw Wrong(field, "There is no such moment.");
        }
    }

    public static TId ReadId<TId>(this string id, string field)
        where TId : struct, IId<TId> => TId.From(id.ReadGuid(field));

    public static Guid ReadGuid(this string id, string field) => Guid.TryParse(id, out var read) ? read : throw Wrong(field, "An id is a UUID.");

    /// <summary>A stream has a key.</summary>
    public static void ReadKey(this string key, string field)
    {
        if (key.Length is 0 or > LongestKey)
            throw Wrong(field, $"{field} is 1 to {LongestKey} characters.");
    }

    public static string? OrNone(this string text) => text is "" ? null : text;

    /// <summary>Holds what was read to the limits that its annotations set, as for a request in JSON.</summary>
    public static async Task CheckAsync<T>(this ServerCallContext context, T what)
        where T : notnull
    {
#pragma warning disable ASP0029 // The only way to the limits that an endpoint's generated validation reads; it may still change.
        var options = context.GetHttpContext().RequestServices.GetRequiredService<IOptions<ValidationOptions>>().Value;
        if (!options.TryGetValidatableTypeInfo(typeof(T), out var type))
            throw new InvalidOperationException($"{typeof(T).Name} has no limits: no endpoint takes it.");
        var validation = new ValidateContext { ValidationOptions = options, ValidationContext = new ValidationContext(what) };
        await type.ValidateAsync(what, validation, context.CancellationToken);
#pragma warning restore ASP0029
        if (validation.ValidationErrors is { Count: > 0 } errors)
            throw Wrong(JsonNamingPolicy.CamelCase.ConvertName(errors.First().Key), errors.First().Value[0]);
    }

    private static RefusedException Wrong(string field, string sentence) => new(new Refusal(StatusCodes.Status400BadRequest, sentence, field));
}

/// <summary>Writes answers.</summary>
internal static class WriteMessages
{
    /// <summary>What an endpoint's handler answered.</summary>
    /// <exception cref="RefusedException">It refused.</exception>
    public static T As<T>(this IResult answer) => answer switch
    {
        IValueHttpResult<T> { Value: { } value } => value,
        // A command's answer is the one that was saved with its effect, now or before.
        ContentHttpResult { ResponseContent: { } saved } => JsonSerializer.Deserialize<T>(saved, ContractJson.Options)!,
        ProblemHttpResult { ProblemDetails: var problem } => throw new RefusedException(new Refusal(
            problem.Status!.Value, problem.Detail!, (problem as HttpValidationProblemDetails)?.Errors.Keys.FirstOrDefault())),
        _ => throw new InvalidOperationException($"{answer.GetType().Name} is no answer to a call."),
    };

    public static Wire.Reservation Write(this Reservation reservation) => new()
    {
        Id = reservation.Id,
        Row = reservation.Row,
        FiscalYear = reservation.FiscalYear,
        ChallengeId = reservation.ChallengeId?.ToString() ?? "",
        Purpose = reservation.Purpose ?? "",
        ExpiresOn = reservation.ExpiresOn.Write(),
        Remaining = { reservation.Remaining.Select(Write) },
        Commitments = { reservation.Commitments.Select(Write) },
        ExpenditurePurpose = reservation.ExpenditurePurpose is { } purpose ? Enum.Parse<Wire.ExpenditurePurpose>(purpose.ToString()) : default,
    };

    public static Wire.Row Write(this PlanRow row) => new()
    {
        Id = row.Id,
        Funds = { row.Funds.Select(Write) },
        ClosedYears = { row.ClosedYears },
        Head = row.Head ?? "",
    };

    /// <summary>
    /// A reversal's answer is a reservation, a row, or the rows of a move: each has something that the others have not.
    /// </summary>
    public static Wire.ReverseResponse WriteReversal(this JsonElement answer) =>
        answer.ValueKind == JsonValueKind.Array ? new() { Rows = { answer.Deserialize<IReadOnlyList<PlanRow>>(ContractJson.Options)!.Select(Write) } }
        : answer.TryGetProperty("remaining", out _) ? new() { Reservation = answer.Deserialize<Reservation>(ContractJson.Options)!.Write() }
        : new() { Rows = { answer.Deserialize<PlanRow>(ContractJson.Options)!.Write() } };

    public static Wire.GetBalanceResponse Write(this Balances balances) => new()
    {
        AsOf = ((DateOnly?)balances.AsOf).Write(),
        KnownAt = balances.KnownAt.Write(),
        Rows = { balances.Rows.Select(r => new Wire.RowBalance { Row = r.Row, Funds = { r.Funds.Select(Write) } }) },
        Total = balances.Total.Write(),
    };

    public static Wire.Transaction Write(this LedgerTransaction transaction)
    {
        var moved = transaction.Data as ITransaction;
        return new Wire.Transaction
        {
            Sequence = transaction.Sequence,
            Id = transaction.Id.ToString(),
            Type = transaction.Type,
            RecordedAt = transaction.At.Write(),
            BusinessDate = (moved?.BusinessDate).Write(),
            ReservationId = (moved as IReservationTransaction)?.ReservationId.ToString() ?? "",
            CommitmentId = (moved as IReservationTransaction)?.CommitmentId?.ToString() ?? "",
            Postings = { (moved?.Postings ?? []).Select(Write) },
            CorrelationId = transaction.CorrelationId ?? "",
            Hash = transaction.Hash ?? "",
        };
    }

    private static Wire.Commitment Write(this Commitment commitment) => new()
    {
        Id = commitment.Id.ToString(),
        Recipient = commitment.Recipient,
        Outstanding = { commitment.Outstanding.Select(Write) },
        Paid = { commitment.Paid.Select(Write) },
        EntryId = commitment.EntryId?.ToString() ?? "",
    };

    private static Wire.Posting Write(this Posting posting) =>
        new() { Account = posting.Account, FiscalYear = posting.FiscalYear, Source = posting.Source.Write(), Amount = posting.Amount.Write() };

    private static Wire.Fund Write(this Fund fund) => new() { FiscalYear = fund.FiscalYear, Source = fund.Source.Write(), Balance = fund.Balance.Write() };

    private static Wire.Share Write(this Share share) => new() { Source = share.Source.Write(), Amount = share.Amount.Write() };

    private static Wire.Balance Write(this Balance balance) => new()
    {
        Planned = balance.Planned.Write(),
        Available = balance.Available.Write(),
        Reserved = balance.Reserved.Write(),
        Committed = balance.Committed.Write(),
        Paid = balance.Paid.Write(),
    };

    private static Wire.Money Write(this Money money) => new() { Amount = money.Amount, Currency = money.Currency };

    internal static Wire.FundingSource Write(this FundingSource source) => Enum.Parse<Wire.FundingSource>(source.ToString());

    private static Timestamp Write(this DateTimeOffset moment) => Timestamp.FromDateTimeOffset(moment);

    private static string Write(this DateOnly? day) => day?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) ?? "";
}
