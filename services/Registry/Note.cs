namespace KkiMesh.Registry;

/// <summary>What is inferred, or not certain, about a listed fact.</summary>
/// <param name="Sl">In Slovene.</param>
/// <param name="En">In English.</param>
public sealed record Note(string Sl, string En);

/// <summary>Where a listed fact comes from; private, since it is about the registry's own data files.</summary>
/// <param name="Source">The source, as the data file names it.</param>
/// <param name="Note">What is inferred; null where nothing is.</param>
public sealed record SourceNoted(string Source, Note? Note);
