using CsCheck;
using KkiMesh.Contracts;
using KkiMesh.Contracts.HelpDesk.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.HelpDesk.Tests;

/// <summary>Given what happened, when somebody decides, then this happens: without a database.</summary>
public sealed class MentoringCaseTests
{
    private static readonly DateTimeOffset Now = new(2023, 6, 1, 10, 0, 0, TimeSpan.Zero);
    private static readonly ChallengeId Challenge = new(Guid.CreateVersion7());
    private static readonly EntryId Entry = new(Guid.CreateVersion7());
    private static readonly CaseId Case = MentoringCase.Of(Entry);

    private enum Verb
    {
        Accept,
        Decline,
        Hold,
        Close,
    }

    [Fact]
    public void A_winner_is_offered_mentoring_at_the_nearest_point()
    {
        Assert.Equal([new MentoringOffered(Case, Challenge, Entry, "kreativnice", "147", 20.4)], Offer("147"));
        Assert.Equal([new MentoringOffered(Case, Challenge, Entry, "kovacnica", "052", 0)], Offer("052"));
        Assert.Equal(Entry.Value, Case.Value);
    }

    [Theory]
    [InlineData(null, "does not say where its winner is at home")]
    [InlineData("061", "names the municipality 061, which the registry has not listed")]
    [InlineData("", "which the registry has not listed")]
    public void Without_a_known_home_nothing_is_offered(string? municipality, string reason)
    {
        var refusal = Offer(municipality).Refusal!;

        Assert.Equal("municipality", refusal.Field);
        Assert.Contains(reason, refusal.Reason, StringComparison.Ordinal);
        Assert.Contains(Entry.ToString(), refusal.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_reason_stays_short_and_a_region_without_an_open_point_says_so()
    {
        Assert.True(Offer(new string('9', 100_000)).Refusal!.Reason.Length < 200);
        Assert.Equal(409, MentoringCase.Offer(Winner("052"), [], Gorenjska.Municipalities).Refusal!.Status);
    }

    [Fact]
    public void The_whole_life_of_a_case()
    {
        var offered = Offered();
        Assert.Equal((CaseStatus.Offered, 20.4, "kreativnice"), (offered.Status, offered.DistanceKm, offered.SupportPoint));
        Assert.Equal([new MentoringAccepted(Case, Challenge, Entry)], offered.Accept());

        var accepted = Given(offered, offered.Accept());
        Assert.Equal([new SessionNoted("mojca", 90, "Načrt", Now), new MentoringSessionHeld(Case, Challenge, Entry, 90)], accepted.Hold("mojca", 90, "Načrt", Now));

        var worked = Given(Given(accepted, accepted.Hold("mojca", 90, "Načrt", Now)), accepted.Hold("miha", 30, null, Now));
        Assert.Equal((120, 2, CaseStatus.Accepted), (worked.Minutes, worked.Sessions.Count, worked.Status));
        Assert.Equal([new ClosingNoted("mojca", "Uspelo"), new MentoringClosed(Case, Challenge, Entry, MentoringOutcome.Realised, 120)], worked.Close("mojca", MentoringOutcome.Realised, "Uspelo"));

        var closed = Given(worked, worked.Close("mojca", MentoringOutcome.Realised, "Uspelo"));
        Assert.Equal((CaseStatus.Closed, MentoringOutcome.Realised, "Uspelo"), (closed.Status, closed.Outcome, closed.ClosingNote));
    }

    [Fact]
    public void A_case_may_be_closed_without_a_session_and_declined_with_or_without_a_reason()
    {
        var accepted = Given(Offered(), Offered().Accept());

        Assert.Equal([new MentoringClosed(Case, Challenge, Entry, MentoringOutcome.GivenUp, 0)], accepted.Close("mojca", MentoringOutcome.GivenUp, null));
        Assert.Equal([new MentoringDeclined(Case, Challenge, Entry)], Offered().Decline(" "));
        Assert.Equal([new DeclineExplained("Ni časa"), new MentoringDeclined(Case, Challenge, Entry)], Offered().Decline("Ni časa"));
    }

    [Fact]
    public void What_mentors_keep_to_themselves_is_not_in_what_others_see()
    {
        var accepted = Given(Offered(), Offered().Accept());
        var worked = Given(accepted, accepted.Hold("mojca", 90, "Načrt", Now));
        var seen = Given(worked, worked.Close("mojca", MentoringOutcome.Referred, "Drugam")).WithoutNotes();
        var declined = Given(Offered(), Offered().Decline("Ni časa"));

        Assert.Equal(new MentoringSession(Now, 90, null, null), Assert.Single(seen.Sessions));
        Assert.Equal((null, 90, MentoringOutcome.Referred), (seen.ClosingNote, seen.Minutes, seen.Outcome));
        Assert.Equal(("Ni časa", null), (declined.DeclineReason, declined.WithoutNotes().DeclineReason));
    }

    [Fact]
    public void A_case_does_not_grow_for_ever()
    {
        var worked = Enumerable.Range(0, MentoringCase.MaxSessions).Aggregate(
            Given(Offered(), Offered().Accept()), (c, _) => Given(c, c.Hold("mojca", 480, null, Now)));

        Assert.Equal(409, worked.Hold("mojca", 1, null, Now).Refusal!.Status);
        Assert.Single(worked.Close("mojca", MentoringOutcome.Realised, null));
    }

    /// <summary>
    /// Whatever is tried in whatever order: only the steps of the life are taken, and the minutes add up.
    /// </summary>
    [Fact]
    public void Only_the_steps_of_its_life_are_taken() => Gen.Select(Gen.Enum<Verb>(), Gen.Int[1, 480]).List[0, 20].Sample(steps =>
    {
        var (state, minutes) = (Offered(), 0);
        foreach (var (verb, length) in steps)
        {
            var decision = verb switch
            {
                Verb.Accept => state.Accept(),
                Verb.Decline => state.Decline(null),
                Verb.Hold => state.Hold("mojca", length, null, Now),
                _ => state.Close("mojca", MentoringOutcome.Realised, null),
            };
            var allowed = verb is Verb.Accept or Verb.Decline ? state.Status == CaseStatus.Offered : state.Status == CaseStatus.Accepted;
            Assert.Equal(allowed, decision.Refusal is null);
            Assert.True(allowed || (decision.Refusal!.Status == 409 && decision.Refusal.Reason.EndsWith($"this case is {state.Status.ToString().ToLowerInvariant()}.", StringComparison.Ordinal)));
            minutes += decision.Events.OfType<MentoringSessionHeld>().Sum(s => s.Minutes);
            Assert.All(decision.Events.OfType<MentoringClosed>(), c => Assert.Equal(minutes, c.Minutes));
            state = Given(state, decision);
            Assert.Equal(minutes, state.Minutes);
        }
    });

    [Fact]
    public void No_public_event_has_room_for_a_person()
    {
        var records = PublicEvents.In(typeof(MentoringOffered).Assembly).Values.Where(t => t.Namespace == typeof(MentoringOffered).Namespace).ToList();

        Assert.Equal(5, records.Count);
        Assert.Equal(
            ["CaseId", "ChallengeId", "DistanceKm", "EntryId", "Minutes", "Municipality", "Outcome", "SupportPoint"],
            records.SelectMany(t => t.GetProperties()).Select(p => p.Name).Distinct().Order(StringComparer.Ordinal));
    }

    private static KnownWinner Winner(string? municipality) => new(Entry.ToString(), Challenge, municipality);

    private static Decision Offer(string? municipality) => MentoringCase.Offer(Winner(municipality), Gorenjska.Points, Gorenjska.Municipalities);

    private static MentoringCase Offered() => Offer("147").Events.Aggregate((MentoringCase?)null, (c, e) => MentoringCase.Apply(c, Case.ToString(), e))!;

    private static MentoringCase Given(MentoringCase state, Decision decision) => decision.Events.Aggregate(state, (c, e) => MentoringCase.Apply(c, c.Id, e)!);
}
