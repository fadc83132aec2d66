using KkiMesh.Contracts;
using KkiMesh.Contracts.Matchmaking.V1;
using Marten;
using Marten.Events.Projections;

namespace KkiMesh.Matchmaking;

/// <summary>A subject that is proposed for a challenge.</summary>
/// <param name="Id">Challenge and subject.</param>
/// <param name="ChallengeId">The challenge.</param>
/// <param name="SubjectId">The subject.</param>
/// <param name="Score">1 to 100.</param>
/// <param name="Parts">How it came about, in words.</param>
public sealed record Proposal(string Id, ChallengeId ChallengeId, SubjectId SubjectId, int Score, IReadOnlyList<ScorePart> Parts)
{
    internal static string KeyOf(ChallengeId challenge, SubjectId subject) => $"{challenge}.{subject}";

    internal static void Index(StoreOptions store)
    {
        store.Schema.For<Proposal>().Index(p => p.ChallengeId).Index(p => p.SubjectId);
        store.Schema.For<Proposals>().Index(p => p.Deadline);
    }
}

/// <summary>The list of proposals, kept in the transaction of the events.</summary>
public sealed partial class ProposalList : EventProjection
{
    /// <summary>Proposed, or scored anew.</summary>
    public static void Project(MatchProposed e, IDocumentOperations documents) => documents.Store(
        new Proposal(Proposal.KeyOf(e.ChallengeId, e.SubjectId), e.ChallengeId, e.SubjectId, e.Score, e.Parts));

    /// <summary>Taken back.</summary>
    public static void Project(MatchWithdrawn e, IDocumentOperations documents) =>
        documents.Delete<Proposal>(Proposal.KeyOf(e.ChallengeId, e.SubjectId));
}
