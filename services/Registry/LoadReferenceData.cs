using KkiMesh.Contracts.Registry.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Registry;

/// <summary>
/// Lists on the first start what the policy and the reference data name: municipalities, organisations and places, each
/// once; and the taxonomy.
/// </summary>
internal sealed class LoadReferenceData(Loader loader, IHostEnvironment environment, ILogger<LoadReferenceData> log) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var folders = Directory.GetDirectories(Path.Combine(environment.ContentRootPath, "data"));
        foreach (var folder in folders.Order(StringComparer.Ordinal))
        {
            var region = Path.GetFileName(folder);
            var data = await ReferenceData.ReadAsync(folder, cancellationToken);
            var added = await loader.LoadAsync(region, "load reference data", load => Load(data, load), cancellationToken);
            if (added > 0)
                log.LogInformation("Listed {Count} municipalities, organisations and places of {Region}", added, region);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static async Task Load(ReferenceData data, Load load)
    {
        foreach (var m in data.Municipalities.Municipalities)
        {
            await load.Once<Municipality>(Municipality.Stream(m.Code), () =>
                [new MunicipalityListed(m.Code, m.Name, m.Seat, m.Latitude, m.Longitude), new SourceNoted(data.Municipalities.Source, data.Municipalities.Note)]);
        }

        foreach (var o in data.Organisations.Organisations)
        {
            await load.Once<Organisation>(Organisation.Stream(o.Key), () =>
                [new OrganisationListed(o.Key, o.Name, o.Roles, o.Town), new SourceNoted(data.Organisations.Source, o.Note)]);
        }

        foreach (var p in data.Places.Places)
        {
            await load.Once<Place>(Place.Stream(p.Key), () =>
                [new PlaceListed(p.Key, p.Name, p.Town, p.Roles), new SourceNoted(data.Places.Source, p.Note)]);
        }

        load.Session.Store(new Taxonomy(Taxonomy.Only, data.Fields.Source, data.Fields.Note, data.Fields.NaceStatus, data.Fields.Fields));
    }
}
