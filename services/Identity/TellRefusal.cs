using System.Globalization;
using System.Net;
using Microsoft.AspNetCore;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.Extensions.Localization;

namespace KkiMesh.Identity;

/// <summary>
/// Says why, where the framework refuses without a word: OAuth's errors that cannot be sent back to a program, and
/// forms that are no longer good. People get a page, programs a problem with the error's code.
/// </summary>
internal static class TellRefusal
{
    public static async Task Handle(StatusCodeContext context)
    {
        var http = context.HttpContext;
        var (refused, texts) = (http.GetOpenIddictServerResponse(), http.RequestServices.GetRequiredService<IStringLocalizer<Texts>>());
        string? sentence = refused?.ErrorDescription is { } description ? description
            : http.Response.StatusCode == StatusCodes.Status400BadRequest && HttpMethods.IsPost(http.Request.Method) && http.Request.Path.StartsWithSegments("/account", StringComparison.Ordinal)
                ? texts["This form is no longer good: open its page again."].Value
                : null;
        if (sentence is null)
            return;
        var result = http.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.Ordinal)
            ? Results.Content(Page(texts["This cannot be done"], sentence), "text/html; charset=utf-8", statusCode: http.Response.StatusCode)
            : Results.Problem(sentence, statusCode: http.Response.StatusCode, extensions: refused?.Error is { } error ? new Dictionary<string, object?> { ["error"] = error } : null);
        await result.ExecuteAsync(http);
    }

    private static string Page(string title, string sentence) =>
        $"""
        <!DOCTYPE html>
        <html lang="{CultureInfo.CurrentUICulture.TwoLetterISOLanguageName}">
        <head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{WebUtility.HtmlEncode(title)} · KkiMesh</title><link rel="stylesheet" href="/account/style.css"></head>
        <body><main><h1>{WebUtility.HtmlEncode(title)}</h1><p role="alert">{WebUtility.HtmlEncode(sentence)}</p></main></body>
        </html>
        """;
}
