using System.CommandLine;
using KkiMesh.AppHost;

var port = new Option<int?>("--port") { Description = "The gateway's port; by default 8080, or the next free one." };
var fresh = new Option<bool>("--fresh") { Description = "Starts with empty data." };
var replicas = new Option<string[]>("--replicas") { Description = "service=n: several processes of a service.", AllowMultipleArgumentsPerToken = true };
var up = new Command("up", "Runs the mesh until Ctrl-C.") { port, fresh, replicas };
up.SetAction((parsed, ct) => Up.RunAsync(parsed.GetValue(port), parsed.GetValue(fresh), parsed.GetValue(replicas) ?? [], ct));

var doctor = new Command("doctor", "Says whether PostgreSQL takes the connections of so many replicas.") { replicas };
doctor.SetAction((parsed, ct) => Up.DoctorAsync(parsed.GetValue(replicas) ?? [], ct));

var down = new Command("down", "Stops the mesh of this checkout.");
down.SetAction((_, ct) => Down.RunAsync(ct));

var role = new Argument<string>("role") { Description = "A demo account: member, juror, juror-2, coordinator, treasurer, operator, …; or integrator, partner." };
var token = new Command("token", "Signs a demo account of the running mesh in and prints its token as the last line.") { role };
token.SetAction((parsed, ct) => PrintToken.RunAsync(parsed.GetValue(role)!, ct));

var words = new Argument<string[]>("words") { Arity = ArgumentArity.ZeroOrMore };
var errors = new Command("errors", "What services could not take: list | show <service> <id> | resend <service> <id> | discard <service> <id>.") { words };
errors.SetAction((parsed, ct) => Errors.RunAsync(parsed.GetValue(words)!, ct));

var ledger = new Command("ledger", "The money: verify walks the chains of all rows and compares every balance with its transactions; rebuild makes them anew.") { words };
ledger.SetAction((parsed, ct) => Ledger.RunAsync(parsed.GetValue(words)!, ct));

var service = new Argument<string>("service");
var rebuild = new Command("rebuild", "Builds a service's picture of the others anew from their histories.") { service };
rebuild.SetAction((parsed, ct) => Rebuild.RunAsync(parsed.GetValue(service)!, ct));

var epoch = new Command("epoch", "Begins an epoch of a service's history: its database was restored from a copy of its files.") { service };
epoch.SetAction((parsed, ct) => Epoch.RunAsync(parsed.GetValue(service)!, ct));

var program = new Argument<string[]>("command") { Arity = ArgumentArity.OneOrMore };
var withServers = new Command("with-servers", "Runs a command with PostgreSQL and RabbitMQ of its own.") { program };
withServers.SetAction((parsed, ct) => WithServers.RunAsync(parsed.GetValue(program)!, ct));

var withMesh = new Command("with-mesh", "Runs a command with the address and keys of the running mesh.") { program };
withMesh.SetAction((parsed, ct) => WithMesh.RunAsync(parsed.GetValue(program)!, ct));

var checkClients = new Command("check-clients", "Makes clients of the services' API documents and compiles them.");
checkClients.SetAction((_, ct) => CheckClients.RunAsync(ct));

var root = new RootCommand("KkiMesh")
{
    up, doctor, down, token, errors, ledger, ReadThread.Verb(), rebuild, Republish.Verb(service), epoch,
    withServers, withMesh, checkClients,
};

// A clean stop waits for what the services have in hand.
return await root
    .Parse(args)
    .InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromMinutes(1) });
