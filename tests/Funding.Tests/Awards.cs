using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Challenges.V1;
using KkiMesh.TestKit;

namespace KkiMesh.Funding.Tests;

/// <summary>What a challenge tells of its awards, for tests.</summary>
internal static class Awards
{
    /// <summary>A challenge awards to who entered an idea; gives the grant's id.</summary>
    public static async Task<string> AwardAsync(
        this RunningFunding funding, Client client, string row, int year, long cents, string winner)
    {
        await using var challenges = await Integrator.ListenAsync(funding.Broker, "nothing");
        var (challenge, entry) = (new ChallengeId(Guid.CreateVersion7()), new EntryId(Guid.CreateVersion7()));
        byte[] Told<T>(string type, T data) => funding.Told(challenge, type, data);
        await challenges.PublishAsync(
            "gorenjska.challenges.funds-requested.v1",
            Told("funds-requested", new FundsRequested(challenge, row, year, Money.Eur(cents), "Izziv")));
        await challenges.PublishAsync("gorenjska.challenges.entry-awarded.v1", Told("entry-awarded", new EntryAwarded(
            challenge, entry, "Zamisel", "Ana", row, Money.Eur(cents),
            WinnerKey: AccountKey.Of(entry, winner), AwarderKey: AccountKey.Of(entry, "coordinator"))));
        await Eventually.Is(
            () => client.GetAsync($"/gorenjska/funding/grants/{entry}"), a => a.Status == HttpStatusCode.OK);
        return entry.ToString();
    }

    private static byte[] Told<T>(this RunningFunding funding, ChallengeId challenge, string type, T data) =>
        JsonSerializer.SerializeToUtf8Bytes(new JsonObject
        {
            ["specversion"] = "1.0",
            ["id"] = Guid.CreateVersion7().ToString(),
            ["source"] = "/gorenjska/challenges",
            ["type"] = $"kki.challenges.{type}.v1",
            ["subject"] = challenge.ToString(),
            ["time"] = funding.Time.GetUtcNow().ToString("O"),
            ["datacontenttype"] = "application/json",
            ["kkiregion"] = "gorenjska",
            ["correlationid"] = challenge.ToString(),
            ["data"] = JsonSerializer.SerializeToNode(data, ContractJson.Options),
        });
}
