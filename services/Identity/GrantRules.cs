using System.Text.RegularExpressions;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Identity;

/// <summary>Who gives which role to whom, and what for.</summary>
internal static partial class GrantRules
{
    /// <summary>
    /// How many roles somebody has at the most, in all regions: a token carries them in every request.
    /// </summary>
    public const int MostOfSubject = 100;

    /// <summary>The longest thing that a role is good for.</summary>
    public const int LongestOf = 100;

    private static readonly string[] OfPrograms = [Roles.Integrator.Name, Roles.Partner.Name];
    private static readonly string[] ByCoordinators = [Roles.Member.Name, Roles.Officer.Name, Roles.Juror.Name, Roles.Mentor.Name];
    private static readonly string[] ByOperators = [Roles.Coordinator.Name, Roles.Treasurer.Name, Roles.Auditor.Name, Roles.Operator.Name, .. OfPrograms];

    /// <summary>Whether only programs have it.</summary>
    public static bool IsOfPrograms(string role) => OfPrograms.Contains(role);

    public static bool IsRole(string role) => ByCoordinators.Contains(role) || ByOperators.Contains(role);

    /// <summary>Why the caller does not give or take this role; null where they do.</summary>
    public static Refusal? WhyNotBy(HttpContext http, string role) =>
        (http.Has(Roles.Coordinator) && ByCoordinators.Contains(role)) || (http.Has(Roles.Operator) && ByOperators.Contains(role))
            ? null
            : Refusal.Forbidden($"A coordinator gives and takes {string.Join(", ", ByCoordinators)}; an operator {string.Join(", ", ByOperators)}.");

    /// <summary>What is wrong with a role that the caller wants to give; null where nothing is.</summary>
    /// <param name="http">Who calls.</param>
    /// <param name="role">The role.</param>
    /// <param name="of">What it is good for alone; null: the whole region.</param>
    /// <param name="toProgram">Whether a program is to have it.</param>
    /// <param name="at">Where the two stand in the request, e.g. <c>grants[0].</c></param>
    public static Refusal? Fault(HttpContext http, string role, string? of, bool toProgram, string at = "") =>
        !IsRole(role) ? Refusal.Invalid($"{at}role", $"A role is one of {string.Join(", ", ByCoordinators)}, {string.Join(", ", ByOperators)}.")
        : WhyNotBy(http, role) is { } refusal ? refusal
        : IsOfPrograms(role) != toProgram
            ? Refusal.Invalid($"{at}role", $"A program is {string.Join(" or ", OfPrograms)}; a person has the other roles.")
        : of is null ? null
        : !ByCoordinators.Contains(role) ? Refusal.Invalid($"{at}of", $"The role {role} is good for the whole region.")
        : !Key().IsMatch(of) ? Refusal.Invalid($"{at}of", $"What a role is good for has 1 to {LongestOf} letters (A to Z), digits and dashes.")
        : role == Roles.Juror.Name && !Guid.TryParseExact(of, "D", out _) ? Refusal.Invalid($"{at}of", "A juror's role is good for a challenge: its id (UUID).")
        : null;

    // Ids are compared as text.
    public static string? Spelled(string role, string? of) => role == Roles.Juror.Name ? of?.ToLowerInvariant() : of;

    [GeneratedRegex(@"^[A-Za-z0-9-]{1,100}\z", RegexOptions.None, 1000)]
    private static partial Regex Key();
}
