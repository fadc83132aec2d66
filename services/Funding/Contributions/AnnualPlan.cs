using System.Globalization;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>What a coordinator writes: seen by coordinators and officers until it is submitted.</summary>
/// <param name="Items">What the money is for.</param>
/// <param name="Key">The contribution key that it is divided by.</param>
/// <param name="KeyVersion">The key's version.</param>
/// <param name="Shares">What each municipality is to be asked for; they sum to the items.</param>
public sealed record PlanDraft(IReadOnlyList<AnnualPlanItem> Items, string Key, int KeyVersion, IReadOnlyList<MunicipalShare> Shares);

/// <summary>What a municipality says of its share.</summary>
public enum ShareState
{
    /// <summary>Nothing yet.</summary>
    Waiting,

    /// <summary>It confirms it.</summary>
    Confirmed,

    /// <summary>It declines it.</summary>
    Declined,
}

/// <summary>A municipality's share of an annual plan, and what it says of it.</summary>
/// <param name="Municipality">Its code.</param>
/// <param name="Share">What it is asked for.</param>
/// <param name="State">What it says.</param>
/// <param name="AnsweredOn">The day that it said so; null where it has not.</param>
/// <param name="Reason">Why it declines; null where it does not.</param>
public sealed record MunicipalAnswer(string Municipality, Money Share, ShareState State, DateOnly? AnsweredOn = null, string? Reason = null);

/// <summary>A draft was begun, or changed; drafts are private.</summary>
public sealed record AnnualPlanDrafted(int Year, PlanDraft Draft);

