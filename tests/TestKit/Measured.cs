using KkiMesh.Contracts;

namespace KkiMesh.TestKit;

/// <summary>A public event that a service's code uses, and that is declared elsewhere than its other events.</summary>
[PublicEvent("kki.counter.measured.v1")]
public sealed record Measured(string Counter, int Number);
