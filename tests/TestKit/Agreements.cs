using System.Text.Json.Nodes;

namespace KkiMesh.TestKit;

/// <summary>The agreement of a grant, without which nothing of it is paid.</summary>
public static class Agreements
{
    /// <summary>Where a beneficiary is paid: the example of the IBAN registry.</summary>
    public const string Iban = "SI56263300012039086";

    /// <summary>Another account, of another country.</summary>
    public const string OtherIban = "DE89370400440532013000";

    /// <summary>What is recorded; it was signed long ago, so that payments of any day may follow.</summary>
    /// <param name="holder">Whose account it is.</param>
    /// <param name="iban">The account; null: none is named.</param>
    public static JsonObject Of(string holder = "Ana", string? iban = Iban) => new()
    {
        ["number"] = "410-1/2026",
        ["signedOn"] = "2021-01-01",
        ["reportDueOn"] = "2030-12-31",
        ["document"] = new JsonObject
        {
            ["name"] = "Pogodba",
            ["sha256"] = new string('a', 64),
            ["reference"] = "arhiv/1",
        },
        ["account"] = iban is null ? null : new JsonObject { ["iban"] = iban, ["holder"] = holder },
    };

    /// <summary>Records one on a grant, or on any other promise, as a coordinator does.</summary>
    /// <param name="client">The service, or the gateway.</param>
    /// <param name="grant">The grant's, or commitment's, id.</param>
    /// <param name="holder">Whose account it is.</param>
    /// <param name="iban">The account; null: none is named.</param>
    /// <param name="by">Who records it.</param>
    /// <exception cref="InvalidOperationException">It is refused.</exception>
    public static async Task<Answer> RecordAsync(
        this Client client, string grant, string holder = "Ana", string? iban = Iban, string by = "coordinator")
    {
        var answer = await client.PostAsync($"/gorenjska/funding/grants/{grant}/agreement", by, Of(holder, iban));
        return (int)answer.Status == 200
            ? answer
            : throw new InvalidOperationException($"{(int)answer.Status}: {answer.Detail}");
    }
}
