namespace KkiMesh.Contracts;

/// <summary>
/// Marks a record as a public event: the mesh stores it and publishes it, as it is, to everyone who may listen.
/// A record without this attribute stays inside the service that wrote it.
/// </summary>
/// <param name="type">
/// The CloudEvents <c>type</c>, <c>kki.&lt;service&gt;.&lt;event&gt;.v&lt;n&gt;</c>, for ever the same for this record.
/// Without its first part it is the end of the AMQP routing key.
/// </param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class PublicEventAttribute(string type) : Attribute
{
    /// <summary>The CloudEvents <c>type</c>.</summary>
    public string Type { get; } = type;
}
