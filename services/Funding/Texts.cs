namespace KkiMesh.Funding;

/// <summary>Which characters a text may have that people write and others read.</summary>
internal static class Texts
{
    public const string OneLine = @"[^\p{C}]*";
    public const string OneLineRule = "This is one line, without control characters.";
    public const string Sentence = @"[^\p{C}]*[^\p{C}\s][^\p{C}]*";
    public const string SentenceRule = "This is one line with something in it, without control characters.";
    public const string Lines = @"([^\p{C}]|[\r\n\t])*";
    public const string LinesRule = "This is plain text, without control characters but line breaks.";
}
