using System.Text;

namespace KkiMesh.ServiceDefaults.Tests;

/// <summary>What a message must be, so that it is an event.</summary>
public sealed class CloudEventTests
{
    [Theory]
    [InlineData("2026-07-01T10:00:00Z", true)]
    [InlineData("2026-07-01t10:00:00z", true)]
    [InlineData("2026-07-01T10:00:00", false)]
    [InlineData("2026-07-01", false)]
    public void Its_time_has_an_offset(string time, bool isTaken) => Assert.Equal(isTaken, IsTaken($"\"time\":\"{time}\",\"data\":{{}}"));

    [Theory]
    [InlineData("\"data\":{\"a\":1}", true)]
    [InlineData("\"data\":{\"a\":1},\"data\":{\"a\":2}", false)]
    [InlineData("\"type\":\"kki.counter.counted.v1\",\"data\":{}", false)]
    [InlineData("\"data\":{\"a\":1,\"a\":2}", false)]
    public void No_member_is_there_twice(string members, bool isTaken) => Assert.Equal(isTaken, IsTaken(members));

    private static bool IsTaken(string members)
    {
        var json = $$"""{"specversion":"1.0","id":"1","source":"/gorenjska/x","type":"kki.x.y.v1","kkiregion":"gorenjska",{{members}}}""";
        try
        {
            return CloudEvent.Parse(Encoding.UTF8.GetBytes(json)) is not null;
        }
        catch (InvalidCloudEventException)
        {
            return false;
        }
    }
}
