using KkiMesh.Contracts.Challenges.V1;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>A challenge asks for its money: it is set aside on the row, or refused with a reason.</summary>
internal static class OnFundsRequested
{
    public static Task Handle(FundsRequested e, Reaction reaction) => reaction.On<PlanRow, Reservation>(
        e.Row,
        e.ChallengeId,
        (row, reservation) => row.Reserve(reservation, e.ChallengeId, e.FiscalYear, e.Amount, reaction.Date),
        orElse: () => [new FundsRefused(e.ChallengeId, e.Row, e.FiscalYear, e.Amount, $"The plan has no row {e.Row}.")]);
}
