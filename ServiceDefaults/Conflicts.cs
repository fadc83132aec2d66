using KkiMesh.Contracts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace KkiMesh.ServiceDefaults;

/// <summary>Somebody whom a service knows: by their account, or by an account's key for a thing. It may know nobody.</summary>
public readonly record struct Party
{
    private readonly object? _thing;
    private readonly string? _known;

    private Party(object? thing, string? known) => (_thing, _known) = (thing, known);

    /// <summary>By the subject of their tokens; null: not known.</summary>
    public static Party Account(string? account) => new(null, account);

    /// <summary>By an account's key (<see cref="AccountKey"/>) for a thing; null: not known.</summary>
    public static Party Key(object thing, string? key) => new(thing, key);

    internal bool Is(string account) => _known is not null && _known == (_thing is null ? account : AccountKey.Of(_thing, account));
}

/// <summary>Whom a decision concerns, as a service knows it from its streams and read models.</summary>
public sealed record Concerned
{
    /// <summary>Whose it is: who entered the idea, or is to receive the money.</summary>
    public IReadOnlyList<Party> People { get; init; } = [];

    /// <summary>The subjects whose it is, by their id in the registry: all of their members are concerned.</summary>
    public IReadOnlyList<SubjectId> Subjects { get; init; } = [];

    /// <summary>Who asked for it, or decided on it, before.</summary>
    public IReadOnlyList<Party> Before { get; init; } = [];

    /// <summary>Who wants the same for themselves: who entered another idea for the same challenge.</summary>
    public IReadOnlyList<Party> Rivals { get; init; } = [];

    /// <summary>The subjects that want the same for themselves.</summary>
    public IReadOnlyList<SubjectId> RivalSubjects { get; init; } = [];
}

/// <summary>Who decides.</summary>
/// <param name="Account">The subject of the token.</param>
/// <param name="IsMemberOf">Whether the token says that they are a member of just this subject.</param>
public sealed record Decider(string Account, Func<SubjectId, bool> IsMemberOf);

/// <summary>
/// Nobody decides on what is theirs. Each command says whom it concerns, in its document (<c>x-concerns</c>) and in
/// docs/access.md; one that decides on somebody asks <see cref="Command.WhyNotBy"/> on the state that it decides on.
/// </summary>
public static class Conflicts
{
    private static readonly IReadOnlyList<(string Rule, Func<Decider, Concerned, bool> Holds)> Rules =
    [
        ("Nobody decides on what is their own: somebody else has to.", (who, whom) => whom.People.Any(p => p.Is(who.Account))),
        ("Nobody decides on what is their subject's own: somebody else has to.", (who, whom) => whom.Subjects.Any(who.IsMemberOf)),
        ("Who asked for this, or decided on it before, does not decide on it: somebody else has to.", (who, whom) => whom.Before.Any(p => p.Is(who.Account))),
        ("Who competes for the same, themselves or as a member, does not decide on it.",
            (who, whom) => whom.Rivals.Any(p => p.Is(who.Account)) || whom.RivalSubjects.Any(who.IsMemberOf)),
    ];

    /// <summary>Why somebody does not decide on this: 403 with the rule; null where no rule is against it.</summary>
    public static Refusal? WhyNot(Decider who, Concerned whom) =>
        Rules.FirstOrDefault(r => r.Holds(who, whom)).Rule is { } rule ? Refusal.Forbidden(rule) : null;

    /// <summary>The command decides on somebody, and asks whether its caller may.</summary>
    /// <param name="endpoint">The command.</param>
    /// <param name="whom">Whom, in a few words, e.g. "who entered the idea".</param>
    public static RouteHandlerBuilder DecidesOn(this RouteHandlerBuilder endpoint, string whom) => endpoint.WithMetadata(new Whom(whom, IsAsked: true));

    /// <summary>The command decides on nobody in person.</summary>
    /// <param name="endpoint">The command.</param>
    /// <param name="why">Why not, in a few words, e.g. "one's own".</param>
    public static RouteHandlerBuilder DecidesOnNobody(this RouteHandlerBuilder endpoint, string why) => endpoint.WithMetadata(new Whom(why, IsAsked: false));

    /// <summary>Whom a command says that it concerns.</summary>
    internal sealed record Whom(string Text, bool IsAsked)
    {
        public static Whom? Of(IEnumerable<object> metadata) => metadata.OfType<Whom>().LastOrDefault();

        public override string ToString() => IsAsked ? Text : $"nobody: {Text}";
    }
}
