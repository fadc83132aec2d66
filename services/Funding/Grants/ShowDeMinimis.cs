using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

internal static class ShowDeMinimis
{
    // An identifier may be a person's: it is in the question, which no log and no trace keeps, not in the path.
    public static void Map(RouteGroupBuilder group) => group
        .MapGet("/de-minimis", Handle)
        .WithSummary("Shows a beneficiary's de minimis aid as it counts on a day: total, ceiling, what is left, and each grant")
        .Produces<DeMinimisStatement>().ProducesProblem(400).ProducesProblem(422)
        .For(Roles.Treasurer, Roles.Auditor, Roles.Coordinator);

    private static async Task<IResult> Handle(
        string region, SubjectId? subjectId, string? beneficiary, DateOnly? on, IDocumentStore store, Ceilings ceilings, TimeProvider time, CancellationToken ct)
    {
        if ((subjectId is null) == (beneficiary is null) || beneficiary is { Length: 0 or > PartyIdentifier.MostCharacters })
            return Problems.Of(400, "A beneficiary is named by subjectId, or by an identifier of 1 to 50 characters.", "beneficiary");
        if (beneficiary is not null && PartyIdentifier.Read(beneficiary).Fault is { } fault)
            return Problems.Of(400, fault, "beneficiary");
        var day = on ?? BusinessDate.Of(time.GetUtcNow());
        if (day.Year is < 2000 or > 2100)
            return Problems.Of(400, "A day lies between 2000 and 2100.", "on");
        await using var session = store.QuerySession(region);
        return ceilings.On(await AidOfBeneficiary.ReadAsync(session, Aid.KeyOf(subjectId, beneficiary)!, but: null, ct), day) is { } statement
            ? Results.Ok(statement)
            : Problems.Of(Refusal.Invalid("on", $"No ceiling of de minimis aid is known for {day:yyyy-MM-dd}."));
    }
}

/// <summary>What a beneficiary has, over all rows.</summary>
internal static class AidOfBeneficiary
{
    private const int MostGrants = 500;

    /// <summary>Their aid by the grants' agreements.</summary>
    /// <param name="session">The region.</param>
    /// <param name="key">Whose it is.</param>
    /// <param name="but">A grant that does not count; null: all count.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="RefusedException">409: they have more grants than can be counted.</exception>
    public static async Task<IReadOnlyList<Aid>> ReadAsync(IQuerySession session, string key, string? but, CancellationToken ct)
    {
        var grants = await session.Query<Grant>().Where(g => g.AidKey == key && g.Id != but).Take(MostGrants + 1).ToListAsync(ct);
        return grants.Count <= MostGrants
            ? [.. grants.SelectMany(Aid.Of)]
            : throw new RefusedException(Refusal.Conflict($"The beneficiary has more than {MostGrants} grants of de minimis aid: they cannot be counted."));
    }
}
