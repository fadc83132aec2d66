namespace KkiMesh.ServiceDefaults.Tests;

/// <summary>What is set up wrongly is said at the start, not with the first request.</summary>
public sealed class AccessTests
{
    [Theory]
    [InlineData("Development", "Authentication:Authority", "", "Set Authentication:Authority")]
    [InlineData("Production", "Authentication:Authority", "http://issuer.example.org", "must begin with https://")]
    [InlineData("Development", "Authentication:DevelopmentKey", "c2VjcmV0", "Authentication:DevelopmentKey is no more")]
    [InlineData("Production", "Authentication:DevelopmentKey", "c2VjcmV0", "Authentication:DevelopmentKey is no more")]
    [InlineData("Development", "Authentication:Roles:0:Value", "coordinators", "a Role like gorenjska/coordinator")]
    public void A_service_does_not_start_where_it_would_trust_nobody_or_anybody(string environment, string setting, string value, string sentence)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = environment });
        builder.Configuration["Authentication:Authority"] = "https://issuer.example.org";
        builder.Configuration[setting] = value;

        var refused = Assert.Throws<InvalidOperationException>(() => builder.AddMeshService("counter", _ => { }));

        Assert.Contains(sentence, refused.Message, StringComparison.Ordinal);
    }
}
