using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Rpc;
using Grpc.Core;
using Grpc.Net.Client;
using Wire = Kki.Funding.V1;

namespace KkiMesh.Funding.Tests;

/// <summary>Somebody who calls the ledger by gRPC, over HTTP/2 without TLS.</summary>
/// <param name="address">Where.</param>
/// <param name="token">Who; null: a visitor.</param>
public sealed class LedgerClient(Uri address, string? token) : IDisposable
{
    private readonly GrpcChannel _channel = GrpcChannel.ForAddress(address);

    public Wire.Ledger.LedgerClient Calls => new(_channel);

    /// <summary>What goes with a call; a command has a key.</summary>
    public Metadata Headers(string? key = null)
    {
        var headers = new Metadata();
        if (token is not null)
            headers.Add("authorization", $"Bearer {token}");
        if (key is not "")
            headers.Add("idempotency-key", key ?? Guid.NewGuid().ToString());
        return headers;
    }

    public async Task<Wire.Reservation> ReserveAsync(string row, int year, long cents, string? key = null) =>
        await Calls.ReserveAsync(new Wire.ReserveRequest { Region = "gorenjska", Row = row, FiscalYear = year, Amount = Eur(cents), Purpose = "Tisk" }, Headers(key));

    /// <summary>Calls a method that is only known by its description.</summary>
    public async Task<StatusCode> TryAsync(MethodDescriptor method, string json)
    {
        try
        {
            await CallAsync(method, json);
            return StatusCode.OK;
        }
        catch (RpcException refused)
        {
            return refused.StatusCode;
        }
    }

    /// <summary>How a method refuses a message that is good but for this change.</summary>
    public async Task<(StatusCode Status, string? Field, string Sentence)> RefusalAsync(MethodDescriptor method, string change)
    {
        var message = JsonNode.Parse(
            """
            {"region":"gorenjska","row":"U3-P4","fiscalYear":2022,"amount":{"amount":"5","currency":"EUR"},"purpose":"x","recipient":"x","reason":"x","source":"FUNDING_SOURCE_NOT_STATED",
             "reservationId":"0190c0de-0000-7000-8000-000000000001","commitmentId":"0190c0de-0000-7000-8000-000000000002"}
            """)!.AsObject();
        foreach (var name in message.Select(m => m.Key).Where(name => method.InputType.Fields.InDeclarationOrder().All(f => f.JsonName != name)).ToList())
            message.Remove(name);
        foreach (var (name, value) in JsonNode.Parse(change)!.AsObject())
            message[name] = value?.DeepClone();
        return Refused(await Assert.ThrowsAsync<RpcException>(() => CallAsync(method, message.ToJsonString())));
    }

    /// <summary>How a call is refused whose message is just bytes.</summary>
    public Task<RpcException> RefusalAsync(string method, byte[] message, bool isStream = false) =>
        Assert.ThrowsAsync<RpcException>(() => CallAsync(method, message, isStream));

    /// <summary>How a call is refused: the status, the field at fault, and the sentence.</summary>
    public static async Task<(StatusCode Status, string? Field, string Sentence)> RefusedAsync<T>(AsyncUnaryCall<T> call) =>
        Refused(await Assert.ThrowsAsync<RpcException>(async () => await call));

    public static Wire.Money Eur(long cents) => new() { Amount = cents, Currency = "EUR" };

    public void Dispose() => _channel.Dispose();

    private static (StatusCode Status, string? Field, string Sentence) Refused(RpcException refused) =>
        (refused.StatusCode, refused.GetRpcStatus()?.GetDetail<BadRequest>()?.FieldViolations.Single().Field, refused.Status.Detail);

    private Task CallAsync(MethodDescriptor method, string json) => CallAsync(method.Name, method.InputType.Parser.ParseJson(json).ToByteArray(), method.IsServerStreaming);

    private async Task CallAsync(string method, byte[] message, bool isStream)
    {
        var raw = Marshallers.Create(bytes => bytes, bytes => bytes);
        var called = new Method<byte[], byte[]>(isStream ? MethodType.ServerStreaming : MethodType.Unary, Wire.Ledger.Descriptor.FullName, method, raw, raw);
        var (invoker, options) = (_channel.CreateCallInvoker(), new CallOptions(Headers()));
        if (!isStream)
            await invoker.AsyncUnaryCall(called, null, options, message);
        else
            await invoker.AsyncServerStreamingCall(called, null, options, message).ResponseStream.MoveNext(CancellationToken.None);
    }
}
