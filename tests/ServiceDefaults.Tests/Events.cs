using System.Text.Json;
using CloudNative.CloudEvents;
using CloudNative.CloudEvents.SystemTextJson;
using KkiMesh.TestKit;

namespace KkiMesh.ServiceDefaults.Tests;

/// <summary>Reads and writes CloudEvents with the foundation's own library, which the mesh does not use.</summary>
internal static class Events
{
    private static readonly JsonEventFormatter Formatter = new();

    public static CloudNative.CloudEvents.CloudEvent Read(Received message)
    {
        var e = Formatter.DecodeStructuredModeMessage(message.Body, new System.Net.Mime.ContentType(message.ContentType!), null);
        Assert.True(e.IsValid);
        return e;
    }

    public static byte[] Write(string id, string type, string subject, object data, DateTimeOffset? time = null)
    {
        var e = new CloudNative.CloudEvents.CloudEvent
        {
            Id = id,
            Source = new Uri("/gorenjska/foreign", UriKind.Relative),
            Type = type,
            Subject = subject,
            Time = time ?? DateTimeOffset.UtcNow,
            DataContentType = "application/json",
            Data = JsonSerializer.SerializeToElement(data, JsonSerializerOptions.Web),
        };
        e["kkiregion"] = "gorenjska";
        e["correlationid"] = "thread-" + subject;
        return Formatter.EncodeStructuredModeMessage(e, out _).ToArray();
    }

    public static byte[] Heard(string id, string ear, int number, DateTimeOffset? time = null) =>
        Write(id, "kki.foreign.heard.v1", ear, new { ear, number }, time);
}
