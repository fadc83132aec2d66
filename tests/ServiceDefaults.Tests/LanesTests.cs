namespace KkiMesh.ServiceDefaults.Tests;

public sealed class LanesTests
{
    [Fact]
    public async Task Deliveries_of_a_stream_run_in_the_order_of_their_tags_whoever_comes_first()
    {
        var lanes = new Lanes();
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
        var lanes = new Lanes();
        using var held = await lanes.EnterAsync(1, "slow");
        var behind = lanes.EnterAsync(2, "slow");

        using var other = await lanes.EnterAsync(3, "quick").WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);

        Assert.False(behind.IsCompleted);
        held.Dispose();
        (await behind.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken)).Dispose();
    }
}
