using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>De minimis aid that somebody was granted.</summary>
/// <param name="On">The day that it was granted.</param>
/// <param name="Amount">How much.</param>
/// <param name="Grantor">Who granted it, as the beneficiary declared it; null: this region, by the grant.</param>
/// <param name="GrantId">The grant; null where it is from elsewhere.</param>
/// <param name="Row">The row that pays; null where it is from elsewhere.</param>
public sealed record Aid(DateOnly On, Money Amount, string? Grantor = null, CommitmentId? GrantId = null, string? Row = null)
{
    /// <summary>
    /// Whose aid it is: a subject of the registry's, or an identifier, however it is written (before identifiers were
    /// checked, anything was one); null where neither is known.
    /// </summary>
    public static string? KeyOf(SubjectId? subject, string? beneficiary) =>
        subject is { } known ? $"subject/{known}"
        : beneficiary is null ? null
        : "other/" + (PartyIdentifier.Read(beneficiary).Normal ?? Unspaced(beneficiary));

    private static string Unspaced(string text) => string.Concat(text.Where(c => !char.IsWhiteSpace(c))).ToUpperInvariant();

    internal static IReadOnlyList<Aid> Of(Grant grant, AgreementFiled agreed) => Of(grant, agreed.SignedOn, agreed.DeclaredAid);

    internal static IReadOnlyList<Aid> Of(Grant grant) => Of(grant, grant.Agreement!.SignedOn, grant.Agreement.DeclaredAid);

    private static IReadOnlyList<Aid> Of(Grant grant, DateOnly day, IReadOnlyList<DeclaredAid> declared) =>
        [new Aid(day, grant.Amount, null, new CommitmentId(Guid.Parse(grant.Id)), grant.Row), .. declared.Select(d => new Aid(d.On, d.Amount, d.Grantor))];
}

/// <summary>What was counted for an agreement when it was recorded.</summary>
/// <param name="Total">All aid of the period, with this grant.</param>
/// <param name="Ceiling">What it may be at the most.</param>
/// <param name="LegalBasis">What sets the ceiling.</param>
/// <param name="Warning">From 80 % of the ceiling on, how near it is; else null.</param>
public sealed record DeMinimisCheck(Money Total, Money Ceiling, string LegalBasis, string? Warning);

/// <summary>The de minimis aid of a beneficiary as it counts on a day.</summary>
/// <param name="On">The day.</param>
/// <param name="Since">The first day that counts.</param>
/// <param name="Total">All aid from that day on.</param>
/// <param name="Ceiling">What it may be at the most.</param>
/// <param name="Left">What can still be granted.</param>
/// <param name="LegalBasis">What sets the ceiling.</param>
/// <param name="Aid">What was granted, the oldest first.</param>
public sealed record DeMinimisStatement(DateOnly On, DateOnly Since, Money Total, Money Ceiling, Money Left, string LegalBasis, IReadOnlyList<Aid> Aid);

/// <summary>A ceiling of de minimis aid, from a day on.</summary>
/// <param name="From">The first day that it holds for.</param>
/// <param name="Cents">How much, in EUR cents, for one undertaking.</param>
/// <param name="Years">Over how many years.</param>
/// <param name="IsByFiscalYear">Whether these are fiscal years, the running one being the last; else any years.</param>
/// <param name="LegalBasis">What sets it.</param>
public sealed record Ceiling(DateOnly From, long Cents, int Years, bool IsByFiscalYear, string LegalBasis)
{
    /// <summary>The first day that counts with a day.</summary>
    public DateOnly Since(DateOnly day) => IsByFiscalYear ? new DateOnly(day.Year - Years + 1, 1, 1) : day.AddYears(-Years).AddDays(1);
}

/// <summary>
/// The ceilings of de minimis aid (<c>Funding:DeMinimis</c>; by default Regulation (EU)
/// 2023/2831, Article 3(2), and before it (EU) No 1407/2013).
/// </summary>
/// <param name="All">All of them, in any order.</param>
public sealed record Ceilings(IReadOnlyList<Ceiling> All)
{
    private const int WarnsFromPercent = 80;

