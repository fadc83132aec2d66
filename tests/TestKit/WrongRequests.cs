using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace KkiMesh.TestKit;

/// <summary>
/// Asks every endpoint of a service in ways that it must refuse, and looks whether it does, with a problem that helps.
/// </summary>
/// <param name="http">The service, or the gateway.</param>
/// <param name="token">Gives a token that an endpoint takes, which is written as in <see cref="AccessTable"/>.</param>
public sealed partial class WrongRequests(HttpClient http, Func<string, string> token)
{
    private static readonly string[] Days =
    [
        "1.7.2026", "07/01/2026", "2026-7-1", "20260701", "2026-02-30", "2026-07-01T00:00:00Z", "%202026-07-01",
        "1+July+2026", "",
    ];

    private static readonly string[] Instants =
    [
        "1.7.2026", "07/01/2026%2010:00", "2026-07-01", "2026-07-01T10:00:00", "2026-07-01T10:00Z",
        "2026-07-01%2010:00:00Z", "2026-07-01T10:00:00%2B0200", "2026-07-01T10:00:00+02:00", "2026-02-30T10:00:00Z",
        "%202026-07-01T10:00:00Z", "",
    ];

    private readonly List<string> _faults = [];

    /// <summary>What was answered in another way than it should be.</summary>
    public IReadOnlyList<string> Faults => _faults;

    /// <summary>How many parameters were tried.</summary>
    public int Tried { get; private set; }

    /// <summary>A client whose headers may have any characters.</summary>
    public static HttpClient Client(Uri address) =>
        new(new SocketsHttpHandler { RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8 })
        {
            BaseAddress = address,
        };

    /// <summary>Gives each day and each instant in other forms than the one that is taken.</summary>
    public async Task TryTimesAsync(string document)
    {
        var all = await ReadAsync(document);
        foreach (var (endpoint, parameter) in all.SelectMany(e => e.Parameters.Select(p => (e.Endpoint, p))))
        {
            var (wrong, right) = parameter.Format switch
            {
                "date" => (Days, "yyyy-MM-dd"),
                "date-time" => (Instants, "RFC 3339"),
                _ => ([], ""),
            };
            foreach (var value in wrong)
                await ExpectAsync(endpoint, $"{parameter.Name}={value}", parameter.Name, right);
            Tried += wrong.Length > 0 ? 1 : 0;
        }
    }

    /// <summary>Gives a parameter that an endpoint does not know, and twice each that it takes once.</summary>
    public async Task TryParametersAsync(string document)
    {
        foreach (var (endpoint, parameters) in await ReadAsync(document))
        {
            await ExpectAsync(endpoint, "nobodyKnowsThis=1", "nobodyKnowsThis", parameters.Select(p => p.Name));
            foreach (var parameter in parameters.Where(p => !p.IsList))
            {
                var once = $"{parameter.Name}={Valid(parameter)}";
                await ExpectAsync(endpoint, $"{once}&{once}", parameter.Name, "once");
            }

            Tried += parameters.Count;
        }
    }

    /// <summary>Sends what nobody sends in good faith: whatever it is, it is never the service's own failure.</summary>
    public async Task TryNonsenseAsync(string document)
    {
        foreach (var (endpoint, parameters) in await ReadAsync(document))
        {
            foreach (var part in Nonsense.Parts)
                await ExpectNoFailureAsync(endpoint, part, "", _ => { });
            foreach (var (parameter, value) in parameters.SelectMany(p => Nonsense.Values.Select(v => (p, v))))
                await ExpectNoFailureAsync(endpoint, $"{Guid.Empty}", Query(parameters, parameter, value), _ => { });
            foreach (var (name, value) in Nonsense.Headers)
                await ExpectNoFailureAsync(endpoint, $"{Guid.Empty}", "", r => Set(r, name, value));
            foreach (var body in Nonsense.Bodies)
                await ExpectNoFailureAsync(endpoint, $"{Guid.Empty}", "", r => r.Content = Json(body));
        }
    }

