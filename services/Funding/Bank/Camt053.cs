using System.Globalization;
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
/// <param name="OpenedOn">The first day that it is of.</param>
/// <param name="ClosedOn">The day of the balance after.</param>
/// <param name="Entries">Its bookings; none is matched yet.</param>
/// <param name="Warning">What is odd in it, for a person; null: nothing.</param>
public sealed record StatementFile(
    string Iban,
    string Id,
    string? Sequence,
    Money Opening,
    Money Closing,
    DateOnly OpenedOn,
    DateOnly ClosedOn,
    IReadOnlyList<BankEntry> Entries,
    string? Warning = null);

/// <summary>Reads bank statements (ISO 20022: camt.053.001.02 to 14), in EUR. A wrong file is refused whole.</summary>
internal sealed partial class Camt053
{
    /// <summary>How large a file may be, in bytes.</summary>
    public const int LargestFile = 1024 * 1024;

    private const int MostEntries = 1000;
    private const int LongestText = 140;

    // Banks give a year in one file, with a statement for each day.
    private const int MaxStatements = 400;

    // So many days are told in a warning.
    private const int MaxDays = 3;
    private const int OldestVersion = 2;
    private const int NewestVersion = 14;
    private const string Messages = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.";
    private readonly XNamespace _ns;
    private readonly DateOnly _today;

    private Camt053(XNamespace ns, DateOnly today) => (_ns, _today) = (ns, today);

    /// <summary>Reads a file.</summary>
    /// <param name="file">Its bytes.</param>
    /// <param name="charset">The encoding that its Content-Type names; null: none.</param>
    /// <param name="today">The last day that a bank can have booked on.</param>
    /// <returns>Its statements, one or more.</returns>
    /// <exception cref="RefusedException">422: it has no such statements, with the line and why.</exception>
    public static IReadOnlyList<StatementFile> Read(byte[] file, string? charset, DateOnly today)
    {
        var root = BankXml.Read(file, charset);
        return root.Name.LocalName == "Document" && IsRead(root.Name.NamespaceName)
            ? new Camt053(root.Name.Namespace, today).Statements(root)
            : throw Wrong(
                root, $"This is no Document of camt.053.001.{OldestVersion:00} to camt.053.001.{NewestVersion:00}.");
    }

    private static bool IsRead(string message) =>
        Enumerable.Range(OldestVersion, NewestVersion - OldestVersion + 1).Any(v => message == $"{Messages}{v:00}")
        || Austrian().IsMatch(message);

    private IReadOnlyList<StatementFile> Statements(XElement root)
    {
        var whole = One(root, "BkToCstmrStmt");
        var statements = whole.Elements(_ns + "Stmt").ToList();
        if (statements.Count is 0 or > MaxStatements)
            throw Wrong(whole, $"A file has 1 to {MaxStatements} statements; this one has {statements.Count}.");
        IReadOnlyList<StatementFile> read = [.. statements.Select(Statement)];
        return read.Sum(s => s.Entries.Count) <= MostEntries
            ? read
            : throw Wrong(whole, $"A file has at most {MostEntries} entries.");
    }

