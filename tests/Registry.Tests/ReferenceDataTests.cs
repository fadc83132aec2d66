namespace KkiMesh.Registry.Tests;

public sealed class ReferenceDataTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "data", "gorenjska");

    [Fact]
    public async Task The_region_has_18_municipalities_with_a_seat_in_Gorenjska()
    {
        var data = await Read();

        Assert.Equal(18, data.Municipalities.Municipalities.Count);
        Assert.All(data.Municipalities.Municipalities, m => Assert.True(m.Latitude is > 46 and < 46.6 && m.Longitude is > 13.6 and < 14.6, m.Name));
        Assert.Equal(
            ["003", "004", "012", "027", "041", "052", "053", "082", "095", "102", "117", "122", "131", "146", "147", "163", "192", "207"],
            data.Municipalities.Municipalities.Select(m => m.Code).Order(StringComparer.Ordinal));
        Assert.Equal("Breznica", data.Municipalities.Municipalities.Single(m => m.Name == "Žirovnica").Seat);
    }

    [Fact]
    public async Task The_taxonomy_has_13_fields_in_the_policys_order_and_says_that_this_is_one_reading()
    {
        var fields = (await Read()).Fields;

        Assert.Equal(Profile.TaxonomyFields, fields.Fields.Count);
        Assert.Equal(Enumerable.Range(1, 13), fields.Fields.Select(f => f.Number));
        Assert.Equal(("arhitektura", "drugo umetniško ustvarjanje"), (fields.Fields[0].Sl, fields.Fields[^1].Sl));
        Assert.Contains("13", fields.Note.Sl, StringComparison.Ordinal);
        Assert.Equal("predlog, nepotrjeno", fields.NaceStatus);
    }

    [Fact]
    public async Task A_town_that_the_policy_does_not_say_stays_unknown()
    {
        var data = await Read();

        Assert.Equal(29, data.Organisations.Organisations.Count);
        Assert.Null(data.Organisations.Organisations.Single(o => o.Key == "gorenjski-muzej").Town);
        Assert.Equal("Kranj", data.Organisations.Organisations.Single(o => o.Key == "bsc").Town);
        Assert.Equal(
            ["duo", "kovacnica", "kreativnice", "kulturcafe", "layerjeva-hisa", "lokomotiva", "plavz"],
            data.Places.Places.Select(p => p.Key).Order(StringComparer.Ordinal));
        Assert.All(data.Places.Places, p => Assert.Contains(p.Town, (string[])["Kranj", "Škofja Loka", "Jesenice"]));
    }

    [Theory]
    [InlineData("municipalities.json", "\"003\"", "\"3\"", "not three digits")]
    [InlineData("municipalities.json", "\"004\"", "\"003\"", "003 is there twice")]
    [InlineData("municipalities.json", "46.36859", "146.36859", "nowhere on earth")]
    [InlineData("municipalities.json", "46.36859", "\"north\"", "does not fit at $.municipalities[0].latitude")]
    [InlineData("fields.json", "\"number\": 13", "\"number\": 14", "The field 14")]
    [InlineData("organisations.json", "\"key\": \"mao\"", "\"key\": \"czk\"", "czk is there twice")]
    [InlineData("organisations.json", "\"key\": \"mao\"", "\"key\": \"MAO\"", "'MAO'")]
    [InlineData("places.json", "\"source\"", "\"sources\"", "does not fit")]
    public async Task A_wrong_file_is_refused_whole_with_its_fault(string file, string what, string by, string fault)
    {
        var folder = Directory.CreateTempSubdirectory("registry-").FullName;
        try
        {
            foreach (var given in Directory.GetFiles(Folder))
                File.Copy(given, Path.Combine(folder, Path.GetFileName(given)));
            var text = await File.ReadAllTextAsync(Path.Combine(folder, file));
            Assert.Contains(what, text, StringComparison.Ordinal);
            await File.WriteAllTextAsync(Path.Combine(folder, file), text.Replace(what, by, StringComparison.Ordinal));

            var refused = await Assert.ThrowsAsync<InvalidDataException>(() => ReferenceData.ReadAsync(folder, CancellationToken.None));

            Assert.Contains(fault, refused.Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Task<ReferenceData> Read() => ReferenceData.ReadAsync(Folder, CancellationToken.None);
}
