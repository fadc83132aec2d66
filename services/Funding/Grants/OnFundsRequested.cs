using KkiMesh.Contracts.Challenges.V1;
using KkiMesh.Contracts.Funding.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>A challenge asks for its money: it is set aside on the row, or refused with a reason.</summary>
internal static class OnFundsRequested
{
    public static async Task Handle(FundsRequested e, Reaction reaction)
    {
        if (await reaction.Session.LoadAsync<PlanRow>(e.Row, reaction.Cancelled) is null)
            await reaction.On<MissingRow>($"{LedgerStreams.Missing}/{e.Row}", _ => [Refused()], orElse: () => [Refused()]);
        else
            await reaction.On<PlanRow, Reservation>(
                e.Row, e.ChallengeId, (row, reservation) => row.Reserve(reservation, e.ChallengeId, e.FiscalYear, e.Amount, reaction.Date));

        FundsRefused Refused() => new(e.ChallengeId, e.Row, e.FiscalYear, e.Amount, $"The plan has no row {e.Row}.");
    }
}

/// <summary>
/// A row that was asked for and that the plan does not have. It has no money; its
/// stream is where the answers are published from.
/// </summary>
/// <param name="Id">Its name, after <c>missing/</c>.</param>
/// <param name="Head">The hash of the newest answer.</param>
public sealed record MissingRow(string Id, string? Head = null) : IAggregate<MissingRow>, IChained
{
    /// <inheritdoc />
    public static MissingRow? Apply(MissingRow? state, string id, object e) => state ?? new MissingRow(id);

    /// <inheritdoc />
    public IChained WithHead(string head) => this with { Head = head };
}
