namespace KkiMesh.ServiceDefaults.Tests;

public sealed class LanesTests
{
    [Fact]
    public async Task Deliveries_of_a_stream_run_in_the_order_of_their_tags_whoever_comes_first()
    {
        var lanes = new Lanes(CancellationToken.None);
        var order = new List<ulong>();
        async Task Work(ulong tag)
        {
            using var lane = await lanes.EnterAsync(tag, "stream");
            lock (order)
                order.Add(tag);
            await Task.Yield();
        }

        ulong[] arrival = [3, 1, 5, 2, 4, 8, 7, 6];
        await Task.WhenAll(arrival.Select(Work)).WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);

        Assert.Equal(arrival.Order(), order);
    }

    [Fact]
    public async Task A_stream_does_not_wait_for_another()
    {
        var lanes = new Lanes(CancellationToken.None);
        using var held = await lanes.EnterAsync(1, "slow");
        var behind = lanes.EnterAsync(2, "slow");

        using var other = await lanes.EnterAsync(3, "quick").WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);

        Assert.False(behind.IsCompleted);
        held.Dispose();
        (await behind.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken)).Dispose();
    }

    [Fact]
    public async Task Who_waits_for_a_delivery_that_never_came_gives_up_when_the_channel_is_gone()
    {
        using var channel = new CancellationTokenSource();
        var lanes = new Lanes(channel.Token);
        using var held = await lanes.EnterAsync(1, "stream");
        var behind = lanes.EnterAsync(2, "stream");
        var afterGap = lanes.EnterAsync(4, "stream");

        await channel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => behind.WaitAsync(TimeSpan.FromSeconds(10), CancellationToken.None));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => afterGap.WaitAsync(TimeSpan.FromSeconds(10), CancellationToken.None));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => lanes.EnterAsync(5, "other").WaitAsync(TimeSpan.FromSeconds(10), CancellationToken.None));
    }

    [Fact]
    public async Task One_who_gives_up_alone_does_not_let_those_behind_overtake()
    {
        var lanes = new Lanes(CancellationToken.None);
        var held = await lanes.EnterAsync(1, "stream");
        using var given = new CancellationTokenSource();
        var impatient = lanes.EnterAsync(2, "stream", ct: given.Token);
        var behind = lanes.EnterAsync(3, "stream");

        await given.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient);
        Assert.False(behind.IsCompleted);
        held.Dispose();
        (await behind.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken)).Dispose();
    }
}
