using System.ComponentModel.DataAnnotations;
using System.Globalization;
using KkiMesh.ServiceDefaults;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;

namespace KkiMesh.Identity;

/// <summary>A role for who is invited.</summary>
/// <param name="Role">The role.</param>
/// <param name="Of">What it is good for alone; null: the whole region.</param>
public sealed record InvitedRole(
    [Required, OneLine(40, MinimumLength = 1)] string Role, [OneLine(GrantRules.LongestOf)] string? Of = null);

/// <summary>An invitation.</summary>
/// <param name="Email">Where the letter goes.</param>
/// <param name="Language">The letter's language: sl or en.</param>
/// <param name="Grants">1 to 20 roles that the person gets at once.</param>
public sealed record InvitationRequest(
    [Required, OneLine(254, MinimumLength = 1), EmailAddress]
    [RegularExpression(@"[^\s<>]+", ErrorMessage = "An address has no spaces.")]
    string Email,
    [Required, RegularExpression("sl|en", ErrorMessage = "The language is sl or en.")] string Language,
    [Required, MinLength(1), MaxLength(20)] IReadOnlyList<InvitedRole> Grants);

internal static class Invite
{
    private const int MostInAnHour = 50;

    public static void Map(RouteGroupBuilder api) => api
        .MapPost("/invitations", Handle).WithName("invitePerson")
        .WithSummary($"Invites a person by a letter and gives them roles; at most {MostInAnHour} an hour. The answer does not tell whether they had an account")
        .Produces(StatusCodes.Status202Accepted)
        .ProducesProblem(409).ProducesProblem(413).ProducesProblem(422).ProducesProblem(429)
        .For(Roles.Coordinator, Roles.Operator)
        .DecidesOn("who gets the roles");

    private static async Task<IResult> Handle(
        string region,
        InvitationRequest request,
        HttpContext http,
        UserManager<Account> accounts,
        IdentityStore store,
        AccountMail letters,
        TimeProvider time,
        ILogger<AccountMail> log,
        CancellationToken ct)
    {
        foreach (var (index, wanted) in request.Grants.Index())
        {
            if (wanted is null)
                return Problems.Of(Refusal.Invalid($"grants[{index}]", "A role is missing."));
            if (GrantRules.Fault(http, wanted.Role, wanted.Of, toProgram: false, $"grants[{index}].") is { } fault)
                return Problems.Of(fault);
        }

        await using var transaction = await store.Database.BeginTransactionAsync(ct);
        var now = time.GetUtcNow();
        if (await CountAsync(store, region, now, ct) is { } wait)
            return TryLater(http, StatusCodes.Status429TooManyRequests, wait, $"A region invites at most {MostInAnHour} people an hour.");
        if (await accounts.FindByEmailAsync(request.Email) is not { } account)
        {
            // Nobody reads from the id when it was made.
            account = new Account { Id = Guid.NewGuid(), UserName = request.Email, Email = request.Email };
            if (!(await accounts.CreateAsync(account)).Succeeded)
                return Problems.Of(Refusal.Invalid("email", "This address cannot be used."));
        }

        http.IsAbout(account.Id.ToString());
        foreach (var wanted in request.Grants)
            await store.GiveAsync(account.Id.ToString(), region, wanted.Role, wanted.Of, http.Actor(), now, ct);
        await transaction.CommitAsync(ct);
        try
        {
            await letters.InviteAsync(account, region, request.Language, ct);
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            // A mail server's own words name the address.
            log.LogError("A letter could not be handed over: {Reason}", e.GetType().Name);
            const string Sentence = "The roles are given, but the letter could not be handed over: invite again.";
            return TryLater(http, StatusCodes.Status503ServiceUnavailable, TimeSpan.FromMinutes(1), Sentence);
        }

        return Results.Accepted();
    }

    // Counts this one; how long to wait where there were too many.
    private static async Task<TimeSpan?> CountAsync(IdentityStore store, string region, DateTimeOffset now, CancellationToken ct)
    {
        await store.TakeTurnAsync($"invitations of {region}", ct);
        await store.Invitations.Where(i => i.Region == region && i.At <= now.AddHours(-1)).ExecuteDeleteAsync(ct);
        var others = await store.Invitations.Where(i => i.Region == region).OrderBy(i => i.At).Select(i => i.At).ToListAsync(ct);
        if (others.Count >= MostInAnHour)
            return others[0].AddHours(1) - now;
        store.Invitations.Add(new Invitation { Id = Guid.CreateVersion7(now), Region = region, At = now });
        return null;
    }

    private static IResult TryLater(HttpContext http, int status, TimeSpan wait, string sentence)
    {
        http.Response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        return Problems.Of(status, sentence);
    }
}
