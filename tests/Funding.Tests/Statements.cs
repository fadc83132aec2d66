using System.Globalization;
using System.Text;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding.Tests;

/// <summary>Bank statements as banks send them, for tests.</summary>
internal static class Statements
{
    public const string Iban = "SI56020170014356205";

    /// <summary>A booking.</summary>
    public sealed record Booking(
        long Cents,
        bool IsOutgoing = true,
        string? EndToEndId = null,
        string? Reference = null,
        string? Name = "Tiskarna d.o.o.",
        string? BankTransaction = null,
        string Status = "BOOK");

    /// <summary>A file of version 02 or 08 that adds up.</summary>
    public static string File(string version, string id, long opening, params Booking[] bookings)
    {
        var closing = opening + bookings.Where(b => b.Status == "BOOK").Sum(b => b.IsOutgoing ? -b.Cents : b.Cents);
        return $"""
            <?xml version="1.0" encoding="UTF-8"?>
            <Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}">
            <BkToCstmrStmt><GrpHdr><MsgId>m</MsgId><CreDtTm>2026-11-25T06:00:00</CreDtTm></GrpHdr>
            <Stmt><Id>{id}</Id><ElctrncSeqNb>17</ElctrncSeqNb><CreDtTm>2026-11-25T06:00:00</CreDtTm>
            <Acct><Id><IBAN>{Iban}</IBAN></Id><Ccy>EUR</Ccy></Acct>
            {Balance("OPBD", opening)}
            {Balance("CLBD", closing)}
            {string.Join('\n', bookings.Select(b => Entry(version, b)))}
            </Stmt></BkToCstmrStmt></Document>
            """;
    }

    /// <summary>What a file of one statement says on 2026-11-25.</summary>
    public static StatementFile Read(string file) => Assert.Single(ReadAll(file));

    /// <summary>What a file of several says.</summary>
    public static IReadOnlyList<StatementFile> ReadAll(string file) =>
        Camt053.Read(Encoding.UTF8.GetBytes(file), charset: null, new DateOnly(2026, 11, 25));

    /// <summary>One file of what is in several.</summary>
    public static string Together(params string[] files)
    {
        var (whole, end) = (files.FirstOrDefault() ?? File("08", "1", 0), "</BkToCstmrStmt></Document>");
        int Begin(string file) => file.IndexOf("<Stmt>", StringComparison.Ordinal);
        string Statement(string file) => file[Begin(file)..file.IndexOf(end, StringComparison.Ordinal)];
        return whole[..Begin(whole)] + string.Concat(files.Select(Statement)) + end;
    }

    /// <summary>Why a file is refused on 2026-11-25.</summary>
    public static string WhyNot(string file) => Assert.Throws<RefusedException>(() => Read(file)).Refusal.Reason;

    /// <summary>A file with another text at the first place of one that it has.</summary>
    public static string With(this string file, string old, string changed)
    {
        var at = file.IndexOf(old, StringComparison.Ordinal);
        Assert.True(at >= 0, $"The file has no {old}.");
        return file[..at] + changed + file[(at + old.Length)..];
    }

    public static string Euro(long cents) => (cents / 100m).ToString("0.00", CultureInfo.InvariantCulture);

    private static string Balance(string code, long cents) =>
        $"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">{Euro(Math.Abs(cents))}</Amt><CdtDbtInd>{(cents < 0 ? "DBIT" : "CRDT")}</CdtDbtInd><Dt><Dt>2026-11-24</Dt></Dt></Bal>";

    private static string Entry(string version, Booking b)
    {
        var (who, isOlder) = (b.IsOutgoing ? "Cdtr" : "Dbtr", version == "02");
        var status = isOlder ? b.Status : $"<Cd>{b.Status}</Cd>";
        var bank = b.BankTransaction is null ? "" : $"<AcctSvcrRef>{b.BankTransaction}</AcctSvcrRef>";
        var name = isOlder ? $"<Nm>{b.Name}</Nm>" : $"<Pty><Nm>{b.Name}</Nm></Pty>";
        var reference = b.Reference is null ? "<Ustrd>Plačilo</Ustrd>" : $"<Strd><CdtrRefInf><Ref>{b.Reference}</Ref></CdtrRefInf></Strd>";
        return $"""
            <Ntry><Amt Ccy="EUR">{Euro(b.Cents)}</Amt><CdtDbtInd>{(b.IsOutgoing ? "DBIT" : "CRDT")}</CdtDbtInd><Sts>{status}</Sts>
            <BookgDt><Dt>2026-11-24</Dt></BookgDt>{bank}<NtryDtls><TxDtls><Refs><EndToEndId>{b.EndToEndId ?? "NOTPROVIDED"}</EndToEndId></Refs>
            <RltdPties><{who}>{name}</{who}></RltdPties><RmtInf>{reference}</RmtInf></TxDtls></NtryDtls></Ntry>
            """;
    }
}
