using JasperFx.Events.Projections;
using KkiMesh.Contracts.Challenges.V1;
using KkiMesh.Contracts.Registry.V1;
using KkiMesh.Matchmaking;
using KkiMesh.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddMeshService("matchmaking", mesh => mesh
    .Format(2)
    .Picture<KnownSubject>()
    .Picture<KnownMunicipality>()
    .Picture<OpenChallenge>()
    .Learn<SubjectPublished>(KnownSubject.Learn)
    .Learn<SubjectHidden>(KnownSubject.Forget)
    .Learn<MunicipalityListed>(KnownMunicipality.Learn)
    .Learn<ChallengePublished>(OpenChallenge.Learn)
    .Learn<ChallengeConcluded>(OpenChallenge.Forget)
    .Aggregate<Proposals>()
    .Documents(store => store.Projections.Add(new ProposalList(), ProjectionLifecycle.Inline))
    .Documents(Proposal.Index)
    .Documents(OpenChallenge.Index)
    .On<SubjectPublished>(OnSubjectPublished.Handle)
    .On<SubjectHidden>(OnSubjectHidden.Handle)
    .On<ChallengePublished>(OnChallengePublished.Handle)
    .WhenBuilt(WhenBuilt.Handle));

var app = builder.Build();
var matchmaking = app.UseMeshService();
ListProposals.Map(matchmaking
    .Area("proposals", "Who fits which open challenge, with the reasons.")
    .Explains("minScore", "Only proposals with this score or a higher one."));
app.Run();
