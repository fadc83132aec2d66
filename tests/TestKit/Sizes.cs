using Xunit;

namespace KkiMesh.TestKit;

/// <summary>
/// How large tests are: small in <c>./mesh test</c>, and as their goals name them in <c>./mesh test --long</c>.
/// </summary>
public static class Sizes
{
    /// <summary>Whether the long tests run (<c>MESH_LONG=1</c>, which <c>--long</c> sets).</summary>
    public static bool IsLong => Environment.GetEnvironmentVariable("MESH_LONG") is { Length: > 0 };

    /// <summary>A test's size: the first one in the suite, the other one in the long run.</summary>
    public static T Of<T>(T small, T large) => IsLong ? large : small;

    /// <summary>Skips a test that is for the long run only, and says so in the closing line.</summary>
    /// <param name="why">Why it is not in the suite, e.g. how long it takes.</param>
    public static void OnlyLong(string why) => Assert.SkipUnless(IsLong, $"./mesh test --long: {why}");
}
