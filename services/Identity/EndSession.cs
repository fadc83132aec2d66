using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Identity;
using OpenIddict.Server.AspNetCore;

namespace KkiMesh.Identity;

/// <summary>Signs a person out, and sends them back where the client has registered to.</summary>
internal static class EndSession
{
    public static void Map(WebApplication app) => app
        .MapMethods(OpenIdServer.EndSession, [HttpMethods.Get, HttpMethods.Post], (Delegate)Handle)
        .ExcludeFromDescription();

    private static async Task<IResult> Handle(HttpContext http)
    {
        await http.SignOutAsync(IdentityConstants.ApplicationScheme);
        return Results.SignOut(new AuthenticationProperties { RedirectUri = "/account/sign-in" }, [OpenIddictServerAspNetCoreDefaults.AuthenticationScheme]);
    }
}
