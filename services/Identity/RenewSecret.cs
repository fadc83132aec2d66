using KkiMesh.ServiceDefaults;
using OpenIddict.Abstractions;

namespace KkiMesh.Identity;

/// <summary>A new secret.</summary>
/// <param name="Id">The client's id.</param>
/// <param name="Secret">The secret; it is shown this once.</param>
public sealed record ClientSecret(string Id, string Secret);

internal static class RenewSecret
{
    public static void Map(RouteGroupBuilder api) => api
        .MapPost("/clients/{id}/secret", Handle)
        .WithSummary("Makes a new secret for a program, and shows it this once; the one before is good no more")
        .Produces<ClientSecret>().ProducesProblem(404).ProducesProblem(409)
        .For(Roles.Operator)
        .DecidesOnNobody("a program");

    private static async Task<IResult> Handle(
        string region, string id, HttpContext http, IOpenIddictApplicationManager clients, IdentityStore store, CancellationToken ct)
    {
        await using var transaction = await store.Database.BeginTransactionAsync(ct);
        await store.TakeTurnAsync($"client {id}", ct);
        if (await store.FindClientAsync(region, id, ct) is not { } client)
            return ListClients.NotFound(region, id);
        http.IsAbout(id);
        if (client.Kind == ClientKind.Application)
            return Problems.Of(Refusal.Conflict("An application has no secret: everybody who has it could read it."));
        var secret = SetUpClient.NewSecret();
        await clients.UpdateAsync((await clients.FindByClientIdAsync(id, ct))!, secret, ct);
        await transaction.CommitAsync(ct);
        return Results.Ok(new ClientSecret(id, secret));
    }
}