/// <summary>
/// An annual plan (Letni načrt; policy, measure 4): what municipal money is for in a year. It is
/// submitted to the municipalities, and each confirms its share or declines. What happens where some
/// decline the policy does not say: it is shown, and people decide.
/// </summary>
/// <param name="Id">Its year; the stream has a longer key.</param>
/// <param name="Year">The budget year.</param>
/// <param name="SubmittedVersion">The version that was submitted last; 0 before the first.</param>
/// <param name="Draft">The next version; null where none is being written, or where the caller does not see it.</param>
/// <param name="Items">What was submitted.</param>
/// <param name="Key">The contribution key of what was submitted; null before.</param>
/// <param name="KeyVersion">The key's version.</param>
/// <param name="Municipalities">What each municipality was asked for, and says.</param>
/// <param name="Head">The hash of its newest event, over that one and all before it.</param>
public sealed record AnnualPlan(
    string Id,
    int Year,
    int SubmittedVersion,
    PlanDraft? Draft,
    IReadOnlyList<AnnualPlanItem> Items,
    string? Key,
    int? KeyVersion,
    IReadOnlyList<MunicipalAnswer> Municipalities,
    string? Head = null) : IAggregate<AnnualPlan>, IAddressed, IChained
{
    /// <inheritdoc />
    string IAddressed.AddressId => Year.ToString(CultureInfo.InvariantCulture);

    /// <inheritdoc />
    public IChained WithHead(string head) => this with { Head = head };

    private const int MostVersions = 100;

    /// <summary>What all items cost, as a rough guide (okvirno): the plan's size, not money that is there.</summary>
    public Money Indicative => Sum(Items.Select(i => i.Amount));

    /// <summary>
    /// What is confirmed: the part of the plan that has money behind it. Which
    /// items it pays first the policy does not say.
    /// </summary>
    public Money Committed => Of(ShareState.Confirmed);

    /// <summary>What nobody has answered for yet.</summary>
    public Money Waiting => Of(ShareState.Waiting);

    /// <summary>What was declined, and has no money behind it.</summary>
    public Money Declined => Of(ShareState.Declined);

    /// <summary>
    /// The confirmed part, in whole thousandths of the plan, rounded down; null where the plan has no amount yet.
    /// </summary>
    public int? CommittedPerMille => Indicative.Amount == 0 ? null : (int)((Int128)Committed.Amount * 1000 / Indicative.Amount);

    /// <summary>The key of its stream.</summary>
    public static string Stream(int year) => $"{LedgerStreams.AnnualPlans}/{year}";

    /// <inheritdoc />
    public static AnnualPlan? Apply(AnnualPlan? state, string id, object e) => (state, e) switch
    {
        (null, AnnualPlanDrafted d) => new AnnualPlan(id, d.Year, 0, d.Draft, [], null, null, []),
        ({ }, AnnualPlanDrafted d) => state with { Draft = d.Draft },
        ({ }, AnnualPlanSubmitted s) => new AnnualPlan(
            id, s.Year, s.Version, null, s.Items, s.Key, s.KeyVersion, [.. s.Shares.Select(m => new MunicipalAnswer(m.Municipality, m.Amount, ShareState.Waiting))]),
        ({ }, AnnualPlanConfirmed c) => state.With(c.Municipality, ShareState.Confirmed, c.BusinessDate, null),
        ({ }, AnnualPlanDeclined d) => state.With(d.Municipality, ShareState.Declined, d.BusinessDate, d.Reason),
        _ => state,
    };

    /// <summary>What everybody sees.</summary>
    public AnnualPlan WithoutDraft() => this with { Draft = null };

    /// <summary>Asks the municipalities to confirm the draft.</summary>
    public Decision Submit(DateOnly today) =>
        Draft is null ? Refusal.Conflict($"The annual plan of {Year} has no draft to submit; its version {SubmittedVersion} was submitted before.")
        : SubmittedVersion >= MostVersions ? Refusal.Conflict($"An annual plan has at most {MostVersions} versions.")
        : [new AnnualPlanSubmitted(Year, SubmittedVersion + 1, Draft.Items, Draft.Key, Draft.KeyVersion, Draft.Shares, today)];

    /// <summary>A municipality confirms its share of a version.</summary>
    public Decision Confirm(string municipality, int version, DateOnly today) =>
        WhyNoAnswer(municipality, version) is { } refusal ? refusal
        : [new AnnualPlanConfirmed(Year, SubmittedVersion, municipality, Find(municipality)!.Share, today)];

    /// <summary>A municipality declines its share of a version.</summary>
    public Decision Decline(string municipality, int version, string reason, DateOnly today) =>
        WhyNoAnswer(municipality, version) is { } refusal ? refusal
        : [new AnnualPlanDeclined(Year, SubmittedVersion, municipality, Find(municipality)!.Share, reason, today)];

    /// <summary>What a municipality was asked for; null where it takes no part.</summary>
    public MunicipalAnswer? Find(string municipality) => Municipalities.FirstOrDefault(m => m.Municipality == municipality);

    // Who confirms says which version they have read: a newer one may have come meanwhile.
    private Refusal? WhyNoAnswer(string municipality, int version) =>
        SubmittedVersion == 0 ? Refusal.Conflict($"The annual plan of {Year} is not submitted yet.")
        : version != SubmittedVersion ? Refusal.Conflict($"The version {SubmittedVersion} of the annual plan of {Year} is the one to answer; version {version} is not.")
        : Find(municipality) is not { } answer ? Refusal.NotFound($"The municipality {municipality} has no share in the annual plan of {Year}.")
        : answer.State != ShareState.Waiting ? Refusal.Conflict($"The municipality {municipality} has {answer.State.ToString().ToLowerInvariant()} this version already.")
        : null;

    private AnnualPlan With(string municipality, ShareState state, DateOnly on, string? reason) => this with
    {
        Municipalities = [.. Municipalities.Select(m => m.Municipality == municipality ? m with { State = state, AnsweredOn = on, Reason = reason } : m)],
    };

    private Money Of(ShareState state) => Sum(Municipalities.Where(m => m.State == state).Select(m => m.Share));

    private static Money Sum(IEnumerable<Money> amounts) => Money.Eur(amounts.Sum(a => a.Amount));
}
