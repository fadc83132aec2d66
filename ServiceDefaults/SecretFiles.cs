using System.Text;
using Microsoft.Extensions.Configuration;

namespace KkiMesh.ServiceDefaults;

/// <summary>Settings out of files, as container engines hand secrets to a program.</summary>
internal static class SecretFiles
{
    private const string Mark = "_FILE";
    private const int MaxBytes = 64 * 1024;

    /// <summary>
    /// Where <c>Some__Setting_FILE</c> names a file, <c>Some:Setting</c> is what the file holds: UTF-8, at most 64 KiB,
    /// without one line break at its end. It is read once. An entry of a list has no file.
    /// </summary>
    /// <exception cref="InvalidOperationException">The setting has a value as well, or the
    /// file cannot be read or is too large.</exception>
    public static void AddSecretFiles(this IConfigurationManager configuration)
    {
        // Only what stands in a section is the mesh's: SSL_CERT_FILE and its like are meant for others.
        var files = configuration.AsEnumerable()
            .Where(s => s.Key.EndsWith(Mark, StringComparison.Ordinal) && s.Key.Contains(ConfigurationPath.KeyDelimiter, StringComparison.Ordinal))
            .Where(s => !string.IsNullOrEmpty(s.Value))
            .Select(s => (Setting: s.Key[..^Mark.Length], File: s.Value!));
        var read = files.Select(f => KeyValuePair.Create(f.Setting, (string?)Read(configuration, f.Setting, f.File))).ToList();
        configuration.AddInMemoryCollection(read);
    }

    private static string Read(IConfigurationManager configuration, string setting, string file)
    {
        if (!string.IsNullOrEmpty(configuration[setting]))
            throw new InvalidOperationException($"Both {setting} and {setting}{Mark} are set: take one of them away.");
        try
        {
            var text = ReadBounded(file) ?? throw new InvalidOperationException($"The file {file}, which {setting}{Mark} names, is larger than {MaxBytes} bytes.");
            return text.EndsWith("\r\n", StringComparison.Ordinal) ? text[..^2] : text.EndsWith('\n') ? text[..^1] : text;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidOperationException($"The file {file}, which {setting}{Mark} names, cannot be read.", e);
        }
    }

    private static string? ReadBounded(string file)
    {
        using var stream = File.OpenRead(file);
        var bytes = new byte[MaxBytes + 1];
        var length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return length > MaxBytes ? null : Encoding.UTF8.GetString(bytes, 0, length);
    }
}