    /// <summary>Those that the law sets, where nothing is configured.</summary>
    public static readonly Ceilings Default = new(
    [
        new Ceiling(new DateOnly(2014, 1, 1), 200_000_00, 3, true, "Commission Regulation (EU) No 1407/2013, Article 3(2)"),
        new Ceiling(new DateOnly(2024, 1, 1), 300_000_00, 3, false, "Commission Regulation (EU) 2023/2831, Article 3(2)"),
    ]);

    /// <summary>Reads them.</summary>
    /// <exception cref="InvalidOperationException">One is not complete.</exception>
    public static Ceilings Of(IConfiguration configuration)
    {
        // Without it a ceiling that does not bind is left out without a word.
        var all = configuration.GetSection("Funding:DeMinimis").Get<Ceiling[]>(binder => binder.ErrorOnUnknownConfiguration = true) ?? [];
        if (all.Any(c => c.Cents < 1 || c.Years is < 1 or > 10 || string.IsNullOrWhiteSpace(c.LegalBasis)))
            throw new InvalidOperationException("Each of Funding:DeMinimis needs From, Cents, Years (1 to 10), IsByFiscalYear and LegalBasis.");
        return all is [] ? Default : new Ceilings(all);
    }

    /// <summary>
    /// What counts on a day; null where no ceiling holds yet. What was declared more than once is one aid.
    /// </summary>
    public DeMinimisStatement? On(IEnumerable<Aid> aid, DateOnly day)
    {
        if (All.Where(c => c.From <= day).MaxBy(c => c.From) is not { } ceiling)
            return null;
        var since = ceiling.Since(day);
        IReadOnlyList<Aid> counted = [.. aid.Distinct().Where(a => a.On >= since && a.On <= day).OrderBy(a => a.On)];
        var total = counted.Aggregate(Money.Eur(0), (sum, a) => sum.Plus(a.Amount));
        return new DeMinimisStatement(
            day, since, total, Money.Eur(ceiling.Cents), Money.Eur(Math.Max(0, ceiling.Cents - total.Amount)), ceiling.LegalBasis, counted);
    }

    /// <summary>
    /// Whether new aid keeps to the ceiling on its day, and on each later day of aid whose period it falls into.
    /// </summary>
    /// <param name="others">What the beneficiary has already.</param>
    /// <param name="added">What comes to it.</param>
    /// <param name="day">The day of the new aid.</param>
    public (Refusal? Refusal, DeMinimisCheck? Check) Check(IReadOnlyList<Aid> others, IReadOnlyList<Aid> added, DateOnly day)
    {
        IReadOnlyList<Aid> all = [.. others, .. added];
        foreach (var later in all.Select(a => a.On).Append(day).Where(d => d >= day).Distinct().Order())
        {
            if (On(all, later) is not { } with)
                return (Refusal.Invalid("signedOn", $"No ceiling of de minimis aid is known for {later:yyyy-MM-dd}."), null);
            if (with.Since <= day && with.Total.Amount > with.Ceiling.Amount)
                return (Refusal.Invalid("isDeMinimis", Arithmetic(with, On(others, later)!.Total)), null);
        }

        var now = On(all, day)!;
        var isNear = now.Total.Amount >= (decimal)now.Ceiling.Amount * WarnsFromPercent / 100;
        var warning = isNear ? $"{PlanRow.Text(now.Left)} of {PlanRow.Text(now.Ceiling)} de minimis aid can still be granted." : null;
        return (null, new DeMinimisCheck(now.Total, now.Ceiling, now.LegalBasis, warning));
    }

    private static string Arithmetic(DeMinimisStatement with, Money before) =>
        $"From {with.Since:yyyy-MM-dd} to {with.On:yyyy-MM-dd}: {PlanRow.Text(before)} before + {PlanRow.Text(Money.Eur(with.Total.Amount - before.Amount))} now = "
        + $"{PlanRow.Text(with.Total)}; the ceiling is {PlanRow.Text(with.Ceiling)} ({with.LegalBasis}).";
}
