using System.Net;
using System.Text.Json.Nodes;

namespace KkiMesh.TestKit;

/// <summary>
/// Who may do what, as docs/access.md tells people: each endpoint of each service with the roles that it takes.
/// </summary>
public sealed class AccessTable
{
    private readonly Dictionary<string, (IReadOnlyList<string> Who, string Concerns)> _rows;

    private AccessTable(Dictionary<string, (IReadOnlyList<string>, string)> rows) => _rows = rows;

    /// <summary>The table's word for those who need no token.</summary>
    public const string Everybody = "everybody";

    /// <summary>All roles.</summary>
    public static readonly IReadOnlyList<string> Roles = [.. ServiceDefaults.Roles.All.Select(r => r.Name)];

    /// <summary>Reads it.</summary>
    public static async Task<AccessTable> ReadAsync()
    {
        var lines = await File.ReadAllLinesAsync(Path.Combine(AppHost.Checkout.Root, "docs", "access.md"));
        return new AccessTable(lines.Where(l => l.StartsWith("| `", StringComparison.Ordinal)).Select(l => l.Split('|', StringSplitOptions.TrimEntries))
            .ToDictionary(cells => cells[1].Trim('`'), cells => ((IReadOnlyList<string>)cells[2].Split(", "), cells[3]), StringComparer.Ordinal));
    }

    /// <summary>The endpoints of a service that the table has.</summary>
    public IEnumerable<string> Of(string service) => _rows.Keys.Where(k => k.Contains($"/{{region}}/{service}", StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    /// <summary>The gRPC methods of a service that the table has, e.g. of <c>kki.funding.v1.Ledger</c>.</summary>
    public IEnumerable<string> OfCalls(string service) => _rows.Keys.Where(k => k.StartsWith($"{service}/", StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    /// <summary>
    /// Who may use an endpoint: <see cref="Everybody"/>, or roles, some of them <c>juror of this id</c>.
    /// </summary>
    public IReadOnlyList<string> Who(string endpoint) => _rows[endpoint].Who;

    /// <summary>Whom an endpoint that changes something concerns, or why nobody; empty for one that only reads.</summary>
    public string Concerns(string endpoint) => _rows[endpoint].Concerns;

    /// <summary>The same as a service's OpenAPI document tells it; null where an endpoint that changes something does not.</summary>
    public static async Task<IReadOnlyDictionary<string, string?>> ConcernsOfDocumentAsync(HttpClient http, string address)
    {
        var document = JsonNode.Parse(await http.GetStringAsync(address))!;
        return document["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject().Where(o => IsMethod(o.Key)).Select(o =>
                ($"{o.Key.ToUpperInvariant()} {path.Key}", Concerns: (string?)o.Value!["x-concerns"] ?? (o.Key == "get" ? "" : null))))
            .ToDictionary(o => o.Item1, o => o.Concerns, StringComparer.Ordinal);
    }

    /// <summary>Whether a role, good for all of the region, may use an endpoint.</summary>
    public bool Allows(string endpoint, string role) => Who(endpoint).Any(w => w == Everybody || w.Split(' ')[0] == role);

    /// <summary>
    /// The endpoints that a service's OpenAPI document tells, as the table writes them: <c>GET /{region}/…</c>.
    /// </summary>
    public static async Task<IReadOnlyList<string>> OfDocumentAsync(HttpClient http, string address)
    {
        var document = JsonNode.Parse(await http.GetStringAsync(address))!;
        return
        [
            .. document["paths"]!.AsObject()
                .SelectMany(path => path.Value!.AsObject().Select(o => o.Key).Where(IsMethod).Select(method => $"{method.ToUpperInvariant()} {path.Key}"))
                .Order(StringComparer.Ordinal),
        ];
    }

    private static bool IsMethod(string word) => word is "get" or "post" or "put" or "delete" or "patch";

    /// <summary>
    /// Uses an endpoint with a token, on things that are not there: it is refused, or found to be missing. What is
    /// wrong with the answer; null where nothing is.
    /// </summary>
    /// <param name="http">The gateway, or the service.</param>
    /// <param name="endpoint">The endpoint, as the table writes it.</param>
    /// <param name="kind">What kind of token it is, in a word for people.</param>
    /// <param name="token">The token; null for none.</param>
    /// <param name="refusal">How it is to be refused; null: it is not, and nothing fails.</param>
    /// <param name="id">What the path's parameters are.</param>
    /// <param name="region">The path's region.</param>
    public static async Task<string?> FaultAsync(
        HttpClient http, string endpoint, string kind, string? token, HttpStatusCode? refusal, string id, string region = "gorenjska")
    {
        var status = await TryAsync(http, endpoint, token, id, region);
        var isTaken = status is not (HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden) && (int)status < 500;
        return (refusal is null ? isTaken : status == refusal) ? null : $"{endpoint} with {kind}: {(int)status}, not {refusal?.ToString() ?? "taken"}";
    }

    private static async Task<HttpStatusCode> TryAsync(HttpClient http, string endpoint, string? token, string id, string region)
    {
        var (method, template) = endpoint.Split(' ', 2) is [var m, var t] ? (m, t) : throw new ArgumentException(endpoint, nameof(endpoint));
        var path = string.Join('/', template.Split('/').Select(part => part == "{region}" ? region : part.StartsWith('{') ? id : part));
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (token is not null)
            request.Headers.Authorization = new("Bearer", token);
        request.Headers.Add("Idempotency-Key", Guid.NewGuid().ToString());
        using var answer = await http.SendAsync(request);
        return answer.StatusCode;
    }
}
