using KkiMesh.Contracts;
using KkiMesh.Contracts.Challenges.V1;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Challenges;

/// <summary>Where a challenge stands.</summary>
public enum ChallengeStatus
{
    /// <summary>Being written; seen by coordinators only.</summary>
    Draft,

    /// <summary>Funding is asked for its money.</summary>
    AwaitingFunds,

    /// <summary>Funded and published: ideas until the deadline, awards after it.</summary>
    Open,

    /// <summary>Over.</summary>
    Concluded,
}

/// <summary>What a coordinator writes.</summary>
/// <param name="Title">The challenge's title.</param>
/// <param name="Description">What is sought, in plain text.</param>
/// <param name="Organiser">The organisation that calls, e.g. RAS.</param>
/// <param name="Row">The row of the action plan that is to pay, e.g. U3-P4.</param>
/// <param name="FiscalYear">The budget year of the money; not necessarily this year's.</param>
/// <param name="Pool">What all awards together may cost at the most.</param>
/// <param name="MaxAwards">How many awards there may be at the most.</param>
/// <param name="Deadline">The instant after which no idea is taken.</param>
/// <param name="Fields">The fields of the taxonomy (CzK) that are sought, 1 to 13; null where none is said.</param>
/// <param name="Competences">What those who answer should be able to do; null where nothing is said.</param>
public sealed record ChallengeTerms(
    string Title,
    string Description,
    string Organiser,
    string Row,
    int FiscalYear,
    Money Pool,
    int MaxAwards,
    DateTimeOffset Deadline,
    IReadOnlyList<int>? Fields = null,
    IReadOnlyList<string>? Competences = null);

/// <summary>An idea that was awarded.</summary>
/// <param name="EntryId">The idea.</param>
/// <param name="Title">Its title.</param>
/// <param name="Recipient">Who is awarded.</param>
/// <param name="Amount">How much.</param>
/// <param name="Paid">Whether Funding has paid it.</param>
/// <param name="Reversed">The payments of it that were taken back as mistakes, by their transactions' ids.</param>
public sealed record Award(
    EntryId EntryId, string Title, string Recipient, Money Amount, bool Paid, IReadOnlyList<Guid>? Reversed = null)
{
    internal Award TakenBack(Guid? payment) =>
        this with { Paid = false, Reversed = payment is { } id ? [.. Reversed ?? [], id] : Reversed };

    internal bool IsTakenBack(Guid? payment) => payment is { } id && Reversed?.Contains(id) == true;
}

/// <summary>A draft was begun, or changed; drafts are private.</summary>
public sealed record ChallengeDrafted(ChallengeTerms Terms);

/// <summary>Funding told that a winner was paid.</summary>
public sealed record AwardPaid(EntryId EntryId);

/// <summary>Funding told that a winner's payment was a mistake.</summary>
/// <param name="EntryId">The awarded idea.</param>
/// <param name="Payment">The payment's transaction; null before that was kept.</param>
public sealed record AwardPaymentReversed(EntryId EntryId, Guid? Payment = null);

