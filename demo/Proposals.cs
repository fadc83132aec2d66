using System.Text.Json.Nodes;
using Spectre.Console;

namespace KkiMesh.Demo;

/// <summary>Who fits the call, and why.</summary>
internal static class Proposals
{
    private const int Shown = 3;

    /// <summary>Waits for proposals, and shows the best with the reasons.</summary>
    /// <returns>The best subjects, as the registry shows them.</returns>
    public static async Task<List<JsonNode>> Show(Mesh mesh, Timeline timeline, string call, int count)
    {
        Story.Say("Matchmaking proposes who fits, each with its reasons.");
        await timeline.Expect("match-proposed", call, count);
        var subjects = new List<JsonNode>();
        foreach (var (index, proposal) in (await mesh.Get($"matchmaking/challenges/{call}/proposals?pageSize={count}"))["items"]!.AsArray().Index())
        {
            var subject = await mesh.Get($"registry/subjects/{proposal!["subjectId"]}");
            subjects.Add(subject);
            if (index >= Shown)
                continue;
            AnsiConsole.MarkupLine($"  [bold]{proposal["score"],3}[/]  {Markup.Escape((string)subject["profile"]!["name"]!)}");
            foreach (var part in proposal["parts"]!.AsArray())
                AnsiConsole.MarkupLine($"       [grey]{part!["points"],3} of {part["outOf"],-3} {Markup.Escape((string)part["sl"]!)} / {Markup.Escape((string)part["en"]!)}[/]");
        }

        return subjects.Count == count ? subjects : throw new DemoException($"{count} proposals should be there; there are {subjects.Count}.");
    }

    /// <summary>A subject hides itself: its proposal is gone by the event alone, and comes back with it.</summary>
    public static async Task HideAndReturn(Mesh mesh, Timeline timeline, string call, JsonNode subject)
    {
        Story.Say($"{subject["profile"]!["name"]} hides itself: its proposal is withdrawn. Then it changes its mind.");
        var proposed = timeline.Count("match-proposed", call);
        await mesh.Do("coordinator", $"registry/subjects/{subject["id"]}/hide");
        await timeline.Expect("match-withdrawn", call);
        await mesh.Do("coordinator", $"registry/subjects/{subject["id"]}/publish");
        await timeline.Expect("match-proposed", call, proposed + 1);
    }
}