    private StatementFile Statement(XElement statement)
    {
        var account = Account(statement);
        if (Ibans.WhyNot(Ibans.Tidied(account.Value)) is { } why)
            throw Wrong(account, why);
        var all = statement.Elements(_ns + "Ntry").ToList();
        var (from, to) = (Balance(statement, "OPBD", "PRCD"), Balance(statement, "CLBD"));
        var closedOn = Day(Maybe(to, "Dt") ?? Maybe(statement, "FrToDt", "ToDtTm") ?? One(to, "Dt"));
        var lines = all.SelectMany(entry => Lines(entry, closedOn)).Take(MostEntries + 1).ToList();
        if (lines.Count > MostEntries)
            throw Wrong(statement, $"A file has at most {MostEntries} entries.");
        CheckDays(all.Where(IsBooked), closedOn);
        CheckSummary(statement, all);
        if (Maybe(from, "Dt") is { } before && Maybe(to, "Dt") is { } after && Day(after) < Day(before))
            throw Wrong(after, $"The closing balance is of {Day(after):yyyy-MM-dd}, the opening balance of {Day(before):yyyy-MM-dd}, which is later.");
        var (opening, closing) = (Signed(from), Signed(to));
        var moved = lines.Where(l => l.Status != EntryStatus.Notice)
            .Sum(l => l.IsOutgoing ? -l.Amount.Amount : l.Amount.Amount);
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
            OpenedOn(statement, from, closedOn),
            closedOn,
            [.. lines.Select((line, i) => line with { Number = i + 1 })],
            OtherDays(statement, lines));
    }

    // The opening balance may be of the day that the statement before closed on: the days between had no entries.
    private DateOnly OpenedOn(XElement statement, XElement opening, DateOnly closedOn)
    {
        XElement?[] days = [Maybe(statement, "FrToDt", "FrDtTm"), Maybe(opening, "Dt")];
        return days.OfType<XElement>().Select(Day).DefaultIfEmpty(closedOn).Min();
    }

    // Some banks give the IBAN as another identification.
    private XElement Account(XElement statement) =>
        Maybe(statement, "Acct", "Id", "Othr", "Id") is { } other && Ibans.IsValid(Ibans.Tidied(other.Value))
            ? other
            : One(statement, "Acct", "Id", "IBAN");

    // A bank books on no day to come.
    private void CheckDays(IEnumerable<XElement> booked, DateOnly closedOn)
    {
        foreach (var entry in booked)
        {
            if (BookedOn(entry, closedOn) is var day && day > _today)
            {
                throw Wrong(
                    Maybe(entry, "BookgDt") ?? entry,
                    $"An entry is booked by today, {_today:yyyy-MM-dd}, and not on {day:yyyy-MM-dd}.");
            }
        }
    }

    // Banks list entries of days just before the statement's own; the balances show that none is missing.
    private string? OtherDays(XElement statement, IEnumerable<BankEntry> lines)
    {
        if (Maybe(statement, "FrToDt") is not { } period)
            return null;
        var (from, to) = (Day(One(period, "FrDtTm")), Day(One(period, "ToDtTm")));
        var others = lines.Where(l => l.BankStatus is null && (l.BookedOn < from || l.BookedOn > to))
            .Select(l => l.BookedOn).Distinct().Order().ToList();
        if (others.Count == 0)
            return null;
        var days = string.Join(", ", others.Take(MaxDays).Select(day => $"{day:yyyy-MM-dd}"));
        var more = others.Count > MaxDays ? " and other days" : "";
        return $"It is of {from:yyyy-MM-dd} to {to:yyyy-MM-dd}, and has entries of {days}{more}.";
    }

    // The sum of all entries is not looked at: some banks give what came in and
    // went out together, others the difference.
    private void CheckSummary(XElement statement, IReadOnlyList<XElement> all)
    {
        var byDebit = all.ToLookup(IsDebit);
        CheckSummary(statement, "TtlNtries", all, hasSum: false);
        CheckSummary(statement, "TtlCdtNtries", [.. byDebit[false]], hasSum: true);
        CheckSummary(statement, "TtlDbtNtries", [.. byDebit[true]], hasSum: true);
    }

    // Some banks count what is not booked, others do not.
    private void CheckSummary(XElement statement, string name, IReadOnlyList<XElement> entries, bool hasSum)
    {
        var booked = entries.Where(IsBooked).ToList();
        if (Maybe(statement, "TxsSummry", name, "NbOfNtries") is { } number
            && !(int.TryParse(number.Value.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
                && (count == entries.Count || count == booked.Count)))
        {
            var among = booked.Count == entries.Count ? "" : $", {booked.Count} of them booked";
            throw Wrong(
                number, $"The statement has {entries.Count} such entries{among}, and not as many as its summary says.");
        }

        var (sum, wholeSum) = (booked.Sum(e => Cents(One(e, "Amt"))), entries.Sum(e => Cents(One(e, "Amt"))));
        if (hasSum && Maybe(statement, "TxsSummry", name, "Sum") is { } said
            && Total(said) is var total && total != sum && total != wholeSum)
            throw Wrong(said, $"These entries are {Text(sum)}, and not {Text(total)} as the summary says.");
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
    private IEnumerable<BankEntry> Lines(XElement entry, DateOnly closedOn)
    {
        var transactions = entry.Elements(_ns + "NtryDtls").Elements(_ns + "TxDtls").ToList();
        var line = Whole(entry, closedOn) with { Text = Extra(entry) ?? Words(transactions) };
        if (transactions.Count == 1)
            return [Detailed(line, transactions[0])];
        // Some banks begin with one of the whole booking, without an amount.
        var parts = transactions.Where(t => Amount(t) is not null).ToList();
        if (line.Status == EntryStatus.Notice || Amounts(parts, line) is not { } amounts)
            return [line];
        return parts.Select((transaction, i) => Detailed(
            line with
            {
                Amount = Money.Eur(amounts[i]),
                BankTransaction = line.BankTransaction is { } bank
                    ? string.Create(CultureInfo.InvariantCulture, $"{bank}{BookedTransaction.Part}{i + 1}")
                    : null,
            },
            transaction));
    }

    private BankEntry Whole(XElement entry, DateOnly closedOn)
    {
        var (cents, isBooked) = (Cents(One(entry, "Amt")), IsBooked(entry));
        return new BankEntry(
            0,
            isBooked ? BookedOn(entry, closedOn) : AnnouncedFor(entry, closedOn),
            Money.Eur(cents),
            IsDebit(entry),
            IsReversal(entry),
            EndToEndId: null,
            Reference: null,
            Counterparty: null,
            Text: null,
            isBooked && cents != 0 ? EntryStatus.Open : EntryStatus.Notice,
            BankTransaction: BanksOwn(Maybe(entry, "AcctSvcrRef")),
            BankStatus: isBooked ? null : Status(entry));
    }

    // Banks need not say it. What is in the closing balance was booked by its day, whatever day it is valued on.
    private DateOnly BookedOn(XElement entry, DateOnly closedOn) =>
        Maybe(entry, "BookgDt") is { } at ? Day(at)
        : Maybe(entry, "ValDt") is { } valued && Day(valued) is var day && day < closedOn ? day
        : closedOn;

    private DateOnly AnnouncedFor(XElement entry, DateOnly closedOn) =>
        (Maybe(entry, "BookgDt") ?? Maybe(entry, "ValDt")) is { } at ? Day(at) : closedOn;

    private XElement? Amount(XElement transaction) =>
        Maybe(transaction, "Amt") ?? Maybe(transaction, "AmtDtls", "TxAmt", "Amt");

    // What each transaction is; null where one goes the other way, or they do not add up.
    private IReadOnlyList<long>? Amounts(IReadOnlyList<XElement> transactions, BankEntry line)
    {
        var amounts = transactions.Select(Amount).OfType<XElement>().ToList();
        if (amounts is [] || amounts.Exists(a => a.Attribute("Ccy")?.Value != "EUR")
            || transactions.Any(t => Maybe(t, "CdtDbtInd") is not null && IsDebit(t) != line.IsOutgoing))
            return null;
        IReadOnlyList<long> cents = [.. amounts.Select(Cents)];
        return cents.Sum() == line.Amount.Amount ? cents : null;
    }

    private BankEntry Detailed(BankEntry line, XElement transaction)
    {
        var canBeContribution = line is { IsOutgoing: false, IsReversal: false };
        var (reference, reason) = MatchEntries.Reference(References(transaction), canBeContribution);
        var id = Plain(Maybe(transaction, "Refs", "EndToEndId")?.Value);
        return line with
        {
            EndToEndId = id is { Length: > 0 and <= 35 } and not "NOTPROVIDED" ? id : null,
            Reference = reference,
            Reason = reason,
            Counterparty = line.IsOutgoing ? Party(transaction, "Cdtr") : Party(transaction, "Dbtr"),
            Text = Words([transaction]) ?? line.Text,
            BankTransaction = line.BankTransaction ?? BanksOwn(Maybe(transaction, "Refs", "AcctSvcrRef")),
        };
    }

    private IReadOnlyList<string> References(XElement transaction) =>
    [
        .. transaction.Elements(_ns + "RmtInf").Elements(_ns + "Strd")
            .Elements(_ns + "CdtrRefInf").Elements(_ns + "Ref")
            .Select(r => Plain(r.Value)).OfType<string>(),
    ];

    // The payer's words; where there are none, those beside the references, or the bank's own.
    private string? Words(IReadOnlyList<XElement> transactions)
    {
        var remittances = transactions.Elements(_ns + "RmtInf").ToList();
        return Joined(remittances.Elements(_ns + "Ustrd"))
            ?? Joined(remittances.Elements(_ns + "Strd").Elements(_ns + "AddtlRmtInf"))
            ?? Joined(transactions.Elements(_ns + "AddtlTxInf"));

        static string? Joined(IEnumerable<XElement> elements) => Plain(string.Join(' ', elements.Select(e => e.Value)));
    }

    private bool IsBooked(XElement entry) => Status(entry) == "BOOK";

    private string Status(XElement entry)
    {
        // A code by itself until version 07. A statement is of what is booked, and the balances show whether it was.
        if ((Maybe(entry, "Sts", "Cd") ?? Maybe(entry, "Sts")) is not { } status)
            return "BOOK";
        return status.Value.Trim() is "BOOK" or "PDNG" or "INFO" or "FUTR"
            ? status.Value.Trim()
            : throw Wrong(status, "Sts is BOOK, PDNG, INFO or FUTR.");
    }

    // The bank's reference in the form in which it is given by hand, too; banks that have none write that in words.
    private static string? BanksOwn(XElement? reference) =>
        string.Concat((reference?.Value ?? "").Where(c => !char.IsWhiteSpace(c))) is var text
        && BankId().IsMatch(text) && text is not ("NONREF" or "NOTPROVIDED")
            ? text
            : null;

    // Who it is, or for whom that one acts; a person, or a bank.
    private string? Party(XElement transaction, string who)
    {
        var parties = transaction.Elements(_ns + "RltdPties").ToList();
        return parties.Elements(_ns + who).Concat(parties.Elements(_ns + $"Ultmt{who}"))
            .SelectMany(p => (XElement?[])[Maybe(p, "Nm"), Maybe(p, "Pty", "Nm"), Maybe(p, "Agt", "FinInstnId", "Nm")])
            .Select(name => Plain(name?.Value))
            .FirstOrDefault(name => name is not null);
    }

    private string? Extra(XElement entry) => Plain(Maybe(entry, "AddtlNtryInf")?.Value);

    private bool IsDebit(XElement at)
    {
        var indicator = One(at, "CdtDbtInd");
        return indicator.Value.Trim() switch
        {
            "DBIT" => true,
            "CRDT" => false,
            _ => throw Wrong(indicator, "CdtDbtInd is CRDT or DBIT."),
        };
    }

    private bool IsReversal(XElement entry) => Maybe(entry, "RvslInd") is { } flag && flag.Value.Trim() switch
    {
        "true" or "1" => true,
        "false" or "0" => false,
        _ => throw Wrong(flag, "RvslInd is true or false."),
    };

    private DateOnly Day(XElement at)
    {
        var written = Maybe(at, "Dt") ?? Maybe(at, "DtTm") ?? at;
        return DayOf(written.Value.Trim()) is { Year: > 1999 and < 2100 } day
            ? day
            : throw Wrong(at, $"{at.Name.LocalName} is no day like 2026-11-25 or 2026-11-25T14:30:00+01:00.");
    }

    // A moment with its offset is of the day that it has in Ljubljana; one without is of the day that the bank wrote.
    private static DateOnly? DayOf(string text)
    {
        if (WrittenDay().Match(text) is not { Success: true } match)
            return null;
        // How XML writes the end of a day.
        var time = match.Groups["time"].Value is var clock && clock == "T24:00:00" ? "T23:59:59" : clock;
        var (hasOffset, offset) = (match.Groups["offset"].Success && time.Length > 0, match.Groups["offset"].Value);
        return DateTimeOffset.TryParseExact(
            $"{match.Groups["day"].Value}{(time.Length > 0 ? time : "T00:00:00")}{(hasOffset ? offset : "Z")}",
            "yyyy-MM-ddTHH:mm:ssK", CultureInfo.InvariantCulture, DateTimeStyles.None, out var moment)
            ? hasOffset ? BusinessDate.Of(moment) : DateOnly.FromDateTime(moment.DateTime)
            : null;
    }

    private static long Cents(XElement amount)
    {
        var currency = amount.Attribute("Ccy")?.Value;
        if (currency == "EUR")
            return Number(amount, amount.Value.Trim());
        var other = currency is { Length: 3 } ? $"is in {Plain(currency)}" : "has no Ccy that says so";
        throw Wrong(amount, $"Amounts are in EUR, and this one {other}.");
    }

    // Some banks give the debits' total a sign.
    private static long Total(XElement sum) =>
        Number(sum, sum.Value.Trim() is ['-', .. var unsigned] ? unsigned : sum.Value.Trim());

    private static long Number(XElement amount, string written) =>
        Form().Match(written) is { Success: true } match
            ? long.Parse(
                $"0{match.Groups["euro"].Value}{match.Groups["cents"].Value.PadRight(2, '0')}",
                CultureInfo.InvariantCulture)
            : throw Wrong(
                amount,
                $"{amount.Name.LocalName} is no amount of whole cents like 1234.50, below 10,000,000,000,000 EUR.");

    private XElement One(XElement at, params string[] path) => Maybe(at, path) ?? throw Wrong(at, $"{at.Name.LocalName} has no {string.Join('/', path)}.");

    private XElement? Maybe(XElement at, params string[] path) => path.Aggregate((XElement?)at, (element, name) => element?.Element(_ns + name));

    private static string Short(XElement element, int longest) =>
        Plain(element.Value) is { } text && text.Length <= longest
            ? text
            : throw Wrong(element, $"{element.Name.LocalName} has 1 to {longest} characters.");

    // What people wrote is shown to a person: one line, and not for ever. A treasurer cannot correct a bank's file, so
    // nothing in it is refused for its characters.
    private static string? Plain(string? text)
    {
        var words = ServiceDefaults.Text.Cleaned(
            string.Join(' ', (text ?? "").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)));
        // Not in the middle of a character that is a pair.
        var length = words.Length <= LongestText ? words.Length : char.IsHighSurrogate(words[LongestText - 1]) ? LongestText - 1 : LongestText;
        return length == 0 ? null : words[..length];
    }

    private static string Text(long cents) => PlanRow.Text(Money.Eur(cents));

    private static RefusedException Wrong(XObject at, string why) => BankXml.Wrong(((IXmlLineInfo)at).LineNumber, why);

    // Austria's banks write version 02 in a namespace of their own.
    [GeneratedRegex(@"^ISO:camt\.053\.001\.02:APC:STUZZA:payments:[0-9]{3}\z", RegexOptions.None, 1000)]
    private static partial Regex Austrian();

    [GeneratedRegex($@"^{ReceiptRequest.BankId}\z", RegexOptions.None, 1000)]
    private static partial Regex BankId();

    [GeneratedRegex(
        @"^(?<day>[0-9]{4}-[0-9]{2}-[0-9]{2})((?<time>T[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,12})?)?"
        + @"(?<offset>Z|[+-][0-9]{2}:[0-9]{2})?\z",
        RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex WrittenDay();

    // As XML writes decimal numbers.
    [GeneratedRegex(
        @"^\+?(?=\.?[0-9])0*(?<euro>[0-9]{0,13})(\.(?<cents>[0-9]{0,2})0*)?\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Form();
}