/// <summary>A creative challenge (kreativni izziv; policy, measure 3, projects 2 and 4).</summary>
/// <param name="Id">The challenge's id.</param>
/// <param name="Terms">What it says.</param>
/// <param name="Status">Where it stands.</param>
/// <param name="ReturnReason">Why it became a draft again; null where it did not.</param>
/// <param name="Awards">The awards so far.</param>
/// <param name="Record">The hash of what it was decided on, see <see cref="DecisionRecord"/>; null until some time after
/// its conclusion.</param>
public sealed record Challenge(
    [Format("uuid")] string Id,
    ChallengeTerms Terms,
    ChallengeStatus Status,
    string? ReturnReason,
    IReadOnlyList<Award> Awards,
    string? Record = null)
    : IAggregate<Challenge>
{
    /// <summary>The policy's plan is in euro.</summary>
    public const string Currency = "EUR";

    /// <summary>How many fields the taxonomy has (CzK; one reading of the policy's list).</summary>
    public const int TaxonomyFields = 13;

    private ChallengeId Key => ChallengeId.From(Guid.Parse(Id));

    private long Awarded => Awards.Sum(a => a.Amount.Amount);

    /// <inheritdoc />
    public static Challenge? Apply(Challenge? state, string id, object e) => (state, e) switch
    {
        (null, ChallengeDrafted drafted) => new Challenge(id, drafted.Terms, ChallengeStatus.Draft, null, []),
        ({ }, ChallengeDrafted drafted) => state with { Terms = drafted.Terms },
        ({ }, FundsRequested) => state with { Status = ChallengeStatus.AwaitingFunds, ReturnReason = null },
        ({ }, ChallengeReturnedToDraft returned) => state with { Status = ChallengeStatus.Draft, ReturnReason = returned.Reason },
        ({ }, ChallengePublished) => state with { Status = ChallengeStatus.Open },
        ({ }, EntryAwarded a) => state with { Awards = [.. state.Awards, new Award(a.EntryId, a.Title, a.Recipient, a.Amount, false)] },
        ({ }, AwardPaid paid) => state with { Awards = [.. state.Awards.Select(a => a.EntryId == paid.EntryId ? a with { Paid = true } : a)] },
        ({ }, AwardPaymentReversed r) => state with { Awards = [.. state.Awards.Select(a => a.EntryId == r.EntryId ? a.TakenBack(r.Payment) : a)] },
        ({ }, ChallengeConcluded) => state with { Status = ChallengeStatus.Concluded },
        ({ }, DecisionRecorded recorded) => state with { Record = recorded.Record },
        _ => state,
    };

    /// <summary>Begins a draft.</summary>
    public static Decision Draft(ChallengeTerms terms, DateTimeOffset now) =>
        Fault(terms, now) is { } fault ? fault : [new ChallengeDrafted(terms)];

    /// <summary>Changes a draft.</summary>
    public Decision Revise(ChallengeTerms terms, DateTimeOffset now) =>
        Status != ChallengeStatus.Draft ? Refusal.Conflict($"Only a draft can be changed; this challenge is {Name(Status)}.")
        : Fault(terms, now) is { } fault ? fault
        : [new ChallengeDrafted(terms)];

    /// <summary>Asks for the money. It opens when Funding has reserved it.</summary>
    public Decision Publish(DateTimeOffset now) =>
        Status != ChallengeStatus.Draft ? Refusal.Conflict($"Only a draft can be published; this challenge is {Name(Status)}.")
        : Fault(Terms, now) is { } fault ? fault
        : [new FundsRequested(Key, Terms.Row, Terms.FiscalYear, Terms.Pool, Terms.Title)];

    /// <summary>The money is there: it opens. An answer to a question that is no longer open changes nothing.</summary>
    public Decision Open() =>
        Status != ChallengeStatus.AwaitingFunds
            ? []
            : [new ChallengePublished(
                Key, Terms.Title, Terms.Description, Terms.Organiser, Terms.Row, Terms.FiscalYear, Terms.Pool, Terms.MaxAwards, Terms.Deadline, Terms.Fields, Terms.Competences)];

    /// <summary>There is no money: it is a draft again.</summary>
    public Decision ReturnToDraft(string reason) =>
        Status != ChallengeStatus.AwaitingFunds ? [] : [new ChallengeReturnedToDraft(Key, reason)];

    /// <summary>Why no idea can be entered now; null where one can.</summary>
    public Refusal? WhyNoEntry(DateTimeOffset now) =>
        Status != ChallengeStatus.Open ? Refusal.Conflict($"Ideas are entered for open challenges; this challenge is {Name(Status)}.")
        : now >= Terms.Deadline ? Refusal.Conflict($"The deadline was {Terms.Deadline:u}; ideas are taken until then.")
        : null;

    /// <summary>Why the jury and the organiser do not read ideas now; null where they do.</summary>
    public Refusal? WhyNotRead(DateTimeOffset now) =>
        now < Terms.Deadline
            ? Refusal.Conflict($"Until the deadline, {Terms.Deadline:u}, an idea is read by nobody but those who entered it.")
            : null;

    /// <summary>
    /// Awards an idea, within the number and the pool that the challenge was published with (policy, measure 3, project
    /// 4: the five best ideas, 15,000 EUR together).
    /// </summary>
    public Decision AwardTo(Entry entry, Money amount, string awarder, DateTimeOffset now)
    {
        if (Status != ChallengeStatus.Open || now < Terms.Deadline)
            return Refusal.Conflict($"Ideas are awarded after the deadline, {Terms.Deadline:u}, and before the challenge is concluded; it is {Name(Status)}.");
        if (entry.ChallengeId != Key || entry.IsWithdrawn)
            return Refusal.NotFound($"The challenge {Id} has no entry {entry.Id}.");
        if (entry.Scores.Count == 0)
            return Refusal.Conflict("The jury has not scored this idea yet.");
        if (Awards.Any(a => a.EntryId.ToString() == entry.Id))
            return Refusal.Conflict("This idea is awarded already.");
        if (Awards.Count >= Terms.MaxAwards)
            return Refusal.Invalid("entryId", $"All {Terms.MaxAwards} awards are given.");
        if (amount.Currency != Currency || amount.Amount < 1)
            return Refusal.Invalid("amount", "An award is more than zero, in EUR.");
        if (amount.Amount > Terms.Pool.Amount - Awarded)
            return Refusal.Invalid("amount", $"The pool has {Euro(Terms.Pool.Amount - Awarded)} left.");
        return
        [
            new EntryAwarded(
                Key, EntryId.From(Guid.Parse(entry.Id)), entry.Title, entry.Applicant, Terms.Row, amount, entry.Municipality, entry.SubjectId,
                WinnerKey: entry.Owner is null ? null : AccountKey.Of(entry.Id, entry.Owner), AwarderKey: AccountKey.Of(entry.Id, awarder)),
        ];
    }

    /// <summary>Ends it: no further award; what the pool has left goes back.</summary>
    public Decision Conclude(DateTimeOffset now) =>
        Status != ChallengeStatus.Open ? Refusal.Conflict($"Only an open challenge can be concluded; this challenge is {Name(Status)}.")
        : now < Terms.Deadline ? Refusal.Conflict($"Ideas are still taken, until {Terms.Deadline:u}.")
        : [new ChallengeConcluded(Key, Terms.Row, Awards.Count, Money.Eur(Awarded))];

    /// <summary>Records what it was decided on, once.</summary>
    /// <param name="record">The hash.</param>
    /// <param name="entries">Of how many ideas.</param>
    public Decision Keep(string record, int entries) =>
        Status == ChallengeStatus.Concluded && Record is null ? [new DecisionRecorded(Key, Terms.Row, entries, record)] : [];

    /// <summary>Funding has paid a winner, unless it has told already that this payment was a mistake.</summary>
    public Decision MarkPaid(EntryId entry, Guid? payment) =>
        Awards.Any(a => a.EntryId == entry && !a.Paid && !a.IsTakenBack(payment)) ? [new AwardPaid(entry)] : [];

    /// <summary>
    /// Funding has taken a transaction back: where that was a winner's payment, it is to be paid again. It may come
    /// before the payment itself, which was lost on its way and is taken from Funding's history later.
    /// </summary>
    public Decision MarkUnpaid(TransactionReversed reversed)
    {
        // A payment goes from committed to paid; what came back from there is owed again.
        bool Moved(string account) => reversed.Postings.Any(p => p.Account == account);
        return reversed.EntryId is { } entry && Moved("committed") && Moved("paid")
            && Awards.Any(a => a.EntryId == entry && !a.IsTakenBack(reversed.Reverses))
                ? [new AwardPaymentReversed(entry, reversed.Reverses)]
                : [];
    }

    private static Refusal? Fault(ChallengeTerms terms, DateTimeOffset now) =>
        terms.Pool.Currency != Currency || terms.Pool.Amount < 1 ? Refusal.Invalid("pool", "The pool is more than zero, in EUR.")
        : terms.Deadline <= now ? Refusal.Invalid("deadline", "The deadline must lie in the future.")
        : terms.Fields is { } fields && (fields.Any(f => f is < 1 or > TaxonomyFields) || fields.Distinct().Count() != fields.Count)
            ? Refusal.Invalid("fields", $"A field of the taxonomy is 1 to {TaxonomyFields}, and each is named once.")
        : Word.Fault("competences", terms.Competences ?? []) is { } fault ? fault
        : null;

    private static string Name(ChallengeStatus status) => status switch
    {
        ChallengeStatus.Draft => "a draft",
        ChallengeStatus.AwaitingFunds => "waiting for its money",
        ChallengeStatus.Open => "open",
        _ => "concluded",
    };

    private static string Euro(long cents) => FormattableString.Invariant($"{cents / 100m:N2} EUR");
}
