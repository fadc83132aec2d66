using System.Text.Json.Nodes;

namespace KkiMesh.Demo;

/// <summary>
/// Subjects that are made up for the demo, and marked so: two in each municipality, every field of the taxonomy.
/// </summary>
internal static class Subjects
{
    private const int InEachMunicipality = 2;
    private static readonly string[] Offers = ["sodelovanje"];
    private static readonly string[] LooksFor = ["turizem"];

    // A name, and what such a subject can do; in the order of the taxonomy's fields.
    private static readonly (string Name, string[] Competences)[] Fields =
    [
        ("Arhitekturni biro", ["arhitektura", "razstavni prostor"]),
        ("Oglasna delavnica", ["oglaševanje", "družbena omrežja"]),
        ("Atelje za oblikovanje", ["ilustracija", "grafično oblikovanje"]),
        ("Hiša dediščine", ["dediščina", "pripovedovanje"]),
        ("Založba", ["pisanje", "urejanje"]),
        ("Delavnica za otroke", ["delavnice", "ilustracija"]),
        ("Glasbeni studio", ["zvok", "skladanje"]),
        ("Gledališki kolektiv", ["gledališče", "pripovedovanje"]),
        ("Podkast", ["zvok", "novinarstvo"]),
        ("Studio za igre", ["igre", "razširjena resničnost"]),
        ("Filmska ekipa", ["snemanje", "animacija"]),
        ("Kulturni vodniki", ["vodenje", "pripovedovanje"]),
        ("Rokodelska zadruga", ["rokodelstvo", "keramika"]),
    ];

    /// <summary>Registers, consents and publishes those that are not there yet.</summary>
    /// <returns>How many there are.</returns>
    public static async Task<int> Register(Mesh mesh)
    {
        var there = (await All(mesh)).Select(s => (string)s["profile"]!["name"]!).ToHashSet(StringComparer.Ordinal);
        var municipalities = (await mesh.Get("registry/municipalities?pageSize=100"))["items"]!.AsArray();
        var number = 0;
        foreach (var municipality in municipalities)
        {
            for (var i = 0; i < InEachMunicipality; i++, number++)
            {
                var field = number % Fields.Length;
                var name = $"{Fields[field].Name} {(string)municipality!["name"]!} (demo)";
                if (!there.Contains(name))
                    await Publish(mesh, name, field, (string)municipality["code"]!);
            }
        }

        return number;
    }

    /// <summary>Those that are published.</summary>
    public static async Task<List<JsonNode>> All(Mesh mesh) =>
        [.. (await mesh.Get("registry/subjects?pageSize=100"))["items"]!.AsArray().Where(s => (bool?)s!["isDemo"] == true).Select(s => s!)];

    private static async Task Publish(Mesh mesh, string name, int field, string municipality)
    {
        var subject = await mesh.Do("coordinator", "registry/subjects", new
        {
            name,
            kind = "creative-company",
            legalForm = "other",
            fields = new[] { field + 1, (field + 4) % Fields.Length + 1 },
            competences = Fields[field].Competences,
            municipality,
            offers = Offers,
            looksFor = LooksFor,
            description = "Izmišljen subjekt za prikaz delovanja.",
            contactEmail = "demo@example.org",
            isDemo = true,
        });
        var id = (string)subject["id"]!;
        await mesh.Do("coordinator", $"registry/subjects/{id}/consent", new { textVersion = (string)(await mesh.Get("registry/consent-text"))["version"]! });
        await mesh.Do("coordinator", $"registry/subjects/{id}/publish");
    }
}
