using System.Diagnostics;
using KkiMesh.TestKit;

namespace KkiMesh.Gateway.Tests;

public sealed class SecretFileTests : IDisposable
{
    private const string Password = "Gateway:Certificate:Password";

    private readonly OwnCertificate _own = new();
    private readonly string _file = Path.GetTempFileName();

    private string[] Settings => [.. _own.Pem[..2], $"--Gateway:Certificate:Path={_own.Pkcs12Path}", $"--{Password}_FILE={_file}"];

    [Theory]
    [InlineData("secret")]
    [InlineData("secret\n")]
    [InlineData("secret\r\n")]
    public async Task A_setting_is_what_its_file_holds(string content)
    {
        await WriteAsync(content);

        await using var gateway = await RunningGateway.StartAsync(["http://127.0.0.1:1"], Settings);

        Assert.Equal(_own.Newest.Thumbprint, await _own.ShownAsync(gateway.Https));
    }

    [Fact]
    public async Task Only_one_line_break_at_the_end_is_not_meant()
    {
        await WriteAsync("secret\n\n");

        await RefusedStart.Says(Settings, _own.Pkcs12Path);
    }

    [Fact]
    public async Task A_setting_and_its_file_together_are_refused()
    {
        await WriteAsync("secret");

        await RefusedStart.Says([.. Settings, $"--{Password}=secret"], $"Both {Password} and {Password}_FILE");
    }

    [Fact]
    public async Task A_file_that_is_too_large_is_refused()
    {
        await WriteAsync(new string('x', (64 * 1024) + 1));
        await RefusedStart.Says(Settings, $"The file {_file}, which {Password}_FILE names, is larger");

        await WriteAsync(new string('x', 64 * 1024));
        await RefusedStart.Says(Settings, _own.Pkcs12Path);
    }

    [Fact]
    public async Task A_file_that_is_missing_ends_a_start_whose_environment_names_it()
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "KkiMesh.Gateway.dll"), "--urls=http://127.0.0.1:0"])
        {
            UseShellExecute = false,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            // A file that others are told of is left alone.
            Environment =
            {
                ["ASPNETCORE_ENVIRONMENT"] = "Development",
                ["OTHERS_FILE"] = "/nowhere/others",
                ["Gateway__Certificate__Password_FILE"] = "/nowhere/password",
            },
        };
        using var gateway = Process.Start(start)!;
        var ct = TestContext.Current.CancellationToken;
        var (output, errors) = (gateway.StandardOutput.ReadToEndAsync(ct), gateway.StandardError.ReadToEndAsync(ct));
        await gateway.WaitForExitAsync(ct).WaitAsync(TimeSpan.FromSeconds(60), ct);

        Assert.NotEqual(0, gateway.ExitCode);
        Assert.Contains($"The file /nowhere/password, which {Password}_FILE names, cannot be read.", await errors + await output, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _own.Dispose();
        File.Delete(_file);
    }

    private Task WriteAsync(string content) => File.WriteAllTextAsync(_file, content, TestContext.Current.CancellationToken);
}
