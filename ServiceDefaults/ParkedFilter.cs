using Microsoft.AspNetCore.Http;
using Npgsql;
using NpgsqlTypes;

namespace KkiMesh.ServiceDefaults;

/// <summary>Which parked events are meant; all conditions that are given hold at once.</summary>
/// <param name="Type">The event's type.</param>
/// <param name="Source">Who published it.</param>
/// <param name="Subject">Its stream.</param>
/// <param name="ParkedFrom">Parked at this instant or later.</param>
/// <param name="ParkedTo">Parked before this instant.</param>
/// <param name="Reason">A part of the reason, in any case of letters.</param>
/// <param name="After">Only those after this position of the list.</param>
public sealed record ParkedFilter(
    [Bounds(1, ParkedFilter.LongestText)] string? Type,
    [Bounds(1, ParkedFilter.LongestText)] string? Source,
    [Bounds(1, ParkedFilter.LongestText)] string? Subject,
    DateTimeOffset? ParkedFrom,
    DateTimeOffset? ParkedTo,
    [Bounds(1, ParkedFilter.LongestText)] string? Reason,
    [Bounds(0, long.MaxValue)] long? After)
{
    internal const int LongestText = 500;

    /// <summary>The condition, with the parameters $1 to $8 of <see cref="AddTo"/>.</summary>
    internal const string Where =
        """
        where region in ($1, '') and position > $2
        and ($3 is null or type = $3) and ($4 is null or source = $4) and ($5 is null or subject = $5)
        and ($6 is null or parked_at >= $6) and ($7 is null or parked_at < $7)
        and ($8 is null or strpos(lower(reason), lower($8)) > 0)
        """;

    internal bool IsEmpty => (Type, Source, Subject, ParkedFrom, ParkedTo, Reason) is (null, null, null, null, null, null);

    /// <summary>What is wrong with it; null if nothing is.</summary>
    internal Refusal? Fault()
    {
        if (After < 0)
            return new Refusal(StatusCodes.Status400BadRequest, "A position is 0 or more.", "after");
        (string, string?)[] texts = [("type", Type), ("source", Source), ("subject", Subject), ("reason", Reason)];
        foreach (var (name, text) in texts)
        {
            if (text is not null && Text.Length(text) is 0 or > LongestText)
                return new Refusal(StatusCodes.Status400BadRequest, $"This has 1 to {LongestText} characters.", name);
        }

        return null;
    }

    internal void AddTo(NpgsqlCommand command, string region, long? after)
    {
        command.Parameters.AddWithValue(region);
        command.Parameters.AddWithValue(after ?? 0);
        foreach (var text in (string?[])[Type, Source, Subject])
            Add(command, text, NpgsqlDbType.Text);
        Add(command, ParkedFrom?.ToUniversalTime(), NpgsqlDbType.TimestampTz);
        Add(command, ParkedTo?.ToUniversalTime(), NpgsqlDbType.TimestampTz);
        Add(command, Reason, NpgsqlDbType.Text);
    }

    private static void Add(NpgsqlCommand command, object? value, NpgsqlDbType type) =>
        command.Parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value, NpgsqlDbType = type });
}

/// <summary>A part of the list.</summary>
/// <param name="After">What follows this position.</param>
/// <param name="Last">Up to this position.</param>
/// <param name="Count">How many the filter found in it.</param>
internal sealed record ParkedRange(long After, long Last, long Count);
