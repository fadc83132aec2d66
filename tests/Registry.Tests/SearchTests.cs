using System.Net;
using KkiMesh.TestKit;
using Marten;
using Microsoft.Extensions.DependencyInjection;

namespace KkiMesh.Registry.Tests;

/// <summary>Finding subjects in the real database.</summary>
[Collection(WithRegistry.Name)]
public sealed class SearchTests(RunningRegistry registry)
{
    [Theory]
    [InlineData("caj")]
    [InlineData("čaj")]
    [InlineData("ČAJ")]
    [InlineData("c\u030caj")]
    [InlineData("cajn")]
    [InlineData("hiša čaj")]
    [InlineData("HISA, cajn!")]
    [InlineData("zeliscni napitki")]
    [InlineData("sveže nabrano")]
    [InlineData("degustac")]
    public async Task Words_are_found_with_and_without_their_marks_in_every_part_of_a_profile(string q)
    {
        using var client = registry.Client();
        if ((await client.Names("q=degustacije")).Length == 0)
            await client.PublishAsync(Subjects.Profile("Čajna hiša Šebenik", "Čaji, sveže nabrani nad Kranjem: sveže nabrano.", ["zeliščni napitki"], ["degustacije"], ["porcelan"]));

        Assert.Contains("Čajna hiša Šebenik", await client.Names($"q={Uri.EscapeDataString(q)}"));
    }

    [Theory]
    [InlineData("bedrok glina kip")]
    [InlineData("drok")]
    [InlineData("bedr kiparstvo")]
    [InlineData("porcelanka")]
    public async Task Every_word_must_be_there_and_only_the_last_may_be_begun(string q)
    {
        using var client = registry.Client();
        await client.PublishAsync(Subjects.Profile("Bedrok", "Kiparstvo", looksFor: ["porcelanka"]));

        Assert.NotEmpty(await client.Names("q=bedrok%20kip"));
        Assert.Empty(await client.Names($"q={Uri.EscapeDataString(q)}"));
    }

    [Fact]
    public async Task The_better_match_comes_first_and_ties_are_in_a_fixed_order()
    {
        using var client = registry.Client();
        await client.PublishAsync(Subjects.Profile("V opisu", "nekaj o lutkah: lutka"));
        await client.PublishAsync(Subjects.Profile("V ponudbi", offers: ["lutka"]));
        await client.PublishAsync(Subjects.Profile("Lutka"));
        await client.PublishAsync(Subjects.Profile("Lutka"));
        await client.PublishAsync(Subjects.Profile("Lutkarna"));

        var found = await client.GetAsync($"{Subjects.Path}?q=lutka");
        var names = found.Body!["items"]!.AsArray().Select(s => (string)s!["profile"]!["name"]!).ToList();

        Assert.Equal(["Lutka", "Lutka", "Lutkarna", "V ponudbi", "V opisu"], names);
        var ids = found.Body["items"]!.AsArray().Take(2).Select(s => (string)s!["id"]!).ToList();
        Assert.Equal(ids.OrderDescending(StringComparer.Ordinal), ids);
        Assert.Equal(["Lutkarna", "V ponudbi"], await client.Names("q=LUTKA&pageSize=2&page=2"));
        Assert.Equal(5, (int)found.Body["total"]!);
    }

    [Theory]
    [InlineData("'")]
    [InlineData("\\")]
    [InlineData("a:*")]
    [InlineData("& | !")]
    [InlineData("!!a")]
    [InlineData("a <-> b")]
    [InlineData("(((")]
    [InlineData("a'; drop table mt_doc_subject; --")]
    [InlineData("%00%27")]
    [InlineData("☂ \U0001F3A8")]
    [InlineData(" ")]
    [InlineData("x@example.org http://example.org/a?b=c -1.5e10 a/b")]
    [InlineData("?? ^ ~ $1 {0} @p0 :p0")]
    public async Task Nothing_that_is_asked_breaks_the_query(string q)
    {
        using var client = registry.Client();

        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync($"{Subjects.Path}?q={Uri.EscapeDataString(q)}")).Status);
    }

    [Fact]
    public async Task What_is_asked_has_1_to_100_characters()
    {
        using var client = registry.Client();

        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync($"{Subjects.Path}?q={new string('č', 100)}")).Status);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync($"{Subjects.Path}?q={string.Concat(Enumerable.Repeat("%EF%B7%BA", 100))}")).Status);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync($"{Subjects.Path}?q=%FF%FE%ED%A0%80")).Status);
        var tooLong = await client.GetAsync($"{Subjects.Path}?q={new string('č', 101)}");
        Assert.Equal(HttpStatusCode.BadRequest, tooLong.Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await client.GetAsync($"{Subjects.Path}?q=a%00b")).Status);
        Assert.NotNull(tooLong.Body!["errors"]!["q"]);
        Assert.Equal(HttpStatusCode.BadRequest, (await client.GetAsync($"{Subjects.Path}?q=")).Status);
    }

    [Fact]
    public async Task The_schema_stays_as_it_is_with_a_second_start_and_searching_uses_its_index()
    {
        var store = registry.Services.GetRequiredService<IDocumentStore>();
        await store.Storage.Database.AssertDatabaseMatchesConfigurationAsync();

        await using var session = store.QuerySession("gorenjska");
        var command = SearchText.Find(session.Query<Subject>().Where(s => s.AnyTenant()), "caj").ToCommand();
        await using var connection = await registry.Services.GetRequiredService<Npgsql.NpgsqlDataSource>().OpenConnectionAsync();
        await using (var off = new Npgsql.NpgsqlCommand("set enable_seqscan = off", connection))
            await off.ExecuteNonQueryAsync();
        command.Connection = connection;
        command.CommandText = "explain " + command.CommandText;
        await using var reader = await command.ExecuteReaderAsync();
        var plan = "";
        while (await reader.ReadAsync())
            plan += reader.GetString(0) + "\n";
        Assert.True(plan.Contains("idx_fts", StringComparison.Ordinal), plan);
    }
}
