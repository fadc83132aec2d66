using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace KkiMesh.ServiceDefaults.Tests;

/// <summary>
/// A process can be told to have a wrong clock, so that tests see what that does; nobody can do so by mistake.
/// </summary>
public sealed class ClockTests
{
    private const string Setting = "Mesh:Development:ClockOffset";

    [Theory]
    [InlineData("00:00:20", 20)]
    [InlineData("-31.00:00:00", -31 * 24 * 3600)]
    [InlineData(null, 0)]
    public void A_process_in_Development_has_the_clock_that_it_is_told(string? offset, int seconds)
    {
        using var services = Builder("Development", offset).Services.BuildServiceProvider();

        var apart = services.GetRequiredService<TimeProvider>().GetUtcNow() - TimeProvider.System.GetUtcNow();

        Assert.InRange(apart.TotalSeconds, seconds - 5, seconds + 5);
    }

    [Theory]
    [InlineData("Production", "00:00:20", "for Development only")]
    [InlineData("Development", "twenty", "no time")]
    public void A_wrong_clock_is_refused_outside_Development_and_so_is_one_that_cannot_be_read(
        string environment, string offset, string reason)
    {
        var refused = Assert.Throws<InvalidOperationException>(() => Builder(environment, offset));

        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
    }

    private static WebApplicationBuilder Builder(string environment, string? offset)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = environment });
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?> { [Setting] = offset });
        builder.AddWebDefaults("clock");
        return builder;
    }
}
