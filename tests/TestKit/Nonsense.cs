namespace KkiMesh.TestKit;

/// <summary>What nobody sends in good faith.</summary>
internal static class Nonsense
{
    /// <summary>In the place of an id, a year, a number.</summary>
    public static readonly string[] Parts =
    [
        "%00", "a%00b", "%FF", "%C4%8D", "a%0Ab", "%ED%A0%80", "-1", "0", "2147483647", "-2147483648",
        "9223372036854775808", "1e9", "a'b%22", Long(1500),
    ];

    /// <summary>As a parameter's value.</summary>
    public static readonly string[] Values =
    [
        "%00", "%FF", "%C4%8D%0D%0A", "%E2%80%AE", "%ED%A0%80", "'", "-1", "0", "2147483647", "-2147483648",
        "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1e9", "NaN", "0001-01-01", "9999-12-31",
        "0001-01-01T00:00:00Z", "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59.9999999Z",
        "9999-12-31T23:59:59-14:00", Long(3000),
    ];

    /// <summary>As headers.</summary>
    public static readonly (string Name, string Value)[] Headers =
    [
        .. Header("Content-Type", "application/json; charset=nonsense", "application/json; charset=utf-7"),
        .. Header("Content-Type", "application/json; charset=\"", "application/json; charset="),
        ("Content-Type", "application/json; charset=č"),
        .. Header("Content-Type", "application/xml; charset=nonsense", "application/json;;;=", "nonsense", "č/č"),
        .. Header("Content-Type", "multipart/form-data", "application/x-www-form-urlencoded; charset=nonsense"),
        .. Header("Accept-Language", "nonsense-in-no-country-at-all", "*;q=x", ",,,;;", "č", Long(2000)),
        .. Header("Authorization", "Bearer", "Bearer č", "Bearer a.b.c", "Basic č", Long(2000)),
        .. Header("Idempotency-Key", "č", Long(2000)),
        ("Accept", "č/č;q=7"), ("traceparent", "00-č"), ("baggage", "č=č"), ("Cookie", "č=č; ="),
        ("X-Forwarded-Proto", "č"), ("If-None-Match", "č"), ("Range", "bytes=x"),
    ];

    /// <summary>As bodies, each character a byte.</summary>
    public static readonly string[] Bodies =
    [
        "", "{", "[]", "null", "7", "\"\\ud800\"", "\u00ff\u00fe", "{\"\u00ff\":1}", "{\"a\":1e999}",
        new string('[', 500), "{\"\\u0000\":\"\\u0000\"}",
    ];

    private static IEnumerable<(string Name, string Value)> Header(string name, params IEnumerable<string> values) =>
        values.Select(value => (name, value));

    private static string Long(int length) => new('x', length);
}
