using Google.Protobuf.Reflection;

namespace KkiMesh.Contracts.Tests;

/// <summary>
/// What programs rely on in a .proto file, a line for each thing: numbers, types, names, calls. Comments are free.
/// </summary>
internal static class Calls
{
    /// <summary>The lines of a file, in its order.</summary>
    public static IReadOnlyList<string> Of(FileDescriptor file) =>
    [
        $"package {file.Package}",
        .. file.Services.SelectMany(s => s.Methods.Select(Line)),
        .. file.EnumTypes.SelectMany(Lines),
        .. file.MessageTypes.SelectMany(Lines),
    ];

    /// <summary>What breaks: a line that was approved and is not there any more.</summary>
    public static IReadOnlyList<string> Breaks(IEnumerable<string> approved, IEnumerable<string> now) => [.. approved.Except(now, StringComparer.Ordinal)];

    private static IEnumerable<string> Lines(MessageDescriptor message) =>
    [
        $"message {message.FullName}",
        .. message.Fields.InDeclarationOrder().Select(f => $"field {message.FullName}.{f.Name} = {f.FieldNumber}: {Label(f)}{Type(f)}"),
        .. message.EnumTypes.SelectMany(Lines),
        .. message.NestedTypes.SelectMany(Lines),
    ];

    private static IEnumerable<string> Lines(EnumDescriptor words) =>
        [$"enum {words.FullName}", .. words.Values.Select(v => $"value {words.FullName}.{v.Name} = {v.Number}")];

    private static string Line(MethodDescriptor call) =>
        $"rpc {call.FullName}({Streamed(call.IsClientStreaming)}{call.InputType.FullName}) returns ({Streamed(call.IsServerStreaming)}{call.OutputType.FullName})";

    private static string Streamed(bool isStream) => isStream ? "stream " : "";

    private static string Label(FieldDescriptor field) =>
        field.IsMap ? "map " : field.IsRepeated ? "repeated " : field.ContainingOneof is { IsSynthetic: false } choice ? $"oneof {choice.Name} " : field.HasPresence && field.FieldType != FieldType.Message ? "optional " : "";

    private static string Type(FieldDescriptor field) => field.FieldType switch
    {
        FieldType.Message => field.MessageType.FullName,
        FieldType.Enum => field.EnumType.FullName,
        var plain => plain.ToString().ToLowerInvariant(),
    };
}
