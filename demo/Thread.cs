using System.Text.Json.Nodes;
using Spectre.Console;

namespace KkiMesh.Demo;

/// <summary>The thread, read back whole from the histories of all services.</summary>
internal static class Thread
{
    private static readonly string[] Services = ["registry", "challenges", "matchmaking", "helpdesk", "funding"];

    public static async Task ReadBack(Mesh mesh, Timeline timeline, string call, int paid)
    {
        Story.Say("The whole thread, read back from the services' histories by its correlation.");
        var events = new List<JsonNode>();
        foreach (var service in Services)
            events.AddRange(await Read(mesh, service, call));

        var root = new Tree($"[bold]{call}[/]");
        foreach (var service in events.GroupBy(e => ((string)e["type"]!).Split('.')[1]))
        {
            var node = root.AddNode($"{service.Key}: {service.Count()} events");
            foreach (var type in service.GroupBy(e => ((string)e["type"]!).Split('.')[2]))
                node.AddNode($"{type.Count(),3} × {type.Key}");
        }

        AnsiConsole.Write(root);
        var (read, heard) = (events.Select(e => (string)e["id"]!).ToHashSet(StringComparer.Ordinal), timeline.Thread(call));
        if (read.Count != events.Count || !read.SetEquals(heard))
            throw new DemoException($"{events.Count} events were read back, {heard.Count} were heard.");
        if (events.Count(e => ((string)e["type"]!).Contains("funds-paid", StringComparison.Ordinal)) != paid)
            throw new DemoException($"The thread does not lead to the {paid} payments.");
        AnsiConsole.MarkupLine($"  {events.Count} events, just those that an integrator heard.");
    }

    private static async Task<List<JsonNode>> Read(Mesh mesh, string service, string call)
    {
        var events = new List<JsonNode>();
        for (var (next, until) = ("0", ""); next != until;)
        {
            var page = await mesh.Get($"{service}/events?correlation={call}&after={next}&pageSize=100", "integrator");
            events.AddRange(page["items"]!.AsArray().Select(e => e!));
            (next, until) = ((string)page["next"]!, (string)page["until"]!);
        }

        return events;
    }
}
