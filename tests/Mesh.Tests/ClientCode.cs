using System.Reflection;
using System.Runtime.Loader;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using NSwag;
using NSwag.CodeGeneration.CSharp;
using NSwag.CodeGeneration.OperationNameGenerators;

namespace KkiMesh.Mesh.Tests;

/// <summary>Clients in C#, made of the documents by NSwag and compiled in this process.</summary>
internal static class ClientCode
{
    /// <summary>The code of a service's client, e.g. <c>KkiMesh.Clients.FundingClient</c>.</summary>
    public static async Task<string> GenerateAsync(string service, string document)
    {
        var name = char.ToUpperInvariant(service[0]) + service[1..];
        var settings = new CSharpClientGeneratorSettings
        {
            ClassName = $"{name}Client",
            OperationNameGenerator = new SingleClientFromOperationIdOperationNameGenerator(),
            UseBaseUrl = false,
            GenerateOptionalParameters = true,
            CSharpGeneratorSettings =
            {
                Namespace = $"KkiMesh.Clients.{name}",
                JsonLibrary = NJsonSchema.CodeGeneration.CSharp.CSharpJsonLibrary.SystemTextJson,
                JsonLibraryVersion = 10,
                GenerateNullableReferenceTypes = true,
                DateType = "System.DateOnly",
            },
        };
        return new CSharpClientGenerator(await OpenApiDocument.FromJsonAsync(document), settings).GenerateFile();
    }

    /// <summary>Compiles files of code.</summary>
    /// <returns>The assembly, or what the compiler says against it.</returns>
    public static (Assembly? Assembly, IReadOnlyList<string> Errors) Compile(IEnumerable<string> files)
    {
        var paths = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        var compilation = CSharpCompilation.Create(
            "Clients",
            files.Select(code => CSharpSyntaxTree.ParseText(code)),
            paths.Select(path => MetadataReference.CreateFromFile(path)),
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary)
                .WithNullableContextOptions(NullableContextOptions.Enable));
        using var bytes = new MemoryStream();
        var result = compilation.Emit(bytes);
        var errors = result.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error)
            .Select(d => d.ToString()).ToList();
        if (!result.Success)
            return (null, errors);
        bytes.Position = 0;
        return (AssemblyLoadContext.Default.LoadFromStream(bytes), errors);
    }
}
