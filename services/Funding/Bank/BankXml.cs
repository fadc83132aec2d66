using System.Text;
using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>Reads the XML that banks send. What is wrong is refused with the line and what would be right.</summary>
internal static partial class BankXml
{
    // An encoding is declared within the first bytes.
    private const int MaxDeclaration = 200;

    // The message itself has some fifteen levels.
    private const int MaxDepth = 32;

    private static readonly string[] Encodings =
        ["utf-8", "us-ascii", "windows-1250", "windows-1252", "iso-8859-1", "iso-8859-2", "iso-8859-15"];

    /// <summary>Reads a file.</summary>
    /// <param name="file">Its bytes.</param>
    /// <param name="charset">The encoding that its Content-Type names; null: none.</param>
    /// <exception cref="RefusedException">422: it is not XML of a kind that is read.</exception>
    public static XElement Read(byte[] file, string? charset)
    {
        var text = Decoded(file, charset);
        try
        {
            CheckDepth(text);
            using var reader = Reader(text);
            return XDocument.Load(reader, LoadOptions.SetLineInfo).Root!;
        }
        catch (XmlException e)
        {
            var type = text.IndexOf("<!DOCTYPE", StringComparison.Ordinal);
            // Only of a document type, and of a file without elements, the reader tells no line.
            throw e.LineNumber == 0 && type >= 0
                ? Wrong(1 + text.AsSpan(0, type).Count('\n'), "A document type (<!DOCTYPE …>) is not taken: leave it out.")
                : Wrong(e.LineNumber, "This is not well-formed XML.");
        }
    }

    /// <summary>What is wrong in a line.</summary>
    public static RefusedException Wrong(int line, string why) =>
        new(Refusal.Invalid("body", $"Line {Math.Max(1, line)}: {why}"));

    // No document type, and so no entity that grows or reads something else.
    private static XmlReader Reader(string text) => XmlReader.Create(
        new StringReader(text),
        new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null });

    // An element is added to its parents in a time that grows with their number.
    private static void CheckDepth(string text)
    {
        using var reader = Reader(text);
        while (reader.Read())
        {
            if (reader.NodeType == XmlNodeType.Element && reader.Depth >= MaxDepth)
                throw Wrong(((IXmlLineInfo)reader).LineNumber, $"Elements are nested at most {MaxDepth} deep.");
        }
    }

    // A byte order mark counts before the Content-Type, and that one before what the file declares (RFC 7303).
    private static string Decoded(byte[] file, string? charset)
    {
        var (name, skipped) = file switch
        {
            [0xEF, 0xBB, 0xBF, ..] => ("utf-8", 3),
            [0xFF, 0xFE, ..] => ("utf-16", 2),
            [0xFE, 0xFF, ..] => ("utf-16BE", 2),
            _ => (charset is { Length: > 0 } ? charset : Declared(file) ?? "utf-8", 0),
        };
        if (skipped == 0 && !Encodings.Contains(name, StringComparer.OrdinalIgnoreCase))
        {
            var written = name[..Math.Min(name.Length, 40)];
            var known = string.Join(", ", Encodings);
            throw Wrong(1, $"The encoding {written} is not read; these are: {known}, utf-16 with a byte order mark.");
        }

        try
        {
            return Named(name).GetString(file, skipped, file.Length - skipped);
        }
        catch (DecoderFallbackException e)
        {
            var line = 1 + file.AsSpan(0, Math.Clamp(skipped + e.Index, 0, file.Length)).Count((byte)'\n');
            throw Wrong(
                line, $"A byte here is not of the encoding {name}: declare the encoding that the file is written in.");
        }
    }

    private static Encoding Named(string name)
    {
        var (writing, reading) = (EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback);
        return CodePagesEncodingProvider.Instance.GetEncoding(name, writing, reading)
            ?? Encoding.GetEncoding(name, writing, reading);
    }

    private static string? Declared(byte[] file)
    {
        var begin = Encoding.Latin1.GetString(file, 0, Math.Min(file.Length, MaxDeclaration));
        return Declaration().Match(begin) is { Success: true } match ? match.Groups["name"].Value : null;
    }

    [GeneratedRegex(
        "^<\\?xml\\s[^>]*encoding\\s*=\\s*[\"'](?<name>[A-Za-z0-9._-]+)[\"']", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Declaration();
}
