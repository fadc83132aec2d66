namespace KkiMesh.Identity;

/// <summary>
/// Where the pages' texts are found: English in the pages themselves, Slovene in Resources/Texts.sl.resx.
/// </summary>
public sealed class Texts;
