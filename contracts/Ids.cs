using System.Text.Json;
using System.Text.Json.Serialization;

namespace KkiMesh.Contracts;

/// <summary>An identifier: a UUIDv7 in a type of its own, so that one kind cannot be taken for another.</summary>
/// <typeparam name="TSelf">The identifier's own type.</typeparam>
public interface IId<TSelf>
    where TSelf : struct, IId<TSelf>
{
    /// <summary>The UUID itself.</summary>
    Guid Value { get; }

    /// <summary>Wraps a UUID.</summary>
    static abstract TSelf From(Guid value);
}

/// <summary>Writes an identifier as a plain UUID string and reads it back.</summary>
/// <typeparam name="TId">The identifier's type.</typeparam>
public sealed class IdConverter<TId> : JsonConverter<TId>
    where TId : struct, IId<TId>
{
    /// <inheritdoc />
    public override TId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        TId.From(reader.GetGuid());

    /// <inheritdoc />
    public override void Write(Utf8JsonWriter writer, TId value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.Value);

    /// <inheritdoc />
    public override TId ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        TId.From(Guid.Parse(reader.GetString()!));

    /// <inheritdoc />
    public override void WriteAsPropertyName(Utf8JsonWriter writer, TId value, JsonSerializerOptions options) =>
        writer.WritePropertyName(value.Value.ToString());
}

/// <summary>A creative challenge (kreativni izziv).</summary>
[JsonConverter(typeof(IdConverter<ChallengeId>))]
public readonly record struct ChallengeId(Guid Value) : IId<ChallengeId>
{
    /// <inheritdoc />
    public static ChallengeId From(Guid value) => new(value);

    /// <summary>Reads an identifier from an address.</summary>
    public static bool TryParse(string? text, out ChallengeId id)
    {
        var parsed = Guid.TryParse(text, out var value);
        id = new(value);
        return parsed;
    }

    /// <inheritdoc />
    public override string ToString() => Value.ToString();
}

/// <summary>An idea that was entered for a challenge.</summary>
[JsonConverter(typeof(IdConverter<EntryId>))]
public readonly record struct EntryId(Guid Value) : IId<EntryId>
{
    /// <inheritdoc />
    public static EntryId From(Guid value) => new(value);

    /// <summary>Reads an identifier from an address.</summary>
    public static bool TryParse(string? text, out EntryId id)
    {
        var parsed = Guid.TryParse(text, out var value);
        id = new(value);
        return parsed;
    }

    /// <inheritdoc />
    public override string ToString() => Value.ToString();
}

/// <summary>A creative subject, or one that looks for creative work, in the region's registry.</summary>
[JsonConverter(typeof(IdConverter<SubjectId>))]
public readonly record struct SubjectId(Guid Value) : IId<SubjectId>
{
    /// <inheritdoc />
    public static SubjectId From(Guid value) => new(value);

    /// <summary>Reads an identifier from an address.</summary>
    public static bool TryParse(string? text, out SubjectId id)
    {
        var parsed = Guid.TryParse(text, out var value);
        id = new(value);
        return parsed;
    }

    /// <inheritdoc />
    public override string ToString() => Value.ToString();
}

/// <summary>A mentoring case at a support point (help desk).</summary>
[JsonConverter(typeof(IdConverter<CaseId>))]
public readonly record struct CaseId(Guid Value) : IId<CaseId>
{
    /// <inheritdoc />
    public static CaseId From(Guid value) => new(value);

    /// <summary>Reads an identifier from an address.</summary>
    public static bool TryParse(string? text, out CaseId id)
    {
        var parsed = Guid.TryParse(text, out var value);
        id = new(value);
        return parsed;
    }

    /// <inheritdoc />
    public override string ToString() => Value.ToString();
}

/// <summary>Money of a row that is set aside. A challenge's reservation has the challenge's UUID.</summary>
[JsonConverter(typeof(IdConverter<ReservationId>))]
public readonly record struct ReservationId(Guid Value) : IId<ReservationId>
{
    /// <inheritdoc />
    public static ReservationId From(Guid value) => new(value);

    /// <summary>Reads an identifier from an address.</summary>
    public static bool TryParse(string? text, out ReservationId id)
    {
        var parsed = Guid.TryParse(text, out var value);
        id = new(value);
        return parsed;
    }

    /// <inheritdoc />
    public override string ToString() => Value.ToString();
}

/// <summary>Reserved money that is promised to somebody. An awarded idea's commitment has the idea's UUID.</summary>
[JsonConverter(typeof(IdConverter<CommitmentId>))]
public readonly record struct CommitmentId(Guid Value) : IId<CommitmentId>
{
    /// <inheritdoc />
    public static CommitmentId From(Guid value) => new(value);

    /// <summary>Reads an identifier from an address.</summary>
    public static bool TryParse(string? text, out CommitmentId id)
    {
        var parsed = Guid.TryParse(text, out var value);
        id = new(value);
        return parsed;
    }

    /// <inheritdoc />
    public override string ToString() => Value.ToString();
}

/// <summary>A request to be paid a part of a grant, or all of it.</summary>
[JsonConverter(typeof(IdConverter<PaymentRequestId>))]
public readonly record struct PaymentRequestId(Guid Value) : IId<PaymentRequestId>
{
    /// <inheritdoc />
    public static PaymentRequestId From(Guid value) => new(value);

    /// <summary>Reads an identifier from an address.</summary>
    public static bool TryParse(string? text, out PaymentRequestId id)
    {
        var parsed = Guid.TryParse(text, out var value);
        id = new(value);
        return parsed;
    }

    /// <inheritdoc />
    public override string ToString() => Value.ToString();
}
