using System.Globalization;
using System.Xml.Linq;
using CsCheck;
using KkiMesh.Contracts;

namespace KkiMesh.Funding.Tests;

/// <summary>
/// The files that a bank takes. What is written down here was valid by ISO's schema
/// of 03 and the EPC's of 09 (EPC132-08, 2025).
/// </summary>
public sealed class Pain001Tests
{
    private static readonly Guid Order = Guid.Parse("0190c0de-0000-7000-8000-00000000000a");
    private static readonly DateTimeOffset At = new(2026, 11, 25, 9, 0, 0, TimeSpan.Zero);
    private static readonly OrderLine[] Lines =
    [
        new(Guid.Parse("0190c0de-0000-7000-8000-000000000001"), Money.Eur(123_456), new BankAccount("SI56263300012039086", "Črt & Žiga <d.o.o.>", "LJBASI2X"), "U3-P4 410-1/2026"),
        new(Guid.Parse("0190c0de-0000-7000-8000-000000000002"), Money.Eur(5), new BankAccount("GB82WEST12345698765432", "Ana"), "U3-P4 410-2/2026"),
    ];

    [Fact]
    public void Version_09_is_written_just_so() => Assert.Equal(
        """
        <?xml version="1.0" encoding="utf-8"?>
        <Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09">
          <CstmrCdtTrfInitn>
            <GrpHdr>
              <MsgId>0190c0de00007000800000000000000a</MsgId>
              <CreDtTm>2026-11-25T09:00:00Z</CreDtTm>
              <NbOfTxs>2</NbOfTxs>
              <CtrlSum>1234.61</CtrlSum>
              <InitgPty>
                <Nm>Regijska agencija</Nm>
              </InitgPty>
            </GrpHdr>
            <PmtInf>
              <PmtInfId>0190c0de00007000800000000000000a</PmtInfId>
              <PmtMtd>TRF</PmtMtd>
              <BtchBookg>false</BtchBookg>
              <NbOfTxs>2</NbOfTxs>
              <CtrlSum>1234.61</CtrlSum>
              <PmtTpInf>
                <SvcLvl>
                  <Cd>SEPA</Cd>
                </SvcLvl>
              </PmtTpInf>
              <ReqdExctnDt>
                <Dt>2026-11-26</Dt>
              </ReqdExctnDt>
              <Dbtr>
                <Nm>Regijska agencija</Nm>
              </Dbtr>
              <DbtrAcct>
                <Id>
                  <IBAN>SI56020170014356205</IBAN>
                </Id>
              </DbtrAcct>
              <DbtrAgt>
                <FinInstnId>
                  <Othr>
                    <Id>NOTPROVIDED</Id>
                  </Othr>
                </FinInstnId>
              </DbtrAgt>
              <ChrgBr>SLEV</ChrgBr>
              <CdtTrfTxInf>
                <PmtId>
                  <EndToEndId>0190c0de000070008000000000000001</EndToEndId>
                </PmtId>
                <Amt>
                  <InstdAmt Ccy="EUR">1234.56</InstdAmt>
                </Amt>
                <CdtrAgt>
                  <FinInstnId>
                    <BICFI>LJBASI2X</BICFI>
                  </FinInstnId>
                </CdtrAgt>
                <Cdtr>
                  <Nm>Črt &amp; Žiga &lt;d.o.o.&gt;</Nm>
                </Cdtr>
                <CdtrAcct>
                  <Id>
                    <IBAN>SI56263300012039086</IBAN>
                  </Id>
                </CdtrAcct>
                <RmtInf>
                  <Ustrd>U3-P4 410-1/2026</Ustrd>
                </RmtInf>
              </CdtTrfTxInf>
              <CdtTrfTxInf>
                <PmtId>
                  <EndToEndId>0190c0de000070008000000000000002</EndToEndId>
                </PmtId>
                <Amt>
                  <InstdAmt Ccy="EUR">0.05</InstdAmt>
                </Amt>
                <Cdtr>
                  <Nm>Ana</Nm>
                </Cdtr>
                <CdtrAcct>
                  <Id>
                    <IBAN>GB82WEST12345698765432</IBAN>
                  </Id>
                </CdtrAcct>
                <RmtInf>
                  <Ustrd>U3-P4 410-2/2026</Ustrd>
                </RmtInf>
              </CdtTrfTxInf>
            </PmtInf>
          </CstmrCdtTrfInitn>
        </Document>

        """,
        Write(PainVersion.V09, Lines));

    [Fact]
    public void Version_03_differs_in_its_name_in_days_and_in_what_a_bank_is_called()
    {
        var newer = Write(PainVersion.V09, Lines);

        Assert.Equal(
            newer.Replace("pain.001.001.09", "pain.001.001.03", StringComparison.Ordinal)
                .Replace("BICFI>", "BIC>", StringComparison.Ordinal)
                .Replace("<ReqdExctnDt>\n        <Dt>2026-11-26</Dt>\n      </ReqdExctnDt>", "<ReqdExctnDt>2026-11-26</ReqdExctnDt>", StringComparison.Ordinal),
            Write(PainVersion.V03, Lines));
    }

    [Fact]
    public void Amounts_and_their_sum_are_exact() => Gen.Long[1, 1_000_000_000_000_00].List[1, 30].Sample(amounts =>
    {
        var file = XDocument.Parse(Write(PainVersion.V09, [.. amounts.Select(cents => Lines[0] with { Amount = Money.Eur(cents) })]));
        decimal[] Told(string name) => [.. file.Descendants().Where(e => e.Name.LocalName == name).Select(e => decimal.Parse(e.Value, CultureInfo.InvariantCulture))];

        Assert.Equal(amounts.Select(cents => cents / 100m), Told("InstdAmt"));
        Assert.All(Told("CtrlSum"), sum => Assert.Equal(amounts.Sum() / 100m, sum));
        Assert.All(Told("NbOfTxs"), count => Assert.Equal(amounts.Count, count));
    });

    private static string Write(PainVersion version, OrderLine[] lines) =>
        Pain001.Write(Order, At, version, new OwnAccount("gorenjska", "SI56020170014356205", "Regijska agencija"), new DateOnly(2026, 11, 26), lines);
}
