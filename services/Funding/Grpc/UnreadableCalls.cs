using Grpc.AspNetCore.Server;
using Grpc.Core;

namespace KkiMesh.Funding;

/// <summary>
/// What cannot be read as the call's message is the caller's fault: INVALID_ARGUMENT. No interceptor sees it, and
/// gRPC's own answer is UNKNOWN, which else nothing is (see <see cref="RefuseCalls"/>).
/// </summary>
internal static class UnreadableCalls
{
    private const string Sentence = "The bytes are no message of this call.";

    /// <summary>Answers them so. Nothing has been written by then: the status is in the headers.</summary>
    public static TBuilder RefusesUnreadable<TBuilder>(this TBuilder calls)
        where TBuilder : IEndpointConventionBuilder
    {
        calls.Add(call =>
        {
            var answer = call.RequestDelegate!;
            call.RequestDelegate = async http =>
            {
                await answer(http);
                if (http.Features.Get<IServerCallContextFeature>()?.ServerCallContext.Status.StatusCode != StatusCode.Unknown || http.Response.HasStarted)
                    return;
                http.Response.Headers["grpc-status"] = $"{(int)StatusCode.InvalidArgument}";
                http.Response.Headers["grpc-message"] = Sentence;
            };
        });
        return calls;
    }
}
