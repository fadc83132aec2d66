using KkiMesh.Contracts.Funding.V1;

namespace KkiMesh.Funding;

/// <summary>What things are called where people read.</summary>
internal static class Names
{
    public static string Of(FundingSource source, bool inSlovene) => Choose(inSlovene, source switch
    {
        FundingSource.MunicipalKey => ("Občine po ključu delitve", "Municipalities, by the contribution key"),
        FundingSource.MunicipalOwn => ("Občine, redna dejavnost", "Municipalities, own regular activity"),
        FundingSource.MunicipalRegular => ("Občinski proračuni, redne dejavnosti v regiji", "Municipal budgets, regular activities in the region"),
        FundingSource.ProjectsOrPartners => ("Projekti ali partnerji", "Projects or partners"),
        FundingSource.Eu => ("EU", "EU"),
        FundingSource.BscRegular => ("BSC Kranj, redne aktivnosti", "BSC Kranj, regular activities"),
        _ => NotStated,
    });

    public static string Of(ExpenditurePurpose? purpose, bool inSlovene) => Choose(inSlovene, purpose switch
    {
        ExpenditurePurpose.ManagementCosts => ("Stroški upravljanja", "Management costs"),
        ExpenditurePurpose.Infrastructure => ("Vzdrževanje infrastrukture in investicije", "Infrastructure, upkeep and investment"),
        ExpenditurePurpose.SmallIncentives => ("Male spodbude za MSP", "Small incentives for SMEs"),
        _ => NotStated,
    });

    public static string OfMeasure(int number, bool inSlovene) => $"{(inSlovene ? "Ukrep" : "Measure")} {number}";

    public static string Unstated(bool inSlovene) => Choose(inSlovene, NotStated);

    private static readonly (string Sl, string En) NotStated = ("Ni navedeno", "Not stated");

    private static string Choose(bool inSlovene, (string Sl, string En) name) => inSlovene ? name.Sl : name.En;
}
