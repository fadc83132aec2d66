namespace KkiMesh.ServiceDefaults;

/// <summary>
/// Days as people in the region count them: deadlines, fiscal years, the day that a posting counts for.
/// </summary>
public static class BusinessDate
{
    private static readonly TimeZoneInfo Ljubljana = TimeZoneInfo.FindSystemTimeZoneById("Europe/Ljubljana");

    /// <summary>The day of an instant in Europe/Ljubljana.</summary>
    public static DateOnly Of(DateTimeOffset instant) => DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(instant, Ljubljana).DateTime);

    /// <summary>The instant that a day begins, in UTC.</summary>
    public static DateTimeOffset BeginOf(DateOnly day)
    {
        var midnight = day.ToDateTime(TimeOnly.MinValue);
        return new DateTimeOffset(midnight, Ljubljana.GetUtcOffset(midnight)).ToUniversalTime();
    }
}
