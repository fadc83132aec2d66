using System.Text.Json;
using CsCheck;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Registry.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Registry.Tests;

/// <summary>Given what happened, when somebody decides, then this happens: without a database.</summary>
public sealed class SubjectTests
{
    private static readonly DateTimeOffset Now = new(2022, 6, 1, 10, 0, 0, TimeSpan.Zero);
    private static readonly SubjectId Id = new(Guid.CreateVersion7());
    private static readonly Caller Owner = new("ana", false, _ => false);
    private static readonly Caller Other = new("bor", false, _ => false);
    private static readonly Caller Visitor = new(null, false, _ => false);
    private static readonly Caller Coordinator = new("coordinator", true, _ => false);

    private static readonly Profile Profile = new(
        "Ana Skrivnostna", SubjectKind.CreatorOrNgo, LegalForm.SelfEmployedInCulture, [3, 12], ["ilustracija"], "052",
        ["plakati"], ["tiskarna"], "ana@example.org", "https://example.org/ana", "Rišem za otroke.");

    private static readonly SubjectPublished Published = new(
        Id, SubjectKind.CreatorOrNgo, Profile.Fields, Profile.Competences, "052", Profile.Offers, Profile.LooksFor, IsDemo: false, AccountKey.Of(Id, "ana"));

    private static object[] Registered => [new ProfileRegistered(Profile, "ana", false)];

    private static object[] Consented => [.. Registered, new ConsentGiven(Now, "1")];

    private static object[] Shown => [.. Consented, Published];

    [Fact]
    public void Registering_remembers_who_it_was_and_publishes_nothing()
    {
        Assert.Equal(Registered, Subject.Register(Profile, null, Owner));
        Assert.Equal(SubjectStatus.Registered, Given(Registered).Status);
        Assert.Null(Given(Registered).SearchText);
    }

    [Fact]
    public void What_a_coordinator_registers_for_others_is_published_as_nobodys()
    {
        object[] forOthers = [new ProfileRegistered(Profile, "coordinator", false, IsForOthers: true)];

        Assert.Equal(forOthers, Subject.Register(Profile, null, Coordinator, isForOthers: true));
        Assert.Equal([Published with { OwnerKey = null }], Given([.. forOthers, new ConsentGiven(Now, "1")]).Publish());
    }

    [Fact]
    public void Publishing_needs_consent_and_tells_the_profile_without_a_name()
    {
        Assert.Equal(409, Given(Registered).Publish().Refusal!.Status);
        Assert.Equal([Published], Given(Consented).Publish());
        Assert.Equal(409, Given(Shown).Publish().Refusal!.Status);
    }

    [Fact]
    public void A_change_publishes_what_is_published_and_nothing_else()
    {
        var changed = Profile with { Competences = ["strip"], Name = "Ana" };

        Assert.Equal([new ProfileChanged(changed, false)], Given(Registered).Change(changed, null, Owner));
        Assert.Equal([new ProfileChanged(changed, false)], Given(Consented).Change(changed, null, Owner));
        Assert.Equal(
            [new ProfileChanged(changed, false), Published with { Competences = changed.Competences }],
            Given(Shown).Change(changed, null, Owner));
        Assert.Equal([new ProfileChanged(changed, false)], Given([.. Shown, new SubjectHidden(Id, HiddenBecause.Hidden)]).Change(changed, null, Owner));
        Assert.Equal("strip", Given(Shown, s => s.Change(changed, null, Owner)).SearchText!.Words.Split(' ')[0]);
    }

    [Fact]
    public void Hiding_takes_it_out_of_sight_and_it_may_come_back()
    {
        Assert.Equal([new SubjectHidden(Id, HiddenBecause.Hidden)], Given(Shown).Hide());
        Assert.Equal(409, Given(Consented).Hide().Refusal!.Status);

        var hidden = Given(Shown, s => s.Hide());
        Assert.Equal(409, hidden.Hide().Refusal!.Status);
        Assert.Equal([Published], hidden.Publish());
        Assert.Null(hidden.SearchText);
    }

    [Fact]
    public void Withdrawing_consent_hides_what_is_published_and_keeps_the_text_that_it_was_for()
    {
        Assert.Equal([new ConsentWithdrawn(Now, "1"), new SubjectHidden(Id, HiddenBecause.ConsentWithdrawn)], Given(Shown).WithdrawConsent(Now));
        Assert.Equal([new ConsentWithdrawn(Now, "1")], Given(Consented).WithdrawConsent(Now));
        Assert.Equal(409, Given(Registered).WithdrawConsent(Now).Refusal!.Status);

        var withdrawn = Given(Shown, s => s.WithdrawConsent(Now));
        Assert.Equal(409, withdrawn.Publish().Refusal!.Status);
        Assert.Null(withdrawn.SearchText);
    }

    [Fact]
    public void Consent_to_the_same_text_is_given_once()
    {
        Assert.Equal([new ConsentGiven(Now, "1")], Given(Registered).GiveConsent("1", Now));
        Assert.Empty(Given(Consented).GiveConsent("1", Now));
        Assert.Equal([new ConsentGiven(Now, "2")], Given(Consented).GiveConsent("2", Now));
    }

    [Fact]
    public void A_subject_is_its_owners_and_the_coordinators_alone()
    {
        Assert.Equal(403, Given(Shown).By(Other, s => s.Hide()).Refusal!.Status);
        Assert.Equal(403, Given(Shown).By(Visitor, s => s.Hide()).Refusal!.Status);
        Assert.Single(Given(Shown).By(Owner, s => s.Hide()));
        Assert.Single(Given(Shown).By(new Caller("cene", false, subject => subject == Id.ToString()), s => s.Hide()));
        Assert.Single(Given(Shown).By(Coordinator, s => s.Hide()));
        Assert.Equal(403, Subject.Register(Profile, null, Visitor).Refusal!.Status);
    }

