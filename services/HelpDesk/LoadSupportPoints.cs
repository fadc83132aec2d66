using KkiMesh.ServiceDefaults;

namespace KkiMesh.HelpDesk;

/// <summary>Loads each region's support points at the start: what its data file says, and nothing else.</summary>
internal sealed class LoadSupportPoints(Loader loader, IHostEnvironment environment) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var folders = Directory.GetDirectories(Path.Combine(environment.ContentRootPath, "data"));
        foreach (var folder in folders.Order(StringComparer.Ordinal))
        {
            var file = SupportPoints.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "support-points.json"), cancellationToken));
            await loader.LoadAsync(Path.GetFileName(folder), "load support-points.json", load => Replace(file, load), cancellationToken);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static Task Replace(SupportPoints file, Load load)
    {
        load.Session.DeleteWhere<SupportPoint>(_ => true);
        load.Session.Store<SupportPoint>(file.Points);
        return Task.CompletedTask;
    }
}