    // What else the endpoint must have is as it should be.
    private static string Query(IReadOnlyList<Parameter> all, Parameter wrong, string value) =>
        string.Join('&', all.Where(p => p.IsRequired && p != wrong).Select(p => $"{p.Name}={Valid(p)}")
            .Append($"{wrong.Name}={value}"));

    private static void Set(HttpRequestMessage request, string name, string value)
    {
        if (name == "Content-Type")
        {
            request.Content = new ByteArrayContent("{}"u8.ToArray());
            request.Content.Headers.TryAddWithoutValidation(name, value);
            return;
        }

        request.Headers.Remove(name);
        request.Headers.TryAddWithoutValidation(name, value);
    }

    private static ByteArrayContent Json(string body)
    {
        // Each character a byte, so that a text may have bytes that are no UTF-8.
        var content = new ByteArrayContent(Encoding.Latin1.GetBytes(body));
        content.Headers.ContentType = new("application/json");
        return content;
    }

    private async Task ExpectNoFailureAsync(
        string endpoint, string part, string query, Action<HttpRequestMessage> change)
    {
        using var request = Request(endpoint, part, query);
        change(request);
        using var answer = await http.SendAsync(request);
        if ((int)answer.StatusCode < 500)
            return;
        _faults.Add($"{request}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
    }

    private static string Valid(Parameter parameter) => parameter.Format switch
    {
        "date" => "2026-07-01",
        "date-time" => "2026-07-01T10:00:00Z",
        _ => "1",
    };

    // 400, with a problem that names the parameter and what would be right.
    private async Task ExpectAsync(string endpoint, string query, string name, params IEnumerable<string> words)
    {
        using var request = Request(endpoint, $"{Guid.Empty}", query);
        using var answer = await http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        var isProblem = answer.Content.Headers.ContentType?.MediaType == "application/problem+json";
        var problem = isProblem ? JsonNode.Parse(text) : null;
        var detail = (string?)problem?["detail"] ?? "";
        var isHelpful = problem?["errors"]?[name] is not null
            && words.All(w => detail.Contains(w, StringComparison.Ordinal));
        if (answer.StatusCode != HttpStatusCode.BadRequest || !isHelpful)
            _faults.Add($"{endpoint}?{query}: {(int)answer.StatusCode} {text}");
    }

    private HttpRequestMessage Request(string endpoint, string id, string query)
    {
        var words = endpoint.Split(' ');
        var path = string.Join('/', words[1].Split('/').Select(
            part => part == "{region}" ? "gorenjska" : part is "{year}" or "{number}" ? "2026"
                : part.StartsWith('{') ? id : part));
        var request = new HttpRequestMessage(new HttpMethod(words[0]), $"{path}?{query}");
        request.Headers.Authorization = new("Bearer", token(endpoint));
        request.Headers.Add("Idempotency-Key", $"{Guid.NewGuid()}");
        return request;
    }

    // Every endpoint of the API, with its parameters in a query.
    private async Task<IReadOnlyList<(string Endpoint, IReadOnlyList<Parameter> Parameters)>> ReadAsync(string document)
    {
        var paths = JsonNode.Parse(await http.GetStringAsync(document))!["paths"]!.AsObject();
        return
        [
            .. paths.Where(path => path.Key.StartsWith("/{region}", StringComparison.Ordinal))
                .SelectMany(path => path.Value!.AsObject().Select(
                    operation => ($"{operation.Key.ToUpperInvariant()} {path.Key}", Parameters(operation.Value!)))),
        ];
    }

    private static IReadOnlyList<Parameter> Parameters(JsonNode operation) =>
    [
        .. (operation["parameters"]?.AsArray() ?? []).Where(p => (string?)p!["in"] == "query")
            .Select(p => new Parameter(
                JsonNamingPolicy.CamelCase.ConvertName((string)p!["name"]!),
                (string?)p["schema"]!["format"],
                p["schema"]!["type"]?.ToJsonString().Contains("array", StringComparison.Ordinal) == true,
                (bool?)p["required"] == true)),
    ];

    private sealed record Parameter(string Name, string? Format, bool IsList, bool IsRequired);
}
