using System.Net.Http.Headers;
using System.Reflection;
using KkiMesh.AppHost;

namespace KkiMesh.Mesh.Tests;

/// <summary>A client that is made of the documents works against the mesh.</summary>
[Collection<OnWholeMesh>]
public sealed class ApiClientTests(WholeMesh mesh)
{
    [Fact]
    public async Task A_client_of_the_documents_commands_lists_and_is_refused()
    {
        using var http = new HttpClient { BaseAddress = mesh.Run.Gateway };
        var code = await Task.WhenAll(Topology.Services.Select(async s =>
            await ClientCode.GenerateAsync(s.Name, await http.GetStringAsync($"/openapi/{s.Name}.json"))));
        var program = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "Clients", "Outsider.cs"));

        var (assembly, errors) = ClientCode.Compile([.. code, program]);

        Assert.True(errors.Count == 0, string.Join('\n', errors));
        var outsider = assembly!.GetType("Outsider")!;
        var title = $"Odjemalec {Guid.NewGuid():N}";
        var token = await mesh.Tokens.ForAsync("coordinator");
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        var drafted = await CallAsync(outsider, "DraftAsync", http, title, 1_500_000L);
        Assert.Equal($"Draft {title} 1500000 2030-01-01", drafted);
        Assert.Equal("RAS", await CallAsync(outsider, "FindAsync", http, title));
        Assert.Equal("400 400 title", await CallAsync(outsider, "RefusedAsync", http));
        http.DefaultRequestHeaders.Authorization = null;
        Assert.Equal("True 3", await CallAsync(outsider, "ListRowsAsync", http));
        Assert.Equal("2026-01-01", await CallAsync(outsider, "ReportAsync", http));
    }

    private static Task<string> CallAsync(Type program, string method, params object[] arguments) =>
        (Task<string>)program.GetMethod(method, BindingFlags.Public | BindingFlags.Static)!.Invoke(null, arguments)!;
}
