using Grpc.Core;
using Grpc.Net.Client;
using Kki.Funding.V1;

namespace KkiMesh.Mesh.Tests;

/// <summary>
/// A partner's program, made from the contract's description alone, calls the ledger through the gateway.
/// </summary>
[Collection<OnWholeMesh>]
public sealed class GrpcTests(WholeMesh mesh)
{
    [Fact]
    public async Task A_partners_program_reserves_money_and_follows_a_row()
    {
        using var channel = GrpcChannel.ForAddress(mesh.Run.Grpc);
        var ledger = new Ledger.LedgerClient(channel);
        using var client = mesh.Client();
        using var followed = ledger.StreamPostings(new StreamPostingsRequest { Region = "gorenjska", Row = "U6-P3a", Follow = true });
        Assert.True(await followed.ResponseStream.MoveNext(TestContext.Current.CancellationToken));

        var reserved = await ledger.ReserveAsync(
            new ReserveRequest { Region = "gorenjska", Row = "U6-P3a", FiscalYear = 2023, Amount = new Money { Amount = 100, Currency = "EUR" }, Purpose = "Tisk" },
            await HeadersAsync("treasurer"));

        var transactions = new List<Transaction>();
        while (transactions.All(t => t.ReservationId != reserved.Id) && await followed.ResponseStream.MoveNext(TestContext.Current.CancellationToken))
            transactions.AddRange(followed.ResponseStream.Current.Transactions);
        Assert.Equal("kki.funding.funds-reserved.v1", transactions[^1].Type);
        var balance = await ledger.GetBalanceAsync(new GetBalanceRequest { Region = "gorenjska", Row = "U6-P3a" });
        Assert.Equal((long)(await client.GetAsync("/gorenjska/funding/balances?row=U6-P3a")).Body!["total"]!["reserved"]!["amount"]!, balance.Total.Reserved.Amount);
        var headers = await HeadersAsync("member");
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await ledger.ReserveAsync(new ReserveRequest { Region = "gorenjska" }, headers));
        Assert.Equal(StatusCode.PermissionDenied, refused.StatusCode);
    }

    private async Task<Metadata> HeadersAsync(string who) =>
        new() { { "authorization", $"Bearer {await mesh.Tokens.ForAsync(who)}" }, { "idempotency-key", Guid.NewGuid().ToString() } };
}
