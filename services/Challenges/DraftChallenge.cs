using System.ComponentModel.DataAnnotations;
using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Challenges;

/// <summary>The terms of a challenge, as a coordinator writes them.</summary>
/// <param name="Title">The challenge's title.</param>
/// <param name="Description">What is sought, in plain text.</param>
/// <param name="Organiser">The organisation that calls, e.g. RAS.</param>
/// <param name="Row">The row of the action plan that is to pay, e.g. U3-P4.</param>
/// <param name="FiscalYear">The budget year of the money; not necessarily this year's.</param>
/// <param name="Pool">What all awards together may cost at the most, in EUR.</param>
/// <param name="MaxAwards">How many awards there may be at the most.</param>
/// <param name="Deadline">The instant after which no idea is taken.</param>
/// <param name="Fields">The fields of the taxonomy (CzK) that are sought, 1 to 13; by default none.</param>
/// <param name="Competences">What those who answer should be able to do, in a few words each.</param>
public sealed record ChallengeRequest(
    [Required, OneLine(200, MinimumLength = 1)] string Title,
    [Required, LongText(10_000, MinimumLength = 1)] string Description,
    [Required, OneLine(200, MinimumLength = 1)] string Organiser,
    [Required, RegularExpression("^U[0-9]{1,2}-[A-Za-z0-9+]{1,20}$", ErrorMessage = "A row of the action plan looks like U3-P4.")] string Row,
    [Range(2000, 2100)] int FiscalYear,
    Money Pool,
    [Range(1, 100)] int MaxAwards,
    DateTimeOffset Deadline,
    [MaxLength(5)] IReadOnlyList<int>? Fields = null,
    [MaxLength(Word.Most), EachLength(Word.Shortest, Word.Longest)] IReadOnlyList<string>? Competences = null)
{
    internal ChallengeTerms Terms => new(
        Title, Description, Organiser, Row, FiscalYear, Pool, MaxAwards, Deadline.ToUniversalTime(), Fields, Competences is null ? null : Word.Tidied(Competences));
}

internal static class DraftChallenge
{
    public static void Map(RouteGroupBuilder group) => group
        .MapPost("/", Handle)
        .AsCreation<Challenge>("Drafts a challenge", Roles.Coordinator)
        .DecidesOnNobody("the call itself");

    private static Task<IResult> Handle(ChallengeRequest request, Command command)
    {
        var id = command.NewId();
        return command.Start<Challenge>(id, Challenge.Draft(request.Terms, command.Now), $"{id}");
    }
}
