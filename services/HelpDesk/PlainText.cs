namespace KkiMesh.HelpDesk;

/// <summary>What people write: any characters but NUL, which PostgreSQL cannot store.</summary>
internal static class PlainText
{
    public const string Pattern = @"[^\0]*";

    public const string Fault = "The character NUL cannot be stored.";
}
