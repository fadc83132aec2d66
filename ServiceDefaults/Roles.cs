using System.Security.Claims;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// What somebody may do in a region, e.g. juror; a token says it as
/// <c>region/role</c>, or <c>region/role/what it is good for</c>.
/// </summary>
public sealed record Role
{
    internal Role(string name) => Name = name;

    /// <summary>Its name in tokens.</summary>
    public string Name { get; }

    internal string? Parameter { get; private init; }

    internal string? Scope { get; private init; }

    /// <summary>Good for the whole region, or for what this parameter of the path names, e.g. the challenge.</summary>
    public Role Of(string parameter) => this with { Parameter = parameter };

    /// <summary>With a token for this scope; <c>events</c> allows <c>events:registry</c> too.</summary>
    internal Role WithScope(string scope) => this with { Scope = scope };

    /// <inheritdoc />
    public override string ToString() => Parameter is null ? Name : $"{Name} of this {Parameter}";
}

/// <summary>The roles of the policy's actors. A visitor needs none.</summary>
public static class Roles
{
    /// <summary>
    /// A creative subject, or an organisation's member: registers subjects, enters ideas, accepts help.
    /// </summary>
    public static readonly Role Member = new("member");

    /// <summary>A municipality's officer.</summary>
    public static readonly Role Officer = new("officer");

    /// <summary>Scores the ideas of a challenge.</summary>
    public static readonly Role Juror = new("juror");

    /// <summary>Helps at a support point.</summary>
    public static readonly Role Mentor = new("mentor");

    /// <summary>Approves payments.</summary>
    public static readonly Role Treasurer = new("treasurer");

    /// <summary>Reads all money, and who has read what.</summary>
    public static readonly Role Auditor = new("auditor");

    /// <summary>The regional manager: publishes and awards challenges for the region or one of its agencies.</summary>
    public static readonly Role Coordinator = new("coordinator");

    /// <summary>Runs the platform; sees no personal data.</summary>
    public static readonly Role Operator = new("operator");

    /// <summary>A program that reads events, as far as its scopes go.</summary>
    public static readonly Role Integrator = new("integrator");

    /// <summary>A service of the mesh, or a partner region's: publishes and reads events.</summary>
    public static readonly Role Partner = new("partner");

    /// <summary>All of them.</summary>
    public static readonly IReadOnlyList<Role> All = [Member, Officer, Juror, Mentor, Treasurer, Auditor, Coordinator, Operator, Integrator, Partner];

    /// <summary>The endpoint needs one of these roles, in the region of its path.</summary>
    public static TBuilder For<TBuilder>(this TBuilder endpoint, params Role[] roles)
        where TBuilder : IEndpointConventionBuilder =>
        endpoint.RequireAuthorization(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().AddRequirements(new Needs(roles)).Build());

    /// <summary>
    /// Whether the caller has this role in the region of the path: for all of it,
    /// or, where it says so, for what the path names.
    /// </summary>
    public static bool Has(this HttpContext http, Role role) =>
        http.HasScope(role) && http.Claims(role).Any(good => good is "" || role.Parameter is null || good == http.Value(role.Parameter));

    /// <summary>
    /// Whether the caller has this role for all of the region, or for this, e.g. a mentor's support point.
    /// </summary>
    public static bool Has(this HttpContext http, Role role, string of) => http.HasScope(role) && http.Claims(role).Any(good => good is "" || good == of);

    /// <summary>Whether the caller has this role just for this: everybody is a member, but not of everything.</summary>
    public static bool HasJust(this HttpContext http, Role role, string of) => http.HasScope(role) && http.Claims(role).Contains(of);

    /// <summary>
    /// What the caller has this role for, in the region of the path; none where it is for
    /// all of the region, or where they do not have it.
    /// </summary>
    public static string[] GoodFor(this HttpContext http, Role role) =>
        http.Claims(role).ToArray() is var good && good.Contains("") ? [] : good;

    internal static bool HasScope(this HttpContext http, Role role)
    {
        var (all, given) = (http.RequestServices.GetRequiredService<FullScope>().Name, http.User.FindAll("scope").SelectMany(s => s.Value.Split(' ')));
        return all is "" || given.Any(scope => scope == all || (role.Scope is { } needed && (scope == needed || needed.StartsWith(scope + ":", StringComparison.Ordinal))));
    }

    internal static bool HasButForItsScope(this HttpContext http, Role role) => !http.HasScope(role) && http.Claims(role).Any();

    internal static string AllScope(this HttpContext http) => http.RequestServices.GetRequiredService<FullScope>().Name;

    // What the caller has the role for; "" is the whole region.
    private static IEnumerable<string> Claims(this HttpContext http, Role role)
    {
        if (http.Value("region") is not { } region)
            return [];
        var whole = $"{region}/{role.Name}";
        return http.User.FindAll(ClaimType).Select(c => c.Value)
            .Where(v => v == whole || v.StartsWith(whole + "/", StringComparison.Ordinal)).Select(v => v.Length == whole.Length ? "" : v[(whole.Length + 1)..]);
    }

    internal const string ClaimType = "roles";

    private static string? Value(this HttpContext http, string parameter) => http.Request.RouteValues[parameter] as string;
}

/// <summary>The scope that allows everything its bearer's roles allow; "" where the issuer has none.</summary>
internal sealed record FullScope(string Name);

/// <summary>One of these roles. It says why not.</summary>
internal sealed class Needs(Role[] roles) : AuthorizationHandler<Needs>, IAuthorizationRequirement
{
    public IReadOnlyList<Role> Roles => roles;

    /// <summary>What the endpoint of a request needs, or the call that it is; null where everybody may.</summary>
    public static Needs? Of(HttpContext http) =>
        http.Features.Get<Calls.Entered>()?.Needs ?? (http.GetEndpoint() is { } endpoint ? Of(endpoint.Metadata) : null);

    /// <summary>What an endpoint needs.</summary>
    public static Needs? Of(IEnumerable<object> metadata) => metadata.OfType<AuthorizationPolicy>().SelectMany(p => p.Requirements).OfType<Needs>().FirstOrDefault();

    /// <summary>The role that lets the caller in; null where none does.</summary>
    public Role? Found(HttpContext http) => Array.Find(roles, http.Has);

    /// <summary>Why none of the caller's roles will do.</summary>
    public string WhyNot(HttpContext http) => Array.Find(roles, http.HasButForItsScope) is { } role
        ? $"The token's role {role.Name} would do; its scope does not: it needs {string.Join(" or ", ((string?[])[http.AllScope(), role.Scope]).Where(s => s is { Length: > 0 }))}."
        : $"In {http.Request.RouteValues["region"] ?? "this region"}, this needs the role {string.Join(" or ", roles)}.";

    protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, Needs requirement)
    {
        if (context.Resource is not HttpContext http)
            return Task.CompletedTask;
        if (requirement.Found(http) is not null)
            context.Succeed(requirement);
        else
            context.Fail(new AuthorizationFailureReason(this, requirement.WhyNot(http)));
        return Task.CompletedTask;
    }
}
