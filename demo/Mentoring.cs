using System.Text.Json.Nodes;
using Spectre.Console;

namespace KkiMesh.Demo;

/// <summary>Each winner is offered help near home.</summary>
internal static class Mentoring
{
    public static async Task Tell(Mesh mesh, Timeline timeline, string call, List<string> winners)
    {
        Story.Say("The help desk offers each winner mentoring at the nearest support point.");
        await timeline.Expect("mentoring-offered", call, winners.Count);
        var cases = (await mesh.Get($"helpdesk/cases?challengeId={call}", "coordinator"))["items"]!.AsArray();
        foreach (var offered in cases)
            AnsiConsole.MarkupLine($"  municipality {offered!["municipality"]}: {offered["supportPoint"]}, {offered["distanceKm"]} km");

        Story.Say("One winner declines; the others accept. One works with a mentor, and its case is closed.");
        foreach (var (index, offered) in cases.Index())
            await mesh.Do(Story.Member(winners.IndexOf((string)offered!["entryId"]!)), $"helpdesk/cases/{offered["id"]}/{(index == 0 ? "decline" : "accept")}", new { });
        var worked = (string)cases[1]!["id"]!;
        await mesh.Do("mentor", $"helpdesk/cases/{worked}/sessions", new { minutes = 90, note = "Demo" });
        await mesh.Do("mentor", $"helpdesk/cases/{worked}/close", new { outcome = "realised" });
        await timeline.Expect("mentoring-declined", call);
        await timeline.Expect("mentoring-accepted", call, winners.Count - 1);
        await timeline.Expect("mentoring-closed", call);
    }
}
