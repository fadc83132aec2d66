using System.ComponentModel.DataAnnotations;
using System.Globalization;
using KkiMesh.ServiceDefaults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace KkiMesh.Identity.Pages;

/// <summary>A field of a form, shown with what is wrong with it.</summary>
/// <param name="Name">Its name in the form.</param>
/// <param name="Label">What it asks for.</param>
/// <param name="Longest">The most characters.</param>
public sealed record Field(string Name, string Label, int Longest)
{
    /// <summary>As HTML says it: text, email or password.</summary>
    public string Type { get; init; } = "text";

    /// <summary>What a browser may fill in.</summary>
    public string Autocomplete { get; init; } = "off";

    /// <summary>What stands in it.</summary>
    public string? Value { get; init; }

    /// <summary>What to know before filling it in.</summary>
    public string? Hint { get; init; }

    /// <summary>Which keyboard a phone shows.</summary>
    public string? Keyboard { get; init; }

    /// <summary>Whether the page begins here.</summary>
    public bool IsFirst { get; init; }

    /// <summary>A password to choose.</summary>
    public static Field NewPassword(string label) => new("newPassword", label, OpenIdServer.LongestPassword)
    {
        Type = "password",
        Autocomplete = "new-password",
        Hint = "At least 12 characters. A sentence is easy to remember and hard to guess.",
    };
}

/// <summary>What is wrong with fields. The sentences are English; the page translates them.</summary>
internal static class Wrong
{
    public const string Name = "Write a name of at most 200 characters.";
    public const string Email = "Write an e-mail address like name@example.org.";
    public const string NewPassword = "Choose a password of 12 to 128 characters.";
    public const string Password = "This is not the password, or there were too many attempts.";
    public const string SignIn = "E-mail address and password do not belong together, or there were too many attempts. Try again in a while.";
    public const string TooManyLetters = "Too many people ask for letters at the moment. Try again in a few minutes.";
    public const string TooManyGuesses = "Too many wrong passwords and codes come at the moment. Try again in a few seconds.";
    public const string Code = "This code is not good. Wait for the next one and write that.";

    /// <summary>What is wrong with how a person wants to be called; null where nothing is.</summary>
    public static string? OfName(string? name) =>
        name is not null && Text.FaultOf(name) is { } fault ? InThisLanguage(fault)
        : name is null || !Text.IsVisible(name) ? Name
        : Text.Length(Text.Normalized(name)) > Identity.Account.LongestName ? Name
        : null;

    /// <summary>The page again, with what is wrong at its fields.</summary>
    public static PageResult Again(this PageModel page, int status = StatusCodes.Status422UnprocessableEntity)
    {
        var shown = page.Page();
        shown.StatusCode = status;
        return shown;
    }

    /// <summary>The page that says that a letter is on its way, or that it cannot be sent now.</summary>
    public static PageResult AskedOrNot(this PageModel page, bool isAsked) => isAsked ? page.Page() : page.Later("email", TooManyLetters, seconds: 60);

    /// <summary>
    /// The page again after a wrong password or code of this address, held back as <see cref="Guesses"/> tells.
    /// </summary>
    public static async Task<PageResult> GuessedAsync(this PageModel page, Guesses guesses, string email, string field, string sentence)
    {
        if (!await guesses.HoldBackAsync(email, page.HttpContext.RequestAborted))
            return page.Later(field, TooManyGuesses, seconds: 5);
        page.ModelState.AddModelError(field, sentence);
        return page.Again();
    }

    /// <summary>An address of this server, or the other one: nobody is sent elsewhere.</summary>
    public static string LocalOr(this IUrlHelper addresses, string? asked, string other) =>
        // No address of ours has other characters, and a header could not carry them.
        addresses.IsLocalUrl(asked) && asked.All(c => c is > ' ' and <= '~') ? asked : other;

    /// <summary>The first sentence about a field.</summary>
    public static string? Of(this ModelStateDictionary state, string field) => state[field]?.Errors.FirstOrDefault()?.ErrorMessage;

    // It names the character, so it is no sentence that the page could translate.
    private static string InThisLanguage(TextFault fault) =>
        CultureInfo.CurrentUICulture.TwoLetterISOLanguageName == "sl" ? fault.Sl : fault.En;

    private static PageResult Later(this PageModel page, string field, string sentence, int seconds)
    {
        page.ModelState.AddModelError(field, sentence);
        page.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        return page.Again(StatusCodes.Status503ServiceUnavailable);
    }
}

/// <summary>How a person wants to be called: one line of text with something to read.</summary>
internal sealed class PersonNameAttribute : RequiredAttribute
{
    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        Wrong.OfName(value as string) is { } wrong ? new ValidationResult(wrong) : ValidationResult.Success;
}

/// <summary>An address that letters can be sent to.</summary>
internal sealed class EmailAttribute : RequiredAttribute
{
    public const int Longest = 256;

    public EmailAttribute() => ErrorMessage = Wrong.Email;

    public override bool IsValid(object? value) => value is string { Length: > 0 and <= Longest } email
        && Text.FaultOf(email) is null && AccountMail.IsAddress(email);
}

/// <summary>A password to choose.</summary>
internal sealed class NewPasswordAttribute : RequiredAttribute
{
    public NewPasswordAttribute() => ErrorMessage = Wrong.NewPassword;

    public override bool IsValid(object? value) => value is string { Length: >= OpenIdServer.ShortestPassword and <= OpenIdServer.LongestPassword };
}

/// <summary>A password to check.</summary>
internal sealed class PasswordAttribute : RequiredAttribute
{
    public PasswordAttribute() => ErrorMessage = Wrong.Password;

    public override bool IsValid(object? value) => value is string { Length: > 0 and <= OpenIdServer.LongestPassword };
}
