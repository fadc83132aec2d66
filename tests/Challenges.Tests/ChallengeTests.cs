using KkiMesh.Contracts;
using KkiMesh.Contracts.Challenges.V1;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Challenges.Tests;

/// <summary>Given what happened, when somebody decides, then this happens: without a database.</summary>
public sealed class ChallengeTests
{
    private static readonly DateTimeOffset Now = new(2022, 6, 1, 10, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Deadline = Now.AddDays(30);
    private static readonly ChallengeId Id = new(Guid.CreateVersion7());
    private static readonly ChallengeTerms Terms = new("Izziv", "Opis", "RAS", "U3-P4", 2022, Money.Eur(1_500_000), 5, Deadline);

    [Fact]
    public void A_draft_needs_money_in_euro_and_a_deadline_to_come()
    {
        Assert.Equal("pool", Challenge.Draft(Terms with { Pool = Money.Eur(0) }, Now).Refusal!.Field);
        Assert.Equal("pool", Challenge.Draft(Terms with { Pool = new Money(1, "USD") }, Now).Refusal!.Field);
        Assert.Equal("deadline", Challenge.Draft(Terms with { Deadline = Now }, Now).Refusal!.Field);
        Assert.Equal([new ChallengeDrafted(Terms)], Challenge.Draft(Terms, Now));
    }

    [Fact]
    public void Publishing_asks_for_the_money_and_only_the_answer_opens()
    {
        var asked = Given(new ChallengeDrafted(Terms)).Publish(Now);
        Assert.Equal([new FundsRequested(Id, "U3-P4", 2022, Terms.Pool, "Izziv")], asked);

        var waiting = Given([new ChallengeDrafted(Terms), .. asked]);
        Assert.Equal(409, waiting.Publish(Now).Refusal!.Status);
        Assert.IsType<ChallengePublished>(Assert.Single(waiting.Open()));
        Assert.Equal([new ChallengeReturnedToDraft(Id, "none left")], waiting.ReturnToDraft("none left"));
    }

    [Fact]
    public void A_late_or_second_answer_of_Funding_changes_nothing()
    {
        Assert.Empty(Opened().Open());
        Assert.Empty(Opened().ReturnToDraft("late"));
        Assert.Empty(Given(new ChallengeDrafted(Terms)).Open());
        Assert.Empty(Opened().MarkPaid(new EntryId(Guid.NewGuid()), Guid.NewGuid()));
    }

    [Fact]
    public void A_payment_that_was_reversed_is_no_longer_shown_as_paid_and_nothing_else_that_was()
    {
        var idea = new EntryId(Guid.CreateVersion7());
        var paid = Given(new ChallengeDrafted(Terms), Asked(), new EntryAwarded(Id, idea, "Ideja", "Ana", "U3-P4", Money.Eur(100)), new AwardPaid(idea));
        TransactionReversed Reversed(string from, string to) => new(
            Guid.CreateVersion7(), new ReservationId(Id.Value), "U3-P4", 2022, "Zmota",
            [new Posting(from, 2022, FundingSource.NotStated, Money.Eur(100)), new Posting(to, 2022, FundingSource.NotStated, Money.Eur(-100))], new DateOnly(2022, 9, 1), EntryId: idea);

        Assert.Empty(paid.MarkUnpaid(Reversed("paid", "available")));
        Assert.Empty(paid.MarkUnpaid(Reversed("reserved", "committed")));
        Assert.Empty(paid.MarkUnpaid(Reversed("committed", "paid") with { EntryId = new EntryId(Guid.CreateVersion7()) }));
        var reversal = Reversed("committed", "paid");
        var unpaid = Given(paid, paid.MarkUnpaid(reversal));

        Assert.False(Assert.Single(unpaid.Awards).Paid);
        Assert.Empty(unpaid.MarkUnpaid(reversal));
        Assert.True(Assert.Single(Given(unpaid, unpaid.MarkPaid(idea, Guid.CreateVersion7())).Awards).Paid);
        // Told in the other order, what was taken back stays so; the payment that follows counts.
        var early = Given(new ChallengeDrafted(Terms), Asked(), new EntryAwarded(Id, idea, "Ideja", "Ana", "U3-P4", Money.Eur(100)));
        var takenBack = Given(early, early.MarkUnpaid(reversal));
        Assert.Empty(takenBack.MarkPaid(idea, reversal.Reverses));
        Assert.True(Assert.Single(Given(takenBack, takenBack.MarkPaid(idea, Guid.CreateVersion7())).Awards).Paid);
    }

    [Fact]
    public void A_returned_challenge_is_a_draft_with_the_reason_and_can_be_changed()
    {
        var returned = Given(new ChallengeDrafted(Terms), Asked(), new ChallengeReturnedToDraft(Id, "none left"));

        Assert.Equal((ChallengeStatus.Draft, "none left"), (returned.Status, returned.ReturnReason));
        Assert.Single(returned.Revise(Terms with { Pool = Money.Eur(1) }, Now));
        Assert.Equal(409, Opened().Revise(Terms, Now).Refusal!.Status);
    }

    [Fact]
    public void Ideas_are_taken_until_the_deadline_and_not_in_its_instant()
    {
        Assert.Null(Opened().WhyNoEntry(Deadline.AddTicks(-1)));
        Assert.Equal(409, Opened().WhyNoEntry(Deadline)!.Status);
        Assert.Equal(409, Given(new ChallengeDrafted(Terms)).WhyNoEntry(Now)!.Status);
    }

    [Fact]
    public void Awards_keep_to_the_number_the_pool_and_the_order_of_things()
    {
        var entries = Enumerable.Range(0, 7).Select(_ => Scored()).ToList();
        Assert.Equal(409, Opened().AwardTo(entries[0], Money.Eur(1), "coordinator", Deadline.AddTicks(-1)).Refusal!.Status);
        Assert.Equal("amount", Opened().AwardTo(entries[0], Money.Eur(1_500_001), "coordinator", Deadline).Refusal!.Field);
        Assert.Equal("amount", Opened().AwardTo(entries[0], Money.Eur(0), "coordinator", Deadline).Refusal!.Field);
        Assert.Equal(409, Opened().AwardTo(Filed(), Money.Eur(1), "coordinator", Deadline).Refusal!.Status);
        Assert.Equal(404, Opened().AwardTo(Scored(new ChallengeId(Guid.NewGuid())), Money.Eur(1), "coordinator", Deadline).Refusal!.Status);

        var challenge = Opened();
        foreach (var entry in entries.Take(5))
            challenge = Given(challenge, challenge.AwardTo(entry, Money.Eur(200_000), "coordinator", Deadline));

        Assert.Equal(409, challenge.AwardTo(entries[0], Money.Eur(1), "coordinator", Deadline).Refusal!.Status);
        Assert.Equal("entryId", challenge.AwardTo(entries[5], Money.Eur(1), "coordinator", Deadline).Refusal!.Field);
        Assert.Equal([new ChallengeConcluded(Id, "U3-P4", 5, Money.Eur(1_000_000))], challenge.Conclude(Deadline));
    }

    [Fact]
    public void It_is_concluded_once_and_after_the_deadline()
    {
        Assert.Equal(409, Opened().Conclude(Now).Refusal!.Status);
        var concluded = Given(Opened(), Opened().Conclude(Deadline));
        Assert.Equal(409, concluded.Conclude(Deadline).Refusal!.Status);
        Assert.Equal(409, concluded.AwardTo(Scored(), Money.Eur(1), "coordinator", Deadline).Refusal!.Status);
        Assert.Equal(409, Scored().Score("j", 1, null, concluded, Deadline).Refusal!.Status);
    }

    [Fact]
    public void Ideas_are_judged_after_the_deadline()
    {
        var idea = Entry.Apply(null, Guid.NewGuid().ToString(), new EntryFiled(Id, "Ideja", "Opis", "Ana", "ana@example.org", Owner: "ana"))!;

        Assert.Equal(409, idea.Score("bor", 90, null, Opened(), Deadline.AddTicks(-1)).Refusal!.Status);
        Assert.Equal([new EntryScored("bor", 90, null)], idea.Score("bor", 90, null, Opened(), Deadline));
    }

    [Fact]
    public void An_award_tells_who_won_and_who_awarded_by_keys_that_name_nobody()
    {
        var entry = Given(Entry.Apply(null, Guid.NewGuid().ToString(), new EntryFiled(Id, "Ideja", "Opis", "Ana", "ana@example.org", Owner: "ana"))!, [new EntryScored("bor", 90, null)]);

        var awarded = (EntryAwarded)Assert.Single(Opened().AwardTo(entry, Money.Eur(1), "cene", Deadline).Events);

        Assert.Equal((AccountKey.Of(entry.Id, "ana"), AccountKey.Of(entry.Id, "cene")), (awarded.WinnerKey, awarded.AwarderKey));
        Assert.NotEqual(AccountKey.Of(Guid.NewGuid(), "ana"), awarded.WinnerKey);
    }

    [Fact]
    public void A_jurors_later_score_replaces_the_earlier_and_the_points_are_the_mean()
    {
        var entry = Given(Filed(), [new EntryScored("a", 10, null), new EntryScored("b", 20, null), new EntryScored("a", 40, "better")]);

        Assert.Equal(30, entry.Points);
        Assert.Equal(2, entry.Scores.Count);
    }

    private static Challenge Given(params object[] events) => events.Aggregate((Challenge?)null, (c, e) => Challenge.Apply(c, Id.ToString(), e))!;

    private static Challenge Given(Challenge challenge, Decision decision) => decision.Events.Aggregate(challenge, (c, e) => Challenge.Apply(c, c.Id, e)!);

    private static Entry Given(Entry entry, object[] events) => events.Aggregate(entry, (x, e) => Entry.Apply(x, x.Id, e)!);

    private static FundsRequested Asked() => new(Id, "U3-P4", 2022, Terms.Pool, "Izziv");

    private static Challenge Opened() => Given(
        new ChallengeDrafted(Terms), Asked(), new ChallengePublished(Id, "Izziv", "Opis", "RAS", "U3-P4", 2022, Terms.Pool, 5, Deadline));

    private static Entry Filed(ChallengeId? challenge = null) =>
        Entry.Apply(null, Guid.NewGuid().ToString(), new EntryFiled(challenge ?? Id, "Ideja", "Opis", "Ana", "ana@example.org"))!;

    private static Entry Scored(ChallengeId? challenge = null) => Given(Filed(challenge), [new EntryScored("juror", 50, null)]);
}
