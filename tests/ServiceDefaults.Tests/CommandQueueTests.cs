namespace KkiMesh.ServiceDefaults.Tests;

public sealed class CommandQueueTests
{
    [Fact]
    public void A_group_is_of_one_region_and_regions_take_turns()
    {
        var queue = new CommandQueue();
        foreach (var n in Enumerable.Range(0, 40))
            Assert.True(queue.Add(new Asked(n % 4 == 0 ? "koroska" : "gorenjska", $"s{n % 8}", n)));

        var groups = Groups(queue, release: true);

        Assert.All(groups, g => Assert.Single(g.Select(c => c.Cause.Region).Distinct()));
        Assert.Equal(["gorenjska", "koroska"], groups.Take(2).Select(g => g[0].Cause.Region).Order());
        Assert.Equal(40, groups.Sum(g => g.Count));
        Assert.Equal(0, queue.Count);
    }

    [Fact]
    public void A_streams_commands_keep_their_order_and_are_in_one_group_at_a_time()
    {
        var queue = new CommandQueue();
        foreach (var n in Enumerable.Range(0, 250))
            queue.Add(new Asked("gorenjska", "hot", n));

        Assert.True(queue.WantsWorker());
        var first = queue.Take()!;
        Assert.False(queue.WantsWorker());
        Assert.Null(queue.Take());
        queue.Release("gorenjska", "hot");
        var second = Groups(queue, release: true).SelectMany(g => g);

        Assert.Equal(100, first.Count);
        Assert.Equal(Enumerable.Range(0, 250), first.Concat(second).Cast<Asked>().Select(c => c.Number));
    }

    [Fact]
    public void A_region_or_a_stream_that_floods_leaves_room_for_others()
    {
        var queue = new CommandQueue();
        var hot = Fill(n => new Asked("gorenjska", "hot", n));
        var all = hot + Fill(n => new Asked("gorenjska", $"s{n}", n));

        Assert.Equal(1000, hot);
        Assert.Equal(2000, all);
        foreach (var region in Enumerable.Range(0, 10))
            Assert.True(queue.Add(new Asked($"region-{region}", "a", 0)));
        Assert.InRange(all + Fill(n => new Asked("koroska", $"s{n}", n)), 2001, 4000);

        int Fill(Func<int, Asked> ask) => Enumerable.Range(0, 10_000).TakeWhile(n => queue.Add(ask(n))).Count();
    }

    private static List<List<WaitingCommand>> Groups(CommandQueue queue, bool release)
    {
        var groups = new List<List<WaitingCommand>>();
        while (queue.WantsWorker() && queue.Take() is { } group)
        {
            groups.Add(group);
            foreach (var command in release ? group : [])
                queue.Release(command.Cause.Region, command.Streams[0]);
            Assert.InRange(groups.Count, 1, 1000);
            while (queue.Take() is { } next)
            {
                groups.Add(next);
                foreach (var command in release ? next : [])
                    queue.Release(command.Cause.Region, command.Streams[0]);
            }
        }

        return groups;
    }

    private sealed class Asked(string region, string stream, int number)
        : WaitingCommand(new Cause(region, "somebody", "member", "cause", null), [stream], $"{number}", CancellationToken.None)
    {
        public int Number => number;

        public override void Open(CommandGroup group) => throw new NotSupportedException();

        public override Outcome Decide(CommandGroup group) => throw new NotSupportedException();
    }
}
