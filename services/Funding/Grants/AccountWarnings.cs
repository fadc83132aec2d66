using Marten;

namespace KkiMesh.Funding;

/// <summary>What about a grant's account somebody should look at before they approve a payment.</summary>
internal static class AccountWarnings
{
    // Of one account; who has more than these has a warning anyhow, or is one and the same.
    private const int MostNames = 1000;
    private const int MostTold = 5;

    private sealed record Naming(string Iban, string Holder, string Recipient);

    /// <summary>The warnings of each grant, by its id; a grant without an account has none.</summary>
    /// <param name="session">The region.</param>
    /// <param name="grants">The grants, each once.</param>
    /// <param name="ct">Gives up.</param>
    public static async Task<IReadOnlyDictionary<string, IReadOnlyList<string>>> OfAsync(
        IQuerySession session, IReadOnlyList<Grant> grants, CancellationToken ct)
    {
        string[] ibans = [.. grants.Select(g => g.Agreement?.Account?.Iban).OfType<string>().Distinct()];
        var named = new List<Naming>();
        foreach (var iban in ibans)
            named.AddRange(await NamedAsync(session, iban, ct));
        var byIban = named.ToLookup(n => n.Iban);
        return grants.ToDictionary(g => g.Id, IReadOnlyList<string> (g) => Of(g, byIban));
    }

    private static async Task<IReadOnlyList<Naming>> NamedAsync(
        IQuerySession session, string iban, CancellationToken ct)
    {
        var found = await session.Query<Grant>().Where(g => g.Agreement!.Account!.Iban == iban)
            .Select(g => new { g.Agreement!.Account!.Holder, g.Recipient }).Distinct().Take(MostNames).ToListAsync(ct);
        return [.. found.Select(f => new Naming(iban, f.Holder, f.Recipient))];
    }

    private static List<string> Of(Grant grant, ILookup<string, Naming> named)
    {
        if (grant.Agreement?.Account is not { } account)
            return [];
        var warnings = new List<string>();
        if (!AreSame(account.Holder, grant.Recipient))
            warnings.Add($"The account is of {account.Holder}, and the recipient is {grant.Recipient}.");
        string[] others =
        [
            .. named[account.Iban].SelectMany(n => (string[])[n.Holder, n.Recipient])
                .Where(name => !AreSame(name, account.Holder) && !AreSame(name, grant.Recipient))
                .DistinctBy(Written).Order(StringComparer.Ordinal),
        ];
        if (others.Length > 0)
        {
            var more = others.Length > MostTold ? $", and {others.Length - MostTold} more" : "";
            warnings.Add($"Other grants name this account for {string.Join(", ", others.Take(MostTold))}{more}.");
        }

        return warnings;
    }

    private static bool AreSame(string one, string other) => Written(one) == Written(other);

    // As orders write it; no bank minds the case, or how many spaces there are.
    private static string Written(string name) => string.Join(
        ' ', SepaText.Of(name, Pain001.MaxName).ToUpperInvariant().Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
