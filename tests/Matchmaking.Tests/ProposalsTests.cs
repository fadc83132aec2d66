using CsCheck;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Matchmaking.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Matchmaking.Tests;

/// <summary>
/// Given what is proposed, when a subject or the picture changes, then this is
/// proposed or withdrawn: without a database.
/// </summary>
public sealed class ProposalsTests
{
    private static readonly DateTimeOffset Now = new(2022, 6, 1, 10, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Deadline = Now.AddDays(30);
    private static readonly OpenChallenge Challenge = new(Guid.CreateVersion7().ToString(), "Izziv", [1], [], Deadline);
    private static readonly ChallengeId Key = ChallengeId.From(Guid.Parse(Challenge.Id));
    private static readonly SubjectId[] Subjects = [.. Enumerable.Range(1, 70).Select(n => SubjectId.From(Guid.Parse($"{n:D8}-0000-7000-8000-000000000000")))];

    [Fact]
    public void Whoever_fits_is_proposed_the_best_first_and_once()
    {
        var decision = Proposals.Follow(Challenge, [Fit(1, 40), Fit(2, 60)], Now);

        Assert.Equal([Subjects[2], Subjects[1]], decision.Events.OfType<MatchProposed>().Select(p => p.SubjectId));
        Assert.Equal(Challenge.Id, ((IAggregate<Proposals>)Given(decision)).Thread);
        Assert.Empty(Given(decision).Reconsider(Subjects[1], Fit(1, 40), Now));
        Assert.Empty(Given(decision).Settle([Fit(2, 60), Fit(1, 40)], Published(1, 2), Now));
    }

    [Fact]
    public void A_changed_profile_is_scored_anew_and_one_that_no_longer_fits_is_withdrawn()
    {
        var proposals = Given(Proposals.Follow(Challenge, [Fit(1, 40)], Now));

        Assert.Equal(70, Assert.IsType<MatchProposed>(Assert.Single(proposals.Reconsider(Subjects[1], Fit(1, 70), Now))).Score);
        var otherWords = Fit(1, 40) with { Parts = [new ScorePart("fields", 40, 100, "Drugače.", "Otherwise.")] };
        Assert.IsType<MatchProposed>(Assert.Single(proposals.Reconsider(Subjects[1], otherWords, Now)));
        Assert.Equal([new MatchWithdrawn(Key, Subjects[1], WithdrawnBecause.NoLongerFits)], proposals.Reconsider(Subjects[1], null, Now));
        Assert.Empty(proposals.Reconsider(Subjects[2], null, Now));
    }

    [Fact]
    public void Who_hides_is_withdrawn_once_also_after_the_deadline()
    {
        var proposals = Given(Proposals.Follow(Challenge, [Fit(1, 40)], Now));

        foreach (var at in (DateTimeOffset[])[Now, Deadline, Deadline.AddYears(1)])
        {
            var withdrawn = proposals.Withdraw(Subjects[1], at);
            Assert.Equal([new MatchWithdrawn(Key, Subjects[1], WithdrawnBecause.SubjectHidden)], withdrawn);
            Assert.Empty(Given(proposals, withdrawn).Withdraw(Subjects[1], at));
        }
    }

    [Fact]
    public void After_the_deadline_nobody_is_proposed_and_what_is_proposed_stays()
    {
        var proposals = Given(Proposals.Follow(Challenge, [Fit(1, 40)], Now));

        Assert.IsType<ChallengeFollowed>(Assert.Single(Proposals.Follow(Challenge, [Fit(1, 40)], Deadline)));
        Assert.Empty(proposals.Reconsider(Subjects[2], Fit(2, 90), Deadline));
        Assert.Empty(proposals.Reconsider(Subjects[1], Fit(1, 90), Deadline));
        Assert.Empty(proposals.Reconsider(Subjects[1], null, Deadline));
        Assert.Empty(proposals.Settle([Fit(2, 90)], Published(1, 2), Deadline));
        Assert.Single(proposals.Reconsider(Subjects[2], Fit(2, 90), Deadline.AddTicks(-1)));
    }

    [Fact]
    public void The_fifty_first_comes_in_only_in_the_place_of_a_worse_one()
    {
        var full = Given(Proposals.Follow(Challenge, Enumerable.Range(1, 50).Select(n => Fit(n, 40)), Now));

        Assert.Empty(full.Reconsider(Subjects[51], Fit(51, 40), Now));
        var better = full.Reconsider(Subjects[51], Fit(51, 41), Now);

        Assert.Equal([new MatchWithdrawn(Key, Subjects[50], WithdrawnBecause.OthersFitBetter)], better.Events.Take(1));
        Assert.Equal(Subjects[51], Assert.IsType<MatchProposed>(better.Events[1]).SubjectId);
        Assert.Equal(50, Given(full, better).Matches.Count);
        // Of equals, who is longer in the registry has the lower id.
        Assert.Single(full.Reconsider(Subjects[0], Fit(0, 40), Now).Events.OfType<MatchWithdrawn>(), w => w.SubjectId == Subjects[50]);
    }

    [Fact]
    public void When_one_of_the_fifty_leaves_the_next_best_comes_in()
    {
        var all = Enumerable.Range(1, 52).Select(n => Fit(n, 40)).ToList();
        var full = Given(Proposals.Follow(Challenge, all, Now));

        Assert.True(full.MakesRoom(Subjects[7], null, Now));
        Assert.True(full.MakesRoom(Subjects[7], Fit(7, 39), Now));
        Assert.False(full.MakesRoom(Subjects[7], Fit(7, 41), Now));
        Assert.False(full.MakesRoom(Subjects[51], null, Now));
        Assert.False(full.MakesRoom(Subjects[7], null, Deadline));

        var left = full.Withdraw(Subjects[7], Now, all);
        Assert.Equal(
            [(Subjects[7], false), (Subjects[51], true)], left.Events.Select(e => e is MatchProposed p ? (p.SubjectId, true) : (((MatchWithdrawn)e).SubjectId, false)));
        var fellBack = full.Reconsider(Subjects[7], Fit(7, 39), Now, all);
        Assert.Equal(new MatchWithdrawn(Key, Subjects[7], WithdrawnBecause.OthersFitBetter), fellBack.Events[0]);
        Assert.Equal(Subjects[51], Assert.IsType<MatchProposed>(fellBack.Events[1]).SubjectId);
    }

    [Fact]
    public void A_rebuilt_picture_settles_what_was_missed()
    {
        var proposals = Given(Proposals.Follow(Challenge, [Fit(1, 40), Fit(2, 40), Fit(3, 40)], Now));

        var settled = proposals.Settle([Fit(1, 40), Fit(4, 60)], Published(1, 3, 4), Now);

        Assert.Equal(
            [
                new MatchWithdrawn(Key, Subjects[2], WithdrawnBecause.SubjectHidden),
                new MatchWithdrawn(Key, Subjects[3], WithdrawnBecause.NoLongerFits),
            ],
            settled.Events.Take(2));
        Assert.Equal(Subjects[4], Assert.IsType<MatchProposed>(Assert.Single(settled.Events.Skip(2))).SubjectId);
        Assert.Equal(
            [new MatchWithdrawn(Key, Subjects[2], WithdrawnBecause.SubjectHidden)], proposals.Settle(proposals.Matches, Published(1, 3), Deadline));
        Assert.Single(proposals.Settle(proposals.Matches, Published(1, 3), Now));
    }

    /// <summary>
    /// Whatever subjects do, one after the other: the best fifty of all that fit
    /// are proposed, and nothing is decided twice.
    /// </summary>
    [Fact]
    public void The_best_of_all_who_fit_are_proposed_after_any_sequence_of_changes()
    {
        var step = Gen.Select(Gen.Int[0, Subjects.Length - 1], Gen.Int[-3, 12]);
        Gen.Select(Gen.Int[1, 12].Array[Subjects.Length], step.List[0, 60]).Sample((scores, steps) =>
        {
            var fitting = scores.Index().ToDictionary(s => Subjects[s.Index], s => Fit(s.Index, s.Item));
            var proposals = Given(Proposals.Follow(Challenge, fitting.Values, Now));
            foreach (var (n, score) in steps)
            {
                var (subject, match) = (Subjects[n], score > 0 ? Fit(n, score) : null);
                var room = proposals.MakesRoom(subject, match, Now) ? fitting.Values.ToList() : null;
                var decision = score == -3 ? proposals.Withdraw(subject, Now, room) : proposals.Reconsider(subject, match, Now, room);
                if (match is null)
                    fitting.Remove(subject);
                else
                    fitting[subject] = match;

                proposals = Given(proposals, decision);
                Assert.True(decision.Events.Count <= 2);
                Assert.Equal(
                    fitting.Values.OrderByDescending(m => m.Score).ThenBy(m => m.SubjectId.Value).Take(50).Select(m => (m.SubjectId, m.Score)).ToHashSet(),
                    proposals.Matches.Select(m => (m.SubjectId, m.Score)).ToHashSet());
                Assert.Empty(proposals.Settle([.. fitting.Values], fitting.Keys.ToHashSet(), Now));
            }
        });
    }

    private static Match Fit(int subject, int score) => new(Subjects[subject], score, [new ScorePart("fields", score, 100, "Ker.", "Because.")]);

    private static HashSet<SubjectId> Published(params int[] subjects) => [.. subjects.Select(n => Subjects[n])];

    private static Proposals Given(Decision decision) => decision.Events.Aggregate((Proposals?)null, (p, e) => Proposals.Apply(p, Challenge.Id, e))!;

    private static Proposals Given(Proposals proposals, Decision decision) => decision.Events.Aggregate(proposals, (p, e) => Proposals.Apply(p, p.Id, e)!);
}
