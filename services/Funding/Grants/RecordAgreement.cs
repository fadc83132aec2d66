using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;
using Marten;

namespace KkiMesh.Funding;

/// <summary>What was signed.</summary>
/// <param name="Number">The agreement's number; at most 50 characters. Public.</param>
/// <param name="SignedOn">The day that it was signed; not later than today.</param>
/// <param name="ReportDueOn">The last day for the report of use; within ten years of the signature.</param>
/// <param name="Document">Its document.</param>
/// <param name="IsDeMinimis">Whether the grant is de minimis aid; then its beneficiary has to be known.</param>
/// <param name="SubjectId">The beneficiary in the registry; by default what the award says.</param>
/// <param name="Beneficiary">
/// The beneficiary's tax number, registration number or VAT id, where the registry does not know them; kept in its normal
/// form. At most 50 characters.
/// </param>
/// <param name="DeclaredAid">The de minimis aid that the beneficiary declares to have
/// from elsewhere; at most 50, each once.</param>
/// <param name="Account">Where the beneficiary is paid; by default what was said before, or nothing.</param>
/// <param name="IsOrganisation">Whether the beneficiary is a legal person, and may be named in open
/// data; by default what was said before, or nothing.</param>
public sealed record AgreementRequest(
    [Required, OneLine(50, MinimumLength = 1)] string Number,
    DateOnly SignedOn,
    DateOnly ReportDueOn,
    Document Document,
    bool IsDeMinimis = false,
    SubjectId? SubjectId = null,
    [OneLine(PartyIdentifier.MostCharacters)] string? Beneficiary = null,
    [MaxLength(50)] IReadOnlyList<DeclaredAid>? DeclaredAid = null,
    BankAccount? Account = null,
    bool? IsOrganisation = null)
{
    // More than any state aid; sums stay far from where they overflow.
    private const long MostCents = 1_000_000_000_00;

    internal AgreementFiled Filed(Grant grant) => new(
        new CommitmentId(Guid.Parse(grant.Id)), Number, SignedOn, ReportDueOn, Document,
        IsDeMinimis, SubjectId ?? grant.SubjectId, Beneficiary is null ? null : PartyIdentifier.Read(Beneficiary).Normal,
        DeclaredAid ?? [], null, Account?.Tidied() ?? grant.Agreement?.Account, IsOrganisation ?? grant.Agreement?.IsOrganisation);

    internal Refusal? Fault(Grant grant, DateOnly today)
    {
        if (Dates.Fault(SignedOn, today) is { } day)
            return day with { Field = "signedOn" };
        if (ReportDueOn < SignedOn || ReportDueOn > SignedOn.AddYears(10))
            return Refusal.Invalid("reportDueOn", "A report is due within ten years of the signature.");
        if (Beneficiary is not null && (SubjectId ?? grant.SubjectId) is not null)
            return Refusal.Invalid("beneficiary", "The registry knows the beneficiary: no other identifier is needed.");
        if (Beneficiary is not null && PartyIdentifier.Read(Beneficiary).Fault is { } other)
            return Refusal.Invalid("beneficiary", other);
        if (IsDeMinimis && Beneficiary is null && (SubjectId ?? grant.SubjectId) is null)
            return Refusal.Invalid("beneficiary", "De minimis aid is counted for a beneficiary: the subject in the registry, or a tax number.");
        if (DeclaredAid?.Any(d => d.Amount.Currency != "EUR" || d.Amount.Amount is < 1 or > MostCents || d.On > SignedOn) == true)
            return Refusal.Invalid("declaredAid", $"Declared aid is more than zero, at most {PlanRow.Text(Money.Eur(MostCents))}, and from before the signature.");
        return DeclaredAid?.Distinct().Count() < DeclaredAid?.Count
            ? Refusal.Invalid("declaredAid", "Aid is declared once: add up what is of one day and grantor.")
            : Account?.Fault("account");
    }
}

internal static class RecordAgreement
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/grants/{id}/agreement", Handle)
        .AsCommand<Grant>("Records the agreement on a grant, or an annex; de minimis aid has to keep to its ceiling", Roles.Treasurer, Roles.Coordinator)
        .DecidesOn("the beneficiary, and their subject");

    private static async Task<IResult> Handle(
        CommitmentId id, AgreementRequest request, Command command, HttpContext http, IDocumentStore store, Ceilings ceilings, CancellationToken ct)
    {
        await using var session = store.LightweightSession(command.Region);
        if (await session.LoadAsync<Grant>(id.ToString(), ct) is not { } known)
            return Problems.Of(Refusal.NotFound<Grant>(id, command.Region));
        if (request.Fault(known, command.Today) is { } fault)
            return Problems.Of(fault);
        var agreed = request.Filed(known);
        if (!request.IsDeMinimis)
            return await command.OnGrant(id, http, store, (grant, _) => Agree(grant, []));

        // Two agreements on two rows would not see each other's aid.
        using var turn = await Turn.TakeAsync(session, "de-minimis", ct);
        var others = await AidOfBeneficiary.ReadAsync(session, Aid.KeyOf(agreed.SubjectId, agreed.Beneficiary)!, but: known.Id, ct);
        return await command.OnGrant(id, http, store, (grant, _) => Agree(grant, others));

        // An annex that names no account leaves the one that there is when it counts, not the one that was read before.
        Decision Agree(Grant grant, IReadOnlyList<Aid> aid)
        {
            var now = agreed with { Account = request.Account?.Tidied() ?? grant.Agreement?.Account };
            return command.WhyNotBy(grant.Concerned) is { } conflict
                ? conflict
                : grant.Agree(now, aid, ceilings, command.Actor, command.Today);
        }
    }
}
