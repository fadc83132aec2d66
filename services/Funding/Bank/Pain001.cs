using System.Globalization;
using System.Text;
using System.Xml;
using System.Xml.Linq;
using KkiMesh.Contracts;

namespace KkiMesh.Funding;

/// <summary>Writes payment orders (ISO 20022: pain.001.001.03 and pain.001.001.09) as SEPA credit transfers.</summary>
internal static class Pain001
{
    /// <summary>How long a name is at most.</summary>
    public const int MaxName = 70;

    /// <summary>How long it is at most what a payment is for.</summary>
    public const int MaxText = 140;

    private sealed class Utf8Writer : StringWriter
    {
        public override Encoding Encoding => Encoding.UTF8;
    }

    /// <summary>The file of an order: the same bytes for the same order.</summary>
    /// <param name="order">The order's id.</param>
    /// <param name="at">When it was made; UTC.</param>
    /// <param name="version">Which version of the message.</param>
    /// <param name="from">The account that pays.</param>
    /// <param name="executeOn">The day that the bank is asked to pay on.</param>
    /// <param name="lines">The payments; one or more.</param>
    public static string Write(Guid order, DateTimeOffset at, PainVersion version, OwnAccount from, DateOnly executeOn, IReadOnlyList<OrderLine> lines)
    {
        XNamespace ns = $"urn:iso:std:iso:20022:tech:xsd:pain.001.001.{(version == PainVersion.V03 ? "03" : "09")}";
        var (id, count) = (order.ToString("N"), lines.Count.ToString(CultureInfo.InvariantCulture));
        var sum = Euro(lines.Aggregate(Money.Eur(0), (total, l) => total.Plus(l.Amount)));
        var document = E("Document",
            E("CstmrCdtTrfInitn",
                E("GrpHdr",
                    E("MsgId", id),
                    E("CreDtTm", at.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture)),
                    E("NbOfTxs", count),
                    E("CtrlSum", sum),
                    E("InitgPty", E("Nm", SepaText.Of(from.Holder, MaxName)))),
                E("PmtInf",
                    E("PmtInfId", id),
                    E("PmtMtd", "TRF"),
                    // Each payment is booked by itself, so that the statement names it.
                    E("BtchBookg", "false"),
                    E("NbOfTxs", count),
                    E("CtrlSum", sum),
                    E("PmtTpInf", E("SvcLvl", E("Cd", "SEPA"))),
                    version == PainVersion.V03 ? E("ReqdExctnDt", Day(executeOn)) : E("ReqdExctnDt", E("Dt", Day(executeOn))),
                    E("Dbtr", E("Nm", SepaText.Of(from.Holder, MaxName))),
                    E("DbtrAcct", E("Id", E("IBAN", from.Iban))),
                    E("DbtrAgt", E("FinInstnId", from.Bic is { } bic ? Bic(bic) : E("Othr", E("Id", "NOTPROVIDED")))),
                    E("ChrgBr", "SLEV"),
                    lines.Select(Transfer))));
        return Text(document);

        XElement E(string name, params object?[] content) => new(ns + name, content);

        XElement Bic(string bic) => E(version == PainVersion.V03 ? "BIC" : "BICFI", bic);

        XElement Transfer(OrderLine line) => E("CdtTrfTxInf",
            E("PmtId", E("EndToEndId", line.PaymentId.ToString("N"))),
            E("Amt", E("InstdAmt", new XAttribute("Ccy", "EUR"), Euro(line.Amount))),
            line.To.Bic is { } bic ? E("CdtrAgt", E("FinInstnId", Bic(bic))) : null,
            E("Cdtr", E("Nm", SepaText.Of(line.To.Holder, MaxName))),
            E("CdtrAcct", E("Id", E("IBAN", line.To.Iban))),
            E("RmtInf", E("Ustrd", SepaText.Of(line.Text, MaxText))));
    }

    private static string Day(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static string Euro(Money money) => string.Create(CultureInfo.InvariantCulture, $"{money.Amount / 100}.{money.Amount % 100:00}");

    private static string Text(XElement document)
    {
        using var text = new Utf8Writer();
        using (var writer = XmlWriter.Create(text, new XmlWriterSettings { Indent = true, NewLineChars = "\n" }))
            document.Save(writer);
        return text + "\n";
    }
}
