namespace KkiMesh.AppHost;

internal static class PrintToken
{
    public static async Task<int> RunAsync(string account, CancellationToken ct)
    {
        if (await State.ReadyAsync() is not { } state)
            return 1;
        try
        {
            using var tokens = new DemoTokens(state.Gateway);
            Console.WriteLine(await tokens.ForAsync(account, ct));
            return 0;
        }
        catch (Exception e) when (e is InvalidOperationException or HttpRequestException)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }
}
