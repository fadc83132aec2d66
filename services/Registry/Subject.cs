using System.Text.Json.Serialization;
using KkiMesh.Contracts;
using KkiMesh.Contracts.Registry.V1;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Registry;

/// <summary>Where a subject stands.</summary>
public enum SubjectStatus
{
    /// <summary>Registered; not published yet.</summary>
    Registered,

    /// <summary>Published: everybody sees it.</summary>
    Published,

    /// <summary>It was published and is hidden now.</summary>
    Hidden,
}

/// <summary>A subject was registered; private, since it says who it is.</summary>
/// <param name="Profile">What it says about itself.</param>
/// <param name="Owner">Who registered it: the subject of the token.</param>
/// <param name="IsDemo">Whether it is made up for a demonstration.</param>
/// <param name="IsForOthers">Whether a coordinator registered it for its people: it is none of their own.</param>
public sealed record ProfileRegistered(Profile Profile, string Owner, bool IsDemo, bool IsForOthers = false);

/// <summary>Its profile was changed; private, since it says who it is.</summary>
/// <param name="Profile">The whole new profile.</param>
/// <param name="IsDemo">Whether it is made up for a demonstration.</param>
public sealed record ProfileChanged(Profile Profile, bool IsDemo);

/// <summary>It consented to be published; private.</summary>
/// <param name="At">When.</param>
/// <param name="TextVersion">To which text.</param>
public sealed record ConsentGiven(DateTimeOffset At, string TextVersion);

/// <summary>It withdrew its consent; private.</summary>
/// <param name="At">When.</param>
/// <param name="TextVersion">The text that it had consented to.</param>
public sealed record ConsentWithdrawn(DateTimeOffset At, string TextVersion);

/// <summary>The consent that holds.</summary>
/// <param name="At">When it was given.</param>
/// <param name="TextVersion">To which text.</param>
public sealed record Consent(DateTimeOffset At, string TextVersion);

/// <summary>A creative subject, or one that looks for creative work (policy, measure 3, activities 1 and 2).</summary>
/// <param name="Id">Its id.</param>
/// <param name="Profile">What it says about itself.</param>
/// <param name="IsDemo">Whether it is made up for a demonstration.</param>
/// <param name="Status">Where it stands.</param>
/// <param name="Consent">The consent that holds; not there where there is none, and for
/// others than its owner and the coordinator.</param>
/// <param name="Owner">Who registered it; not there for others than its owner and the coordinator.</param>
/// <param name="IsForOthers">Whether a coordinator registered it for its people; not there where none did.</param>
/// <param name="SearchText">What it is found by while it is published; kept for the database, shown to nobody.</param>
public sealed record Subject(
    [Format("uuid")] string Id,
    Profile Profile,
    bool IsDemo,
    SubjectStatus Status,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Consent? Consent = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Owner = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool IsForOthers = false,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] SearchText? SearchText = null) : IAggregate<Subject>
{
    private SubjectId Key => SubjectId.From(Guid.Parse(Id));

    // Others learn whose it is, so that nobody decides on their own.
    private string? KnownOwner => IsForOthers ? null : Owner;

    private bool IsPublished => Status == SubjectStatus.Published;

    /// <inheritdoc />
    public static Subject? Apply(Subject? state, string id, object e) => (state, e) switch
    {
        (null, ProfileRegistered r) => new Subject(id, r.Profile, r.IsDemo, SubjectStatus.Registered, Owner: r.Owner, IsForOthers: r.IsForOthers),
        ({ }, ProfileChanged c) => state with { Profile = c.Profile, IsDemo = c.IsDemo },
        ({ }, ConsentGiven g) => state with { Consent = new Consent(g.At, g.TextVersion) },
        ({ }, ConsentWithdrawn) => state with { Consent = null },
        ({ }, SubjectPublished) => state with { Status = SubjectStatus.Published, SearchText = SearchText.Of(state.Profile) },
        ({ }, SubjectHidden) => state with { Status = SubjectStatus.Hidden, SearchText = null },
        _ => state,
    };

    /// <summary>Registers a subject, which is not published yet.</summary>
    public static Decision Register(Profile profile, bool? isDemo, Caller caller, bool isForOthers = false) =>
        (profile.Fault() ?? DemoFault(isDemo, false, caller)) is { } fault ? fault
        : caller.Actor is null ? Refusal.Forbidden("The token does not say whose it is.")
        : [new ProfileRegistered(profile, caller.Actor, isDemo ?? false, isForOthers)];

    /// <summary>Lets its owner decide, or a coordinator; nobody else.</summary>
    public Decision By(Caller caller, Func<Subject, Decision> decide) =>
        caller.IsCoordinator || caller.Owns(this)
            ? decide(this)
            : Refusal.Forbidden("A subject is changed by who registered it, by its members, and by a coordinator.");

    /// <summary>Changes the profile; what is published is published anew.</summary>
    public Decision Change(Profile profile, bool? isDemo, Caller caller)
    {
        if ((profile.Fault() ?? DemoFault(isDemo, IsDemo, caller)) is { } fault)
            return fault;
        var changed = new ProfileChanged(profile, isDemo ?? IsDemo);
        return IsPublished ? [changed, profile.Published(Key, changed.IsDemo, KnownOwner)] : [changed];
    }

    /// <summary>Consents to be published; consenting to the same text again changes nothing.</summary>
    public Decision GiveConsent(string textVersion, DateTimeOffset now) =>
        Consent?.TextVersion == textVersion ? [] : [new ConsentGiven(now, textVersion)];

    /// <summary>Withdraws the consent; what was published is hidden in the same moment.</summary>
    public Decision WithdrawConsent(DateTimeOffset now)
    {
        if (Consent is null)
            return Refusal.Conflict("There is no consent to withdraw.");
        var withdrawn = new ConsentWithdrawn(now, Consent.TextVersion);
        return IsPublished ? [withdrawn, new SubjectHidden(Key, HiddenBecause.ConsentWithdrawn)] : [withdrawn];
    }

    /// <summary>Publishes the profile.</summary>
    public Decision Publish() =>
        Consent is null ? Refusal.Conflict("Publishing needs the subject's consent first.")
        : IsPublished ? Refusal.Conflict("It is published already; a change publishes itself.")
        : [Profile.Published(Key, IsDemo, KnownOwner)];

    /// <summary>Takes it out of sight; it may be published again.</summary>
    public Decision Hide() =>
        IsPublished ? [new SubjectHidden(Key, HiddenBecause.Hidden)] : Refusal.Conflict("Only a published subject can be hidden.");

    /// <summary>What this caller may see of it; null where it may see nothing.</summary>
    public Subject? For(Caller caller) =>
        caller.IsCoordinator || caller.Owns(this) ? InFull
        : IsPublished ? this with { Profile = Profile with { ContactEmail = null }, Consent = null, Owner = null, SearchText = null }
        : null;

    /// <summary>What its owner and a coordinator see.</summary>
    [JsonIgnore]
    public Subject InFull => this with { SearchText = null };

    private static Refusal? DemoFault(bool? asked, bool now, Caller caller) =>
        asked is null || asked == now || caller.IsCoordinator ? null : Refusal.Forbidden("Only a coordinator says what is made up for a demonstration.");
}
