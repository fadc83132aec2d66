using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;
using KkiMesh.Contracts;
using KkiMesh.ServiceDefaults;

namespace KkiMesh.Funding;

/// <summary>What a statement's file says.</summary>
/// <param name="Iban">The account.</param>
/// <param name="Id">The bank's name for it.</param>
/// <param name="Sequence">The bank's number for it; null where it has none.</param>
/// <param name="Opening">The balance before.</param>
/// <param name="Closing">The balance after.</param>
/// <param name="Entries">Its bookings; none is matched yet.</param>
public sealed record StatementFile(string Iban, string Id, string? Sequence, Money Opening, Money Closing, IReadOnlyList<BankEntry> Entries);

/// <summary>
/// Reads bank statements (ISO 20022: camt.053.001.02 and camt.053.001.08), one in a
/// file, in EUR. A wrong file is refused whole.
/// </summary>
internal sealed partial class Camt053
{
    /// <summary>How large a file may be, in bytes.</summary>
    public const int LargestFile = 1024 * 1024;

    private const int MostEntries = 1000;
    private const int LongestText = 140;
    private static readonly string[] Versions = ["02", "08"];
    private readonly XNamespace _ns;
    private readonly bool _isOlder;
    private readonly DateOnly _today;

    private Camt053(XNamespace ns, bool isOlder, DateOnly today) => (_ns, _isOlder, _today) = (ns, isOlder, today);

