using KkiMesh.Contracts;
using KkiMesh.Contracts.Challenges.V1;
using KkiMesh.Contracts.Registry.V1;

namespace KkiMesh.Matchmaking.Tests;

/// <summary>Subjects and challenges for tests.</summary>
internal static class Given
{
    public static SubjectPublished Subject(
        int[] fields, string[]? competences = null, string[]? offers = null, string[]? looksFor = null, SubjectId? id = null, string municipality = "052") =>
        new(id ?? SubjectId.From(Guid.CreateVersion7()), SubjectKind.CreativeCompany, fields, competences ?? [], municipality, offers ?? [], looksFor ?? []);

    public static ChallengePublished Challenge(int[]? fields, string[]? competences = null, string title = "Izziv", DateTimeOffset? deadline = null) =>
        new(
            ChallengeId.From(Guid.CreateVersion7()), title, "Opis", "RAS", "U3-P4", 2022, Money.Eur(1_500_000), 5,
            deadline ?? DateTimeOffset.UtcNow.AddDays(30), fields, competences);

    public static ChallengeConcluded Concluded(ChallengePublished e) => new(e.ChallengeId, e.Row, 0, Money.Eur(0));

    public static Match? Match(ChallengePublished challenge, SubjectPublished subject) => Scoring.Of(OpenChallenge.Of(challenge), KnownSubject.Of(subject));
}
