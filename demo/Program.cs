using System.Globalization;
using KkiMesh.Demo;
using Spectre.Console;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
// A line is a line, also where nobody looks (a log, CI).
AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, 140);
try
{
    using var mesh = new Mesh(new Uri(Setting("MESH_GATEWAY")));
    await using var timeline = await Timeline.ListenAsync(new Uri(Setting("MESH_AMQP")));
    await Story.Tell(mesh, timeline);
    AnsiConsole.MarkupLine("[green]Everything happened as it should.[/]");
    return 0;
}
catch (DemoException e)
{
    AnsiConsole.MarkupLine($"[red]The demo failed: {Markup.Escape(e.Message)}[/]");
    return 1;
}

static string Setting(string name) =>
    Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : throw new DemoException($"{name} is not set; ./mesh demo sets it.");
