using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

internal static class PayGrant
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/grants/{id}/payment", Handle)
        .AsCommand<PlanRow>("Approves the payment of a grant that somebody else asked for; answers with its row", Roles.Treasurer);

    private static async Task<IResult> Handle(EntryId id, Command command, IDocumentStore store, CancellationToken ct)
    {
        await using var session = store.QuerySession(command.Region);
        return await session.LoadAsync<Grant>(id.ToString(), ct) is { } grant
            ? await command.On<PlanRow>(grant.Row, row => row.Pay(grant.ChallengeId, id, command.Actor), thread: grant.ChallengeId.ToString())
            : Problems.Of(Refusal.NotFound<Grant>(id, command.Region));
    }
}
