using KkiMesh.ServiceDefaults;
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;

namespace KkiMesh.Identity;

/// <summary>Sends a letter.</summary>
internal interface IMail
{
    /// <summary>Returns when somebody else has taken responsibility for it.</summary>
    Task SendAsync(string to, string subject, string text, CancellationToken ct);
}

internal static class Mail
{
    /// <summary>
    /// To <c>Mail:Smtp</c> (smtp://host:port or smtps://host:port, with <c>Mail:User</c> and <c>Mail:Password</c>),
    /// else into the folder <c>Mail:Folder</c>. <c>Mail:From</c> is the sender.
    /// </summary>
    public static void AddMail(this WebApplicationBuilder builder)
    {
        var from = MailboxAddress.Parse(builder.Configuration["Mail:From"] ?? "KkiMesh <no-reply@localhost>");
        if (builder.Configuration["Mail:Smtp"] is { Length: > 0 } smtp)
        {
            if (!Uri.TryCreate(smtp, UriKind.Absolute, out var server) || server.Scheme is not ("smtp" or "smtps"))
                throw new InvalidOperationException("Mail:Smtp is an address like smtp://mail.example.org:587 or smtps://mail.example.org.");
            builder.Services.AddSingleton<IMail>(new SmtpMail(from, server, builder.Configuration["Mail:User"], builder.Configuration["Mail:Password"]));
            return;
        }

        builder.Services.AddSingleton<IMail>(services => new FolderMail(
            from, builder.Configuration["Mail:Folder"] ?? Path.Combine(Path.GetTempPath(), "kkimesh-mail"), services.GetRequiredService<TimeProvider>()));
    }

    internal static MimeMessage Letter(MailboxAddress from, string to, string subject, string text)
    {
        var letter = new MimeMessage { Subject = subject, Body = new TextPart("plain") { Text = text } };
        letter.From.Add(from);
        letter.To.Add(new MailboxAddress("", to));
        return letter;
    }
}

/// <summary>
/// Lays letters into a folder, one file each, newest last: for development, and for whoever sends them by other means.
/// </summary>
internal sealed class FolderMail(MailboxAddress from, string folder, TimeProvider time) : IMail
{
    public async Task SendAsync(string to, string subject, string text, CancellationToken ct)
    {
        Directory.CreateDirectory(folder);
        var file = Path.Combine(folder, $"{time.GetUtcNow():yyyyMMdd'T'HHmmssfff}-{Guid.CreateVersion7():N}.eml");
        // Letters hold links that set passwords.
        await using (var letter = new FileStream(file + ".part", new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = OperatingSystem.IsWindows() ? null : UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
        {
            await Mail.Letter(from, to, subject, text).WriteToAsync(letter, ct);
        }

        File.Move(file + ".part", file);
    }
}

internal sealed class SmtpMail(MailboxAddress from, Uri server, string? user, string? password) : IMail
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public async Task SendAsync(string to, string subject, string text, CancellationToken ct)
    {
        using var smtp = new SmtpClient { Timeout = (int)Patience.TotalMilliseconds };
        await smtp.ConnectAsync(
            server.Host,
            server.IsDefaultPort ? 0 : server.Port,
            server.Scheme == "smtps" ? SecureSocketOptions.SslOnConnect : SecureSocketOptions.StartTlsWhenAvailable,
            ct);
        if (!string.IsNullOrEmpty(user))
            await smtp.AuthenticateAsync(user, password ?? "", ct);
        await smtp.SendAsync(Mail.Letter(from, to, subject, text), ct);
        await smtp.DisconnectAsync(quit: true, ct);
    }
}
