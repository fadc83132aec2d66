using KkiMesh.AppHost;

namespace KkiMesh.Mesh.Tests;

/// <summary>Servers are waited for as they are: slow, and silent while they start.</summary>
[Collection<Apart>]
public sealed class WaitTests
{
    [Fact]
    public async Task A_server_that_leaves_the_first_question_without_an_answer_is_asked_again()
    {
        await using var process = await ChildProcess.StartAsync("a server", ["sleep", "60"], new Dictionary<string, string?>(), _ => { });
        var asked = 0;

        await Wait.Until("a server", _ => ++asked == 1 ? throw new TaskCanceledException("The client gave up.") : Task.FromResult(true), process, TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        Assert.Equal(2, asked);
    }

    [Fact]
    public async Task A_server_that_never_answers_is_given_up_in_time_and_one_that_ended_at_once()
    {
        await using var silent = await ChildProcess.StartAsync("a server", ["sleep", "60"], new Dictionary<string, string?>(), _ => { });
        await using var ended = await ChildProcess.StartAsync("a server", ["false"], new Dictionary<string, string?>(), _ => { });
        Task Waiting(ChildProcess process, TimeSpan patience) =>
            Wait.Until("a server", _ => Task.FromResult(false), process, patience, TestContext.Current.CancellationToken);

        await Assert.ThrowsAsync<TimeoutException>(() => Waiting(silent, TimeSpan.FromMilliseconds(300)));
        await Assert.ThrowsAsync<InvalidOperationException>(() => Waiting(ended, TimeSpan.FromSeconds(30)));
    }
}
