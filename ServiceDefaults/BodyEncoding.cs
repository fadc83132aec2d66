using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Net.Http.Headers;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// Refuses a body whose Content-Type names an encoding that nobody knows: reading it would be a failure of the service.
/// Who takes no JSON reads the body by itself, in encodings of its own.
/// </summary>
internal static class BodyEncoding
{
    public static Task Check(HttpContext http, RequestDelegate next) =>
        MediaTypeHeaderValue.TryParse(http.Request.ContentType, out var type) && type.Charset.HasValue
        && TakesJson(http.GetEndpoint()) && !IsKnown(type)
            ? Problems.Of(
                StatusCodes.Status415UnsupportedMediaType,
                "The body's Content-Type names a charset that this does not know; JSON is in utf-8.",
                HeaderNames.ContentType).ExecuteAsync(http)
            : next(http);

    private static bool TakesJson(Endpoint? endpoint) =>
        endpoint?.Metadata.GetMetadata<IAcceptsMetadata>() is not { ContentTypes: [_, ..] types }
        || types.Any(type => type.EndsWith("json", StringComparison.Ordinal));

    private static bool IsKnown(MediaTypeHeaderValue type)
    {
        try
        {
            return Encoding.GetEncoding(HeaderUtilities.RemoveQuotes(type.Charset).ToString()) is not null;
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            return false;
        }
    }
}
