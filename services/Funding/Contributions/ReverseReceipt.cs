using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

internal static class ReverseReceipt
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/contributions/{year}/{municipality}/receipts/{id}/reversal", Handle)
        .AsCommand<Contribution>("Takes a mistaken receipt back by another event; both stay", Roles.Treasurer)
        .DecidesOnNobody("municipalities");

    private static async Task<IResult> Handle(int year, string municipality, Guid id, ReverseRequest request, Command command) =>
        Dates.Fault(request.Date, command.Today) is { } fault
            ? Problems.Of(fault)
            : await command.On<Contribution>(Contribution.Stream(year, municipality), c => c.Reverse(id, request.Reason, request.Date ?? command.Today));
}
