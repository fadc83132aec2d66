using System.Collections;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace KkiMesh.ServiceDefaults;

/// <summary>
/// What a pure decision returns: the events that happen, <c>[new EntryAwarded(…)]</c>, none of
/// them being "nothing to do", or a <see cref="Refusal"/>.
/// </summary>
[CollectionBuilder(typeof(Decision), nameof(Create))]
public sealed class Decision : IEnumerable<object>
{
    private readonly object[] _events;

    private Decision(object[] events, Refusal? refusal) => (_events, Refusal) = (events, refusal);

    /// <summary>Why not; null when it was decided.</summary>
    public Refusal? Refusal { get; }

    /// <summary>What happens, in order; empty when refused.</summary>
    public IReadOnlyList<object> Events => _events;

    /// <summary>For collection expressions.</summary>
    public static Decision Create(ReadOnlySpan<object> events) => new(events.ToArray(), null);

    /// <summary>A refusal is a decision.</summary>
    public static implicit operator Decision(Refusal refusal) => new([], refusal);

    /// <inheritdoc />
    public IEnumerator<object> GetEnumerator() => ((IEnumerable<object>)_events).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>Why a command is not carried out; it changes nothing.</summary>
/// <param name="Status">403 (it is somebody else's), 404 (there is no such thing), 409
/// (not in this state) or 422 (against a rule).</param>
/// <param name="Reason">One clear sentence, for people.</param>
/// <param name="Field">The field at fault, in the request's spelling; null where no one field is.</param>
public sealed record Refusal(int Status, string Reason, string? Field = null)
{
    /// <summary>It is not this caller's to do.</summary>
    public static Refusal Forbidden(string reason) => new(StatusCodes.Status403Forbidden, reason);

    /// <summary>There is no such aggregate.</summary>
    public static Refusal NotFound<T>(object id, string region) => NotFound($"There is no {JsonNamingPolicy.SnakeCaseLower.ConvertName(typeof(T).Name).Replace('_', ' ')} {id} in {region}.");

    /// <summary>There is no such thing.</summary>
    public static Refusal NotFound(string reason) => new(StatusCodes.Status404NotFound, reason);

    /// <summary>Its state does not allow this (now).</summary>
    public static Refusal Conflict(string reason) => new(StatusCodes.Status409Conflict, reason);

    /// <summary>A rule does not allow this value.</summary>
    public static Refusal Invalid(string field, string reason) => new(StatusCodes.Status422UnprocessableEntity, reason, field);
}
