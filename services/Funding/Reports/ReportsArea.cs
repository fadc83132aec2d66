namespace KkiMesh.Funding;

/// <summary>What people read about the money. All of it is made of what the other areas keep.</summary>
internal static class ReportsArea
{
    public static void MapReports(this RouteGroupBuilder funding)
    {
        ReportRealisation.Map(funding);
        ReportFlow.Map(funding);
        ReportMunicipalities.Map(funding);
        ForecastCash.Map(funding);
        PublishGrants.Map(funding);
    }
}