    /// <summary>Reads a file.</summary>
    /// <param name="file">Its bytes.</param>
    /// <param name="today">The last day that a bank can have booked on.</param>
    /// <exception cref="RefusedException">422: it is no such statement, with the line and why.</exception>
    public static StatementFile Read(Stream file, DateOnly today)
    {
        // No document type, and so no entity that grows or reads something else.
        var settings = new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null, MaxCharactersInDocument = LargestFile };
        XmlReader? reader = null;
        try
        {
            reader = XmlReader.Create(file, settings);
            var root = XDocument.Load(reader, LoadOptions.SetLineInfo).Root!;
            var version = Versions.FirstOrDefault(v => root.Name == XName.Get("Document", $"urn:iso:std:iso:20022:tech:xsd:camt.053.001.{v}"))
                ?? throw Wrong(root, "This is no Document of camt.053.001.02 or camt.053.001.08.");
            return new Camt053(root.Name.Namespace, version == Versions[0], today).Statement(root);
        }
        catch (XmlException)
        {
            var line = Math.Max(1, (reader as IXmlLineInfo)?.LineNumber ?? 1).ToString(CultureInfo.InvariantCulture);
            throw new RefusedException(Refusal.Invalid("body", $"Line {line}: this is no well-formed XML without a document type."));
        }
        finally
        {
            reader?.Dispose();
        }
    }

    private StatementFile Statement(XElement root)
    {
        var whole = One(root, "BkToCstmrStmt");
        var statements = whole.Elements(_ns + "Stmt").ToList();
        if (statements.Count != 1)
            throw Wrong(whole, $"A file has one statement; this one has {statements.Count}.");
        var statement = statements[0];
        var account = One(statement, "Acct", "Id", "IBAN");
        if (!Ibans.IsValid(Ibans.Tidied(account.Value)))
            throw Wrong(account, "This is no IBAN: its length or its check digits are wrong.");
        var booked = statement.Elements(_ns + "Ntry").ToList();
        var lines = booked.SelectMany(Lines).Take(MostEntries + 1).ToList();
        if (lines.Count > MostEntries)
            throw Wrong(statement, $"A statement has at most {MostEntries} entries.");
        CheckDays(statement, booked);
        CheckSummary(statement, booked);
        var (from, to) = (Balance(statement, "OPBD", "PRCD"), Balance(statement, "CLBD"));
        if (Maybe(from, "Dt") is { } before && Maybe(to, "Dt") is { } after && Day(after) < Day(before))
            throw Wrong(after, $"The closing balance is of {Day(after):yyyy-MM-dd}, the opening balance of {Day(before):yyyy-MM-dd}, which is later.");
        var (opening, closing) = (Signed(from), Signed(to));
        var moved = lines.Sum(l => l.IsOutgoing ? -l.Amount.Amount : l.Amount.Amount);
        if (opening + moved != closing)
        {
            throw Wrong(
                statement,
                $"The opening balance {Text(opening)} and the entries {Text(moved)} are {Text(opening + moved)}, and not the closing balance {Text(closing)}.");
        }

        return new StatementFile(
            Ibans.Tidied(account.Value),
            Short(One(statement, "Id"), 35),
            Maybe(statement, "ElctrncSeqNb") is { } number ? Short(number, 35) : null,
            Money.Eur(opening),
            Money.Eur(closing),
            [.. lines.Select((line, i) => line with { Number = i + 1 })]);
    }

    // A bank books on no day to come; on those that the statement is of, where it says them.
    private void CheckDays(XElement statement, IReadOnlyList<XElement> booked)
    {
        var days = Maybe(statement, "FrToDt") is { } period ? (From: Day(One(period, "FrDtTm")), To: Day(One(period, "ToDtTm"))) : (From: DateOnly.MinValue, To: DateOnly.MaxValue);
        foreach (var at in booked.Select(entry => One(entry, "BookgDt")))
        {
            var day = Day(at);
            if (day > _today)
                throw Wrong(at, $"An entry is booked by today, {_today:yyyy-MM-dd}, and not on {day:yyyy-MM-dd}.");
            if (day < days.From || day > days.To)
                throw Wrong(at, $"The entry is of {day:yyyy-MM-dd}, the statement of {days.From:yyyy-MM-dd} to {days.To:yyyy-MM-dd}.");
        }
    }

    // The sum of all entries is not looked at: some banks give what came in and
    // went out together, others the difference.
    private void CheckSummary(XElement statement, IReadOnlyList<XElement> booked)
    {
        var byDebit = booked.ToLookup(IsDebit);
        foreach (var (name, entries) in ((string, IReadOnlyList<XElement>)[])[("TtlNtries", booked), ("TtlCdtNtries", [.. byDebit[false]]), ("TtlDbtNtries", [.. byDebit[true]])])
        {
            if (Maybe(statement, "TxsSummry", name, "NbOfNtries") is { } number
                && !(int.TryParse(number.Value.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count == entries.Count))
                throw Wrong(number, $"The statement has {entries.Count} such entries, and not as many as its summary says.");
            var sum = entries.Sum(e => Cents(One(e, "Amt")));
            if (name != "TtlNtries" && Maybe(statement, "TxsSummry", name, "Sum") is { } said && Number(said) != sum)
                throw Wrong(said, $"These entries are {Text(sum)}, and not {Text(Number(said))} as the summary says.");
        }
    }

    // The first of these kinds that the statement has.
    private XElement Balance(XElement statement, params string[] codes)
    {
        var balances = statement.Elements(_ns + "Bal").ToLookup(b => Maybe(b, "Tp", "CdOrPrtry", "Cd")?.Value.Trim());
        return codes.SelectMany(code => balances[code]).FirstOrDefault()
            ?? throw Wrong(statement, $"The statement has no balance {string.Join(" or ", codes)}.");
    }

    private long Signed(XElement balance) => IsDebit(balance) ? -Cents(One(balance, "Amt")) : Cents(One(balance, "Amt"));

    // One booking, or each of its transactions where the bank tells their amounts and they add up to it.
    private IEnumerable<BankEntry> Lines(XElement entry)
    {
        var status = _isOlder ? One(entry, "Sts") : One(entry, "Sts", "Cd");
        if (status.Value.Trim() != "BOOK")
            throw Wrong(status, "A statement has booked entries (BOOK) only.");
        var (cents, isOutgoing, isReversal) = (Cents(One(entry, "Amt")), IsDebit(entry), IsReversal(entry));
        if (cents == 0)
            throw Wrong(entry, "An entry is more than zero.");
        var booked = Day(One(entry, "BookgDt"));
        var bank = BanksOwn(entry);
        var transactions = entry.Elements(_ns + "NtryDtls").Elements(_ns + "TxDtls").ToList();
        if (transactions.Count == 1)
            return [Line(transactions[0], cents, bank)];
        var amounts = transactions.Select(t => Maybe(t, "Amt") ?? Maybe(t, "AmtDtls", "TxAmt", "Amt")).ToList();
        if (amounts is [] || amounts.Contains(null) || amounts.Exists(a => a!.Attribute("Ccy")?.Value != "EUR") || amounts.Sum(a => Cents(a!)) != cents)
            return [new BankEntry(0, booked, Money.Eur(cents), isOutgoing, isReversal, null, null, null, Extra(entry), BankTransaction: bank)];
        return transactions.Select((t, i) => Line(t, Cents(amounts[i]!), bank is null ? null : string.Create(CultureInfo.InvariantCulture, $"{bank}{BookedTransaction.Part}{i + 1}")));

        BankEntry Line(XElement transaction, long amount, string? bankTransaction) => new(
            0, booked, Money.Eur(amount), isOutgoing, isReversal,
            Maybe(transaction, "Refs", "EndToEndId")?.Value.Trim() is { Length: > 0 and <= 35 } id && id != "NOTPROVIDED" ? id : null,
            Plain(Maybe(transaction, "RmtInf", "Strd", "CdtrRefInf", "Ref")?.Value),
            Plain((isOutgoing ? Party(transaction, "Cdtr") : Party(transaction, "Dbtr"))?.Value),
            Plain(string.Join(' ', (Maybe(transaction, "RmtInf")?.Elements(_ns + "Ustrd") ?? []).Select(u => u.Value))) ?? Extra(entry),
            BankTransaction: bankTransaction);
    }

    // The bank's reference in the form in which it is given by hand, too; banks that have none write that in words.
    private string? BanksOwn(XElement entry) =>
        string.Concat((Maybe(entry, "AcctSvcrRef")?.Value ?? "").Where(c => !char.IsWhiteSpace(c))) is var text
        && BankId().IsMatch(text) && text is not ("NONREF" or "NOTPROVIDED")
            ? text
            : null;

    private XElement? Party(XElement transaction, string who) =>
        _isOlder ? Maybe(transaction, "RltdPties", who, "Nm") : Maybe(transaction, "RltdPties", who, "Pty", "Nm");

    private string? Extra(XElement entry) => Plain(Maybe(entry, "AddtlNtryInf")?.Value);

    private bool IsDebit(XElement at)
    {
        var indicator = One(at, "CdtDbtInd");
        return indicator.Value.Trim() switch
        {
            "DBIT" => true,
            "CRDT" => false,
            _ => throw Wrong(indicator, "It is CRDT or DBIT."),
        };
    }

    private bool IsReversal(XElement entry) => Maybe(entry, "RvslInd") is { } flag && flag.Value.Trim() switch
    {
        "true" or "1" => true,
        "false" or "0" => false,
        _ => throw Wrong(flag, "It is true or false."),
    };

    private DateOnly Day(XElement at)
    {
        var text = (Maybe(at, "Dt") ?? Maybe(at, "DtTm") ?? at).Value.Trim();
        var isDay = DateOnly.TryParseExact(text.Length > 10 ? text[..10] : text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day);
        return isDay && day.Year is > 1999 and < 2100
            ? day
            : throw Wrong(at, "It is no day like 2026-11-25.");
    }

    private static long Cents(XElement amount)
    {
        if (amount.Attribute("Ccy")?.Value != "EUR")
            throw Wrong(amount, "Amounts are in EUR.");
        return Number(amount);
    }

    private static long Number(XElement amount) =>
        Form().Match(amount.Value.Trim()) is { Success: true } match
            ? long.Parse(match.Groups["euro"].Value + match.Groups["cents"].Value.PadRight(2, '0'), CultureInfo.InvariantCulture)
            : throw Wrong(amount, "It is no amount of whole cents, below 10,000,000,000,000 EUR.");

    private XElement One(XElement at, params string[] path) => Maybe(at, path) ?? throw Wrong(at, $"{at.Name.LocalName} has no {string.Join('/', path)}.");

    private XElement? Maybe(XElement at, params string[] path) => path.Aggregate((XElement?)at, (element, name) => element?.Element(_ns + name));

    private static string Short(XElement element, int longest) =>
        Plain(element.Value) is { } text && text.Length <= longest ? text : throw Wrong(element, $"It has 1 to {longest} characters.");

    // What people wrote is shown to a person: one line, and not for ever.
    private static string? Plain(string? text)
    {
        var words = string.Join(' ', (text ?? "").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        // Not in the middle of a character that is a pair.
        var length = words.Length <= LongestText ? words.Length : char.IsHighSurrogate(words[LongestText - 1]) ? LongestText - 1 : LongestText;
        return length == 0 ? null : words[..length];
    }

    private static string Text(long cents) => PlanRow.Text(Money.Eur(cents));

    private static RefusedException Wrong(XObject at, string why) =>
        new(Refusal.Invalid("body", $"Line {((IXmlLineInfo)at).LineNumber.ToString(CultureInfo.InvariantCulture)}: {why}"));

    [GeneratedRegex($@"^{ReceiptRequest.BankId}\z", RegexOptions.None, 1000)]
    private static partial Regex BankId();

    [GeneratedRegex(@"^(?<euro>[0-9]{1,13})(\.(?<cents>[0-9]{0,2})0*)?\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Form();
}
