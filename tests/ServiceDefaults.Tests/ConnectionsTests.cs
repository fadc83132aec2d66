using KkiMesh.AppHost;
using KkiMesh.TestKit;
using Microsoft.Extensions.Configuration;

namespace KkiMesh.ServiceDefaults.Tests;

/// <summary>How many connections the mesh needs, and what PostgreSQL allows.</summary>
public sealed class ConnectionsTests(TestServers servers)
{
    private const int OfPostgresByDefault = 97;

    [Fact]
    public void One_replica_of_each_service_fits_into_what_PostgreSQL_allows_by_default_and_three_of_two_do_not()
    {
        Assert.Equal(DatabaseSettings.DefaultPoolSize, Connections.DefaultPoolSize);
        Assert.Equal(16, DatabaseSettings.ConnectionsOf(15));

        var single = Connections.Need(new Dictionary<string, int>(), Connections.DefaultPoolSize);
        var more = Connections.Need(new Dictionary<string, int> { ["funding"] = 3, ["challenges"] = 3 }, Connections.DefaultPoolSize);

        // As docs/operate.md has it.
        Assert.Equal((95, 159), (single, more));
        Assert.InRange(single, 1, OfPostgresByDefault);
        Assert.True(more > OfPostgresByDefault);
    }

    [Fact]
    public async Task What_a_server_allows_is_asked_of_it() =>
        Assert.InRange(await Connections.AllowedAsync(servers.Servers.Postgres, TestContext.Current.CancellationToken), 10, 10_000);

    [Theory]
    [InlineData("Mesh:Database:PoolSize", "7")]
    [InlineData("Mesh:Database:PoolSize", "many")]
    [InlineData("Mesh:Database:IdleInTransactionSeconds", "0")]
    public void A_setting_out_of_its_range_is_refused_with_its_name(string name, string value)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { [name] = value }).Build();

        var refused = Assert.Throws<InvalidOperationException>(() => DatabaseSettings.Of(configuration));

        Assert.Contains(name, refused.Message, StringComparison.Ordinal);
        Assert.Contains(value, refused.Message, StringComparison.Ordinal);
    }
}
