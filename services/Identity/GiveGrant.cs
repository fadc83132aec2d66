using System.ComponentModel.DataAnnotations;
using KkiMesh.ServiceDefaults;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;

namespace KkiMesh.Identity;

/// <summary>A role for a person or a program.</summary>
/// <param name="Role">The role. A coordinator gives member, officer, juror and mentor; an operator the others.</param>
/// <param name="Email">The person's e-mail address; either this or <paramref name="Client"/>.</param>
/// <param name="Client">The program's id.</param>
/// <param name="Of">
/// What it is good for alone: a juror's challenge, a mentor's support point, an
/// officer's municipality, a member's subject or
/// organisation. Null: the whole region. Other roles have none.
/// </param>
public sealed record GrantRequest(
    [Required, OneLine(40, MinimumLength = 1)] string Role,
    [OneLine(254), EmailAddress] string? Email = null,
    [OneLine(RegionClient.LongestId)] string? Client = null,
    [OneLine(GrantRules.LongestOf)] string? Of = null);

internal static class GiveGrant
{
    public static void Map(RouteGroupBuilder api) => api
        .MapPost("/grants", Handle)
        .WithSummary("Gives a person or a program a role; 200 where they have it already")
        .Produces<GrantView>(StatusCodes.Status201Created).Produces<GrantView>()
        .ProducesProblem(409).ProducesProblem(413).ProducesProblem(422)
        .For(Roles.Coordinator, Roles.Operator)
        .DecidesOn("who gets the role");

    private static async Task<IResult> Handle(
        string region, GrantRequest request, HttpContext http, UserManager<Account> accounts, IdentityStore store, TimeProvider time, CancellationToken ct)
    {
        if ((request.Email is null) == (request.Client is null))
            return Problems.Of(Refusal.Invalid("email", "Say either a person's e-mail address or a program's id (client)."));
        if (GrantRules.Fault(http, request.Role, request.Of, request.Client is not null) is { } fault)
            return Problems.Of(fault);
        var account = request.Email is null ? null : await accounts.FindByEmailAsync(request.Email);
        if (request.Email is not null && account is null)
            return Problems.Of(Refusal.Invalid("email", "Nobody has an account with this address: invite them."));
        if (request.Client is not null && await store.FindClientAsync(region, request.Client, ct) is null or { Kind: ClientKind.Application })
            return Problems.Of(Refusal.Invalid("client", $"{region} has no program of this id that acts for itself."));

        var subject = account?.Id.ToString() ?? request.Client!;
        http.IsAbout(subject);
        await using var transaction = await store.Database.BeginTransactionAsync(ct);
        var (grant, isNew) = await store.GiveAsync(subject, region, request.Role, request.Of, http.Actor(), time.GetUtcNow(), ct);
        await transaction.CommitAsync(ct);
        var view = GrantView.From(grant, http.Has(Roles.Coordinator) ? account : null);
        return isNew ? Results.Created($"/{region}/identity/grants/{grant.Id}", view) : Results.Ok(view);
    }

    /// <summary>Nobody gives or takes their own roles.</summary>
    internal static Refusal? WhyNotBy(string account, string subject) =>
        Conflicts.WhyNot(new Decider(account, _ => false), new Concerned { People = [Party.Account(subject)] });

    /// <summary>Adds a grant, or finds the same one; part of the caller's transaction.</summary>
    /// <exception cref="RefusedException">403: it is the giver's own; 409: the subject has too many.</exception>
    internal static async Task<(Grant Grant, bool IsNew)> GiveAsync(
        this IdentityStore store, string subject, string region, string role, string? of, string by, DateTimeOffset at, CancellationToken ct)
    {
        if (WhyNotBy(by, subject) is { } conflict)
            throw new RefusedException(conflict);
        await store.TakeTurnAsync($"grants of {subject}", ct);
        of = GrantRules.Spelled(role, of);
        var has = await store.Grants.AsNoTracking().Where(g => g.Subject == subject && g.TakenAt == null).ToListAsync(ct);
        if (has.Find(g => g.Region == region && g.Role == role && g.Of == of) is { } same)
            return (same, false);
        if (has.Count >= GrantRules.MostOfSubject)
            throw new RefusedException(Refusal.Conflict($"Nobody has more than {GrantRules.MostOfSubject} roles; take one that is not needed any more."));
        var grant = new Grant { Id = Guid.CreateVersion7(at), Subject = subject, Region = region, Role = role, Of = of, GivenBy = by, GivenAt = at };
        store.Grants.Add(grant);
        await store.SaveChangesAsync(ct);
        return (grant, true);
    }
}
