using JasperFx.Events.Projections;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>The printed action plan, and what contradicts itself in it.</summary>
internal static class PlanArea
{
    public static MeshService AddPlan(this MeshService mesh) => mesh
        .Load<ImportActionPlan>()
        .Aggregate<MissingRow>()
        .Aggregate<FindingDecision>()
        .Documents(store => store.Schema.For<FindingEffect>())
        .Documents(store => store.Projections.Add(new FindingEffects(), ProjectionLifecycle.Inline));

    public static void MapPlan(this RouteGroupBuilder funding)
    {
        ListFindings.Map(funding);
        DecideFinding.Map(funding);
    }
}
