using KkiMesh.ServiceDefaults;
using Microsoft.EntityFrameworkCore;
using OpenIddict.Abstractions;

namespace KkiMesh.Identity;

internal static class RemoveClient
{
    public static void Map(RouteGroupBuilder api) => api
        .MapDelete("/clients/{id}", Handle)
        .WithSummary("Removes a program: its roles are taken away, its tokens revoked; services take those that they know for ten minutes at the most")
        .Produces(StatusCodes.Status204NoContent).ProducesProblem(404)
        .For(Roles.Operator)
        .DecidesOnNobody("a program");

    private static async Task<IResult> Handle(
        string region, string id, HttpContext http, IOpenIddictApplicationManager clients, IdentityStore store, TimeProvider time, CancellationToken ct)
    {
        await using var transaction = await store.Database.BeginTransactionAsync(ct);
        await store.TakeTurnAsync($"client {id}", ct);
        if (await store.FindClientAsync(region, id, ct) is not { } client)
            return ListClients.NotFound(region, id);
        http.IsAbout(id);
        await store.TakeTurnAsync($"grants of {id}", ct);
        foreach (var grant in await store.Grants.Where(g => g.Subject == id && g.TakenAt == null).ToListAsync(ct))
            grant.Take(http.Actor(), time.GetUtcNow());
        store.Clients.Remove(client);
        await store.SaveChangesAsync(ct);
        // With its tokens, and what people have agreed to.
        await clients.DeleteAsync((await clients.FindByClientIdAsync(id, ct))!, ct);
        await transaction.CommitAsync(ct);
        return Results.NoContent();
    }
}
