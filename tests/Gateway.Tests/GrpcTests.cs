using System.Net;
using KkiMesh.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace KkiMesh.Gateway.Tests;

/// <summary>Calls of gRPC on their way through the gateway: over HTTP/2, with trailers.</summary>
public sealed class GrpcTests
{
    private const string Path = "/kki.funding.v1.Ledger/Reserve";

    private static readonly string[] TwoEndpoints =
        ["--Kestrel:Endpoints:Http:Url=http://127.0.0.1:0", "--Kestrel:Endpoints:Http2:Url=http://127.0.0.1:0", "--Kestrel:Endpoints:Http2:Protocols=Http2"];

    [Fact]
    public async Task A_call_reaches_the_service_over_HTTP_2_and_its_trailers_come_back()
    {
        await using var service = await StartServiceAsync();
        await using var gateway = await RunningGateway.StartAsync([], [.. TwoEndpoints, .. Funding(service)]);
        using var http = new HttpClient { BaseAddress = gateway.Http2 };

        using var answer = await http.SendAsync(Call(), TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.OK, HttpVersion.Version20), (answer.StatusCode, answer.Version));
        Assert.Equal($"HTTP/2 POST {Path} k-1 trailers hello", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal("9", Assert.Single(answer.TrailingHeaders.GetValues("grpc-status")));
        Assert.Equal(200, (await gateway.ReadAsync("/alive")).Status);
    }

    [Fact]
    public async Task With_a_certificate_the_port_of_HTTPS_takes_calls_too_and_nothing_goes_in_the_open()
    {
        using var own = new OwnCertificate();
        await using var service = await StartServiceAsync();
        await using var gateway = await RunningGateway.StartAsync([], [.. own.Pem, .. Funding(service)]);
        using var http = own.Client(gateway.Https);
        using var open = own.Client(gateway.Http.BaseAddress!);
        using var inTheOpen = Call();
        (inTheOpen.Version, inTheOpen.VersionPolicy) = (HttpVersion.Version11, HttpVersionPolicy.RequestVersionExact);

        using var answer = await http.SendAsync(Call(), TestContext.Current.CancellationToken);
        using var refused = await open.SendAsync(inTheOpen, TestContext.Current.CancellationToken);

        Assert.Equal("9", Assert.Single(answer.TrailingHeaders.GetValues("grpc-status")));
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
    }

    [Fact]
    public async Task A_token_of_somebody_else_a_service_that_is_down_and_a_body_that_is_too_large_are_turned_away()
    {
        await using var issuer = await Issuer.StartAsync();
        await using var stranger = await Issuer.StartAsync();
        var service = await StartServiceAsync();
        await using var gateway = await RunningGateway.StartAsync(
            [], [.. TwoEndpoints, .. Funding(service), $"--Authentication:Authority={issuer.Address}", "--Gateway:MaxBodyBytes=100000"]);
        using var http = new HttpClient { BaseAddress = gateway.Http2 };
        async Task<int> Status(string token, int length = 5)
        {
            using var answer = await http.SendAsync(Call(token, length), TestContext.Current.CancellationToken);
            return (int)answer.StatusCode;
        }

        Assert.Equal(401, await Status(stranger.Token("treasurer")));
        Assert.Equal(200, await Status(issuer.Token("treasurer")));
        Assert.Equal(413, await Status(issuer.Token("treasurer"), 100_001));
        await service.DisposeAsync();
        Assert.Equal(503, await Status(issuer.Token("treasurer")));
    }

    [Fact]
    public async Task Where_no_address_for_it_is_set_there_is_no_gRPC()
    {
        await using var gateway = await RunningGateway.StartAsync([], [.. TwoEndpoints, "--Gateway:Services:1=funding", "--services:funding:http:0=http://127.0.0.1:1"]);
        using var http = new HttpClient { BaseAddress = gateway.Http2 };

        using var answer = await http.SendAsync(Call(), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    private static string[] Funding(WebApplication service) =>
        ["--Gateway:Services:1=funding", "--services:funding:http:0=http://127.0.0.1:1", $"--services:funding:grpc:0={service.Urls.Single()}"];

    private static HttpRequestMessage Call(string? token = null, int length = 0)
    {
        var call = new HttpRequestMessage(HttpMethod.Post, Path)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new StringContent(length == 0 ? "hello" : new string('x', length)),
        };
        call.Content.Headers.ContentType = new("application/grpc");
        call.Headers.Add("te", "trailers");
        call.Headers.Add("idempotency-key", "k-1");
        if (token is not null)
            call.Headers.Authorization = new("Bearer", token);
        return call;
    }

    // As a service answers a call: what it says of its end comes after the body.
    private static async Task<WebApplication> StartServiceAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.Zero);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, endpoint => endpoint.Protocols = HttpProtocols.Http2));
        var app = builder.Build();
        app.MapFallback("{**path}", async (HttpContext http) =>
        {
            using var reader = new StreamReader(http.Request.Body);
            var body = await reader.ReadToEndAsync(http.RequestAborted);
            var request = http.Request;
            await http.Response.WriteAsync(
                $"{request.Protocol} {request.Method} {request.Path} {request.Headers["Idempotency-Key"]} {request.Headers.TE} {body}", http.RequestAborted);
            http.Response.AppendTrailer("grpc-status", "9");
        });
        await app.StartAsync();
        return app;
    }
}
