using System.Text.Json;
using KkiMesh.Contracts;
using Microsoft.AspNetCore.Http;

namespace KkiMesh.ServiceDefaults;

/// <summary>Answers that come a line of JSON at a time, so that whoever waits sees how far it is.</summary>
public static class JsonLines
{
    /// <summary>Their content type.</summary>
    public const string ContentType = "application/x-ndjson";

    /// <summary>Sends a line at once.</summary>
    public static async Task TellAsync<T>(this HttpResponse response, T line, CancellationToken ct)
    {
        await response.WriteAsync(JsonSerializer.Serialize(line, ContractJson.Options) + "\n", ct);
        await response.Body.FlushAsync(ct);
    }
}
