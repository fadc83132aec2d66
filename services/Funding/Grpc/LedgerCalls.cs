using System.Text.Json;
using Google.Protobuf;
using Grpc.Core;
using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;
using Npgsql;
using Wire = Kki.Funding.V1;

namespace KkiMesh.Funding;

/// <summary>
/// The ledger for programs in any language: each call is read, and then carried out by the HTTP endpoint's own handler.
/// </summary>
internal sealed class LedgerCalls(
    IDocumentStore store, NpgsqlDataSource database, SettledTime settled, TimeProvider time, StreamPostings postings) : Wire.Ledger.LedgerBase
{
    public override async Task<Wire.Reservation> Reserve(Wire.ReserveRequest request, ServerCallContext context)
    {
        var command = Command(context, request, request.Region, request.Row);
        var what = new ReserveRequest(
            request.FiscalYear, request.Amount.Read("amount"), request.Purpose, request.Source.ReadOrNone("source"),
            request.ExpiresOn.ReadDay("expiresOn"), request.Date.ReadDay("date"), request.ExpenditurePurpose.ReadOrNone("expenditurePurpose"));
        await context.CheckAsync(what);
        return (await ReserveFunds.Handle(request.Row, what, command)).As<Reservation>().Write();
    }

    public override async Task<Wire.Reservation> Commit(Wire.CommitRequest request, ServerCallContext context)
    {
        var command = Command(context, request, request.Region, request.Row, request.ReservationId);
        var what = new CommitRequest(
            request.Recipient, request.Amount.Read("amount"), request.Date.ReadDay("date"), request.Municipality.OrNone(), request.DueOn.ReadDay("dueOn"));
        await context.CheckAsync(what);
        return (await CommitFunds.Handle(request.Row, request.ReservationId.ReadId<ReservationId>("reservationId"), what, command, store, context.CancellationToken)).As<Reservation>().Write();
    }

    public override async Task<Wire.Reservation> Pay(Wire.PayRequest request, ServerCallContext context)
    {
        var command = Command(context, request, request.Region, request.Row, request.ReservationId, request.CommitmentId);
        var (reservation, commitment) = (request.ReservationId.ReadId<ReservationId>("reservationId"), request.CommitmentId.ReadId<CommitmentId>("commitmentId"));
        var seen = request.Account is { } account ? new SeenAccount(account.Iban, account.Holder) : null;
        var what = new PayRequest(request.Amount?.Read("amount"), request.Date.ReadDay("date"), seen);
        await context.CheckAsync(what);
        return (await PayCommitment.Handle(request.Row, reservation, commitment, what, command)).As<Reservation>().Write();
    }

    public override async Task<Wire.Reservation> Release(Wire.ReleaseRequest request, ServerCallContext context)
    {
        var command = Command(context, request, request.Region, request.Row, request.ReservationId);
        CommitmentId? commitment = request.CommitmentId is "" ? null : request.CommitmentId.ReadId<CommitmentId>("commitmentId");
        var what = new ReleaseRequest(commitment, request.Amount?.Read("amount"), request.Date.ReadDay("date"));
        return (await ReleaseFunds.Handle(request.Row, request.ReservationId.ReadId<ReservationId>("reservationId"), what, command)).As<Reservation>().Write();
    }

    public override async Task<Wire.Reservation> Return(Wire.ReturnRequest request, ServerCallContext context)
    {
        var command = Command(context, request, request.Region, request.Row, request.ReservationId, request.CommitmentId);
        var (reservation, commitment) = (request.ReservationId.ReadId<ReservationId>("reservationId"), request.CommitmentId.ReadId<CommitmentId>("commitmentId"));
        var what = new ReturnRequest(request.Amount.Read("amount"), request.Reason, request.Date.ReadDay("date"));
        await context.CheckAsync(what);
        return (await ReturnFunds.Handle(request.Row, reservation, commitment, what, command)).As<Reservation>().Write();
    }

    public override async Task<Wire.ReverseResponse> Reverse(Wire.ReverseRequest request, ServerCallContext context)
    {
        var command = Command(context, request, request.Region, request.Row, request.TransactionId);
        var transaction = request.TransactionId.ReadGuid("transactionId");
        var what = new ReverseRequest(request.Reason, request.Date.ReadDay("date"));
        await context.CheckAsync(what);
        return (await ReverseTransaction.Handle(request.Row, transaction, what, command, store, context.CancellationToken)).As<JsonElement>().WriteReversal();
    }

    public override async Task<Wire.Row> ChangePlan(Wire.ChangePlanRequest request, ServerCallContext context)
    {
        var command = Command(context, request, request.Region, request.Row);
        var what = new PlanChangeRequest(
            request.FiscalYear, request.Source.Read("source"), request.Amount.Read("amount"), request.Reason, request.Finding.OrNone(), request.Date.ReadDay("date"));
        await context.CheckAsync(what);
        return (await Funding.ChangePlan.Handle(request.Row, what, command, store, context.CancellationToken)).As<PlanRow>().Write();
    }

    public override async Task<Wire.MoveFundsResponse> MoveFunds(Wire.MoveFundsRequest request, ServerCallContext context)
    {
        var command = Command(context, request, request.Region, request.Row);
        var what = new MoveRequest(
            request.FiscalYear, request.Source.Read("source"), request.Amount.Read("amount"), request.Reason, request.ToRow.OrNone(),
            request.ToFiscalYear is 0 ? null : request.ToFiscalYear, request.ToSource.ReadOrNone("toSource"), request.Finding.OrNone(), request.Date.ReadDay("date"));
        await context.CheckAsync(what);
        var rows = (await Funding.MoveFunds.Handle(request.Row, what, command, store, context.CancellationToken)).As<IReadOnlyList<PlanRow>>();
        return new Wire.MoveFundsResponse { Rows = { rows.Select(r => r.Write()) } };
    }

    public override async Task<Wire.GetBalanceResponse> GetBalance(Wire.GetBalanceRequest request, ServerCallContext context)
    {
        context.GetHttpContext().Enter(request.Region, $"/{request.Row}");
        var moment = new Moment(request.AsOf.ReadDay("asOf"), request.KnownAt?.Read("knownAt"));
        int? year = request.FiscalYear is 0 ? null : request.FiscalYear;
        return (await ShowBalances.Show(request.Region, request.Row.OrNone(), year, moment, store, database, settled, time, context.CancellationToken)).As<Balances>().Write();
    }

    public override async Task<Wire.Reservation> GetReservation(Wire.GetReservationRequest request, ServerCallContext context)
    {
        context.GetHttpContext().Enter(request.Region, $"/{request.Row}/{request.ReservationId}");
        var id = request.ReservationId.ReadId<ReservationId>("reservationId");
        return (await ListReservations.Get(request.Region, request.Row, id, store, context.CancellationToken)).As<Reservation>().Write();
    }

    public override Task StreamPostings(Wire.StreamPostingsRequest request, IServerStreamWriter<Wire.StreamPostingsResponse> responseStream, ServerCallContext context)
    {
        context.GetHttpContext().Enter(request.Region, $"/{request.Row}");
        request.Row.ReadKey("row");
        return postings.WriteAsync(request, responseStream, context);
    }

    // All that change something are a treasurer's, as over HTTP.
    private static Command Command(ServerCallContext context, IMessage request, string region, params string[] about)
    {
        var http = context.GetHttpContext();
        http.Enter(region, string.Concat(about.Select(part => $"/{part}")), Roles.Treasurer);
        about[0].ReadKey("row");
        return http.Command(request.ToByteArray());
    }
}