    [Fact]
    public void Each_sees_what_is_theirs_to_see()
    {
        Assert.Null(Given(Consented).For(Other));
        Assert.Null(Given(Consented).For(Visitor));
        Assert.Null(Given(Shown, s => s.Hide()).For(Visitor));
        Assert.All([Owner, Coordinator], c => Assert.Equal(("ana@example.org", "ana"), (Given(Registered).For(c)!.Profile.ContactEmail, Given(Registered).For(c)!.Owner)));

        var seen = Given(Shown).For(Visitor)!;
        Assert.Equal("Ana Skrivnostna", seen.Profile.Name);
        Assert.Equal((null, null, null, null), (seen.Profile.ContactEmail, seen.Owner, seen.Consent, seen.SearchText));
        Assert.Null(Given(Shown).For(Owner)!.SearchText);
    }

    [Fact]
    public void Only_a_coordinator_says_what_is_made_up()
    {
        Assert.Equal(403, Subject.Register(Profile, true, Owner).Refusal!.Status);
        Assert.Single(Subject.Register(Profile, false, Owner));
        Assert.Equal([new ProfileRegistered(Profile, "coordinator", true)], Subject.Register(Profile, true, Coordinator));

        var madeUp = Given(new ProfileRegistered(Profile, "ana", true), new ConsentGiven(Now, "1"), Published with { IsDemo = true });
        Assert.Equal(403, madeUp.Change(Profile, false, Owner).Refusal!.Status);
        Assert.Equal([new ProfileChanged(Profile, true), Published with { IsDemo = true }], madeUp.Change(Profile, null, Owner));
        Assert.Equal([new ProfileChanged(Profile, false), Published], madeUp.Change(Profile, false, Coordinator));
    }

    [Theory]
    [InlineData]
    [InlineData(0)]
    [InlineData(14)]
    [InlineData(3, 3)]
    [InlineData(1, 2, 3, 4, 5, 6)]
    public void Fields_are_one_to_five_different_ones_of_the_thirteen(params int[] fields)
    {
        Assert.Equal(("fields", 422), Of(Subject.Register(Profile with { Fields = fields }, null, Owner)));
        Assert.Equal(("fields", 422), Of(Given(Shown).Change(Profile with { Fields = fields }, null, Owner)));
    }

    [Fact]
    public void Lists_have_at_most_twenty_words()
    {
        string[] words = [.. Enumerable.Range(1, 20).Select(n => $"beseda {n}")];

        Assert.Single(Subject.Register(Profile with { Competences = words, Offers = words, LooksFor = words }, null, Owner));
        Assert.Equal(("competences", 422), Of(Subject.Register(Profile with { Competences = [.. words, "še ena"] }, null, Owner)));
        Assert.Equal(("offers", 422), Of(Subject.Register(Profile with { Offers = [.. words, "še ena"] }, null, Owner)));
        Assert.Equal(("looksFor", 422), Of(Subject.Register(Profile with { LooksFor = ["a"] }, null, Owner)));
    }

    [Fact]
    public void Whatever_is_done_in_whatever_order_no_public_event_says_who_it_is_and_lists_follow_the_last_word()
    {
        var name = Gen.String[Gen.Char['a', 'z'], 5, 20].Select(s => $"Ime {s}");
        var step = Gen.OneOf<Func<Subject, Decision>>(
            name.Select<string, Func<Subject, Decision>>(n => s => s.Change(Profile with { Name = n, ContactEmail = $"{n[4..]}@example.org" }, null, Owner)),
            Gen.Const<Func<Subject, Decision>>(s => s.GiveConsent("1", Now)),
            Gen.Const<Func<Subject, Decision>>(s => s.WithdrawConsent(Now)),
            Gen.Const<Func<Subject, Decision>>(s => s.Publish()),
            Gen.Const<Func<Subject, Decision>>(s => s.Hide()));
        step.Array[0, 30].Sample(steps =>
        {
            var subject = Given(Registered);
            foreach (var decide in steps)
            {
                var decision = decide(subject);
                foreach (var e in decision.Events.Where(e => PublicEvents.TypeOf(e.GetType()) is not null))
                {
                    var json = JsonSerializer.Serialize(e, e.GetType(), ContractJson.Options);
                    Assert.DoesNotContain(subject.Profile.Name, json, StringComparison.OrdinalIgnoreCase);
                    Assert.DoesNotContain("example.org", json, StringComparison.OrdinalIgnoreCase);
                    Assert.DoesNotContain("Ime ", json, StringComparison.OrdinalIgnoreCase);
                }

                subject = Given(subject, decision);
                Assert.False(subject.Status == SubjectStatus.Published && subject.Consent is null);
                Assert.Equal(subject.Status == SubjectStatus.Published, subject.For(Visitor) is not null);
                Assert.Equal(subject.Status == SubjectStatus.Published ? SearchText.Of(subject.Profile) : null, subject.SearchText);
            }
        });
    }

    private static (string?, int) Of(Decision decision) => (decision.Refusal!.Field, decision.Refusal.Status);

    private static Subject Given(params object[] events) => events.Aggregate((Subject?)null, (s, e) => Subject.Apply(s, Id.ToString(), e))!;

    private static Subject Given(object[] events, Func<Subject, Decision> decide) => Given(Given(events), decide(Given(events)));

    private static Subject Given(Subject subject, Decision decision) => decision.Events.Aggregate(subject, (s, e) => Subject.Apply(s, s.Id, e)!);
}
