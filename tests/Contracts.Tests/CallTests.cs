using Kki.Funding.V1;

namespace KkiMesh.Contracts.Tests;

/// <summary>
/// Calls of gRPC change by addition, as events do: <c>UPDATE_SCHEMAS=1</c> approves what is
/// added; what is changed or gone needs a v2 beside v1.
/// </summary>
public sealed class CallTests
{
    private static readonly string[] Before = ["rpc l.L.Pay(l.PayRequest) returns (l.Row)", "message l.Row", "field l.Row.id = 1: string"];

    [Fact]
    public void The_approved_calls_and_messages_are_those_of_the_proto_file_and_no_change_breaks_them()
    {
        var now = Calls.Of(LedgerReflection.Descriptor);
        var file = Path.Combine(Schemas.Folder, $"{LedgerReflection.Descriptor.Package}.proto.txt");
        var approved = File.Exists(file) ? File.ReadAllLines(file) : [];
        Assert.Empty(Calls.Breaks(approved, now));
        if (Environment.GetEnvironmentVariable("UPDATE_SCHEMAS") == "1")
        {
            File.WriteAllText(file, string.Concat(now.Select(line => line + "\n")));
            approved = [.. now];
        }

        Assert.True(approved.SequenceEqual(now), $"{file} is stale: UPDATE_SCHEMAS=1 ./mesh test Contracts.Tests writes it.");
    }

    [Theory]
    [InlineData("rpc l.L.Pay(l.PayRequest) returns (l.Row)|message l.Row|field l.Row.id = 1: string|field l.Row.head = 2: string", null)]
    [InlineData("rpc l.L.Pay(l.PayRequest) returns (l.Row)|message l.Row|field l.Row.id = 2: string", "field l.Row.id = 1: string")]
    [InlineData("rpc l.L.Pay(l.PayRequest) returns (l.Row)|message l.Row|field l.Row.id = 1: int64", "field l.Row.id = 1: string")]
    [InlineData("rpc l.L.Pay(l.PayRequest) returns (l.Row)|message l.Row|field l.Row.key = 1: string", "field l.Row.id = 1: string")]
    [InlineData("rpc l.L.Pay(l.PayRequest) returns (stream l.Row)|message l.Row|field l.Row.id = 1: string", "rpc l.L.Pay(l.PayRequest) returns (l.Row)")]
    [InlineData("message l.Row|field l.Row.id = 1: string", "rpc l.L.Pay(l.PayRequest) returns (l.Row)")]
    public void What_is_added_breaks_nothing_and_what_is_changed_or_gone_is_found(string now, string? broken) =>
        Assert.Equal(broken is null ? [] : [broken], Calls.Breaks(Before, now.Split('|')));

    [Fact]
    public void Every_kind_of_thing_that_a_program_relies_on_has_its_line()
    {
        var lines = Calls.Of(LedgerReflection.Descriptor);

        Assert.Contains("rpc kki.funding.v1.Ledger.StreamPostings(kki.funding.v1.StreamPostingsRequest) returns (stream kki.funding.v1.StreamPostingsResponse)", lines);
        Assert.Contains("value kki.funding.v1.FundingSource.FUNDING_SOURCE_EU = 5", lines);
        Assert.Contains("field kki.funding.v1.ReserveRequest.amount = 4: kki.funding.v1.Money", lines);
        Assert.Contains("field kki.funding.v1.ReserveRequest.source = 6: kki.funding.v1.FundingSource", lines);
        Assert.Contains("field kki.funding.v1.Row.closed_years = 3: repeated int32", lines);
        Assert.Contains("field kki.funding.v1.StreamPostingsRequest.follow = 4: bool", lines);
    }
}
