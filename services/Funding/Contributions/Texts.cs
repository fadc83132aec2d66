namespace KkiMesh.Funding;

/// <summary>What a text is that people write and everybody reads: one line, and nothing that a screen cannot show.</summary>
internal static class Texts
{
    public const string Line = @"[^\p{Cc}]*";
    public const string Rule = "A text has no line breaks and no control characters.";
}
