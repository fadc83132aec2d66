using System.Text.Json;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>Lists in an empty ledger what the printed total says that it leaves out, each once.</summary>
internal sealed class LoadMemoLines(Loader loader, IHostEnvironment environment) : IHostedService
{
    /// <summary>A line as people named and translated it.</summary>
    private sealed record Named(string Line, string Sl, string En);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var folder in Directory.GetDirectories(Path.Combine(environment.ContentRootPath, "data")).Order(StringComparer.Ordinal))
        {
            var frame = ActionPlan.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "action-plan.json"), cancellationToken)).Frame;
            var named = JsonSerializer.Deserialize<List<Named>>(
                await File.ReadAllTextAsync(Path.Combine(folder, "memo-lines.json"), cancellationToken), ContractJson.Options) ?? [];
            if (!named.Select(n => n.Sl).SequenceEqual(frame.Excludes))
                throw new InvalidDataException("memo-lines.json does not name what the plan's financial frame leaves out, in its words and order.");
            await loader.LoadAsync(Path.GetFileName(folder), "load memo-lines.json", load => Load(named, frame.Where, load), cancellationToken);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static async Task Load(List<Named> named, string where, Load load)
    {
        if (await load.Session.Query<MemoLine>().AnyAsync())
            return;
        foreach (var n in named)
            await load.Once<MemoLine>(MemoLine.Stream(n.Line), () => [new MemoLineListed(n.Line, n.Sl, n.En, where)]);
    }
}
