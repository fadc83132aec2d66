using System.Diagnostics;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Grpc.Core.Interceptors;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>
/// Turns what a call throws into a status with the sentence, and the field at
/// fault; only what nobody foresaw is INTERNAL.
/// </summary>
internal sealed class RefuseCalls : Interceptor
{
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            ReadTexts((IMessage)request);
            return await continuation(request, context);
        }
        catch (Exception e) when (e is not RpcException)
        {
            throw Refused(context, e);
        }
    }

    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            ReadTexts((IMessage)request);
            await continuation(request, responseStream, context);
        }
        catch (Exception e) when (e is not RpcException)
        {
            throw Refused(context, e);
        }
    }

    // As over HTTP where JSON is read. Which texts are one line is looked at with their limits.
    private static void ReadTexts(IMessage message, string at = "")
    {
        foreach (var field in message.Descriptor.Fields.InDeclarationOrder().Where(f => !f.IsRepeated))
        {
            if (field.FieldType == FieldType.Message && field.Accessor.GetValue(message) is IMessage inner)
                ReadTexts(inner, $"{at}{field.JsonName}.");
            if (field.FieldType != FieldType.String)
                continue;
            var text = (string)field.Accessor.GetValue(message);
            if (Text.FaultOf(text, hasLines: true) is { } fault)
                throw new RefusedException(new Refusal(StatusCodes.Status400BadRequest, fault.En, at + field.JsonName));
            field.Accessor.SetValue(message, Text.Normalized(text));
        }
    }

    private static RpcException Refused(ServerCallContext context, Exception exception)
    {
        if (exception is OperationCanceledException && context.CancellationToken.IsCancellationRequested)
            return new RpcException(Grpc.Core.Status.DefaultCancelled);
        var refusal = context.GetHttpContext().Refused(exception);
        var status = new Google.Rpc.Status { Code = (int)CodeOf(refusal.Status), Message = refusal.Reason };
        if (refusal.Field is { } field)
        {
            var violation = new BadRequest.Types.FieldViolation { Field = Spelled(field), Description = refusal.Reason };
            status.Details.Add(Any.Pack(new BadRequest { FieldViolations = { violation } }));
        }

        if (Activity.Current is { } activity)
            status.Details.Add(Any.Pack(new RequestInfo { RequestId = activity.TraceId.ToString() }));
        return status.ToRpcException();
    }

    // As the message spells it. A header's name stays as it is.
    private static string Spelled(string field) => field.Contains('-', StringComparison.Ordinal)
        ? field
        : string.Join('.', field.Split('.').Select(JsonNamingPolicy.SnakeCaseLower.ConvertName));

    private static StatusCode CodeOf(int status) => status switch
    {
        StatusCodes.Status400BadRequest or StatusCodes.Status422UnprocessableEntity => StatusCode.InvalidArgument,
        StatusCodes.Status401Unauthorized => StatusCode.Unauthenticated,
        StatusCodes.Status403Forbidden => StatusCode.PermissionDenied,
        StatusCodes.Status404NotFound => StatusCode.NotFound,
        StatusCodes.Status409Conflict => StatusCode.FailedPrecondition,
        StatusCodes.Status429TooManyRequests => StatusCode.ResourceExhausted,
        StatusCodes.Status503ServiceUnavailable => StatusCode.Unavailable,
        _ => StatusCode.Internal,
    };
}
