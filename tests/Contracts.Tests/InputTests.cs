using System.Text.Json;

namespace KkiMesh.Contracts.Tests;

/// <summary>What is taken from outside as JSON, in bodies and events alike.</summary>
public sealed class InputTests
{
    private sealed record Meeting(DateTimeOffset At, DateTimeOffset? Until = null);

    [Theory]
    [InlineData("2026-07-01T10:00:00Z")]
    [InlineData("2026-07-01t10:00:00z")]
    [InlineData("2026-07-01T12:00:00+02:00")]
    [InlineData("2026-07-01T10:00:00.000000000-00:00")]
    public void An_instant_is_taken_as_rfc_3339_writes_it(string text)
    {
        var meeting = Read($$"""{"at":"{{text}}","until":"{{text}}"}""")!;

        Assert.Equal(new DateTimeOffset(2026, 7, 1, 10, 0, 0, TimeSpan.Zero), meeting.At);
        Assert.Equal(meeting.At, meeting.Until);
    }

    [Theory]
    [InlineData("2026-07-01T10:00:00")]
    [InlineData("2026-07-01")]
    [InlineData("2026-07-01T10:00Z")]
    [InlineData("2026-07-01 10:00:00Z")]
    [InlineData("2026-07-01T10:00:00+0200")]
    [InlineData("2026-02-30T10:00:00Z")]
    [InlineData("2026-07-01T10:00:00Z\\n")]
    [InlineData("1.7.2026 10:00:00Z")]
    public void Any_other_form_is_refused(string text)
    {
        Assert.Throws<JsonException>(() => Read($$"""{"at":"{{text}}"}"""));
        Assert.Throws<JsonException>(() => Read($$"""{"at":"2026-07-01T10:00:00Z","until":"{{text}}"}"""));
    }

    [Fact]
    public void A_member_that_is_there_twice_is_refused() => Assert.Throws<JsonException>(
        () => Read("""{"at":"2026-07-01T10:00:00Z","at":"2026-07-02T10:00:00Z"}"""));

    private static Meeting? Read(string json) => JsonSerializer.Deserialize<Meeting>(json, ContractJson.Options);
}
