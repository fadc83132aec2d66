using System.Globalization;
using System.Numerics;
using KkiMesh.Contracts;

namespace KkiMesh.Funding.Tests;

/// <summary>Which IBANs are taken, and that no other is written into a payment order.</summary>
public sealed class IbanTests
{
    // What the letters of SI count as.
    private const int S = 28;
    private const int I = 18;

    // Examples of the registry's.
    [Theory]
    [InlineData("NO9386011117947")]
    [InlineData("MT84MALT011000012345MTLCAST001S")]
    [InlineData("DE89370400440532013000")]
    [InlineData("HR1210010051863000160")]
    [InlineData("AT611904300234573201")]
    [InlineData("IT60X0542811101000000123456")]
    [InlineData("XK051212012345678906")]
    public void An_IBAN_of_each_length_is_taken(string iban) => Assert.Null(Ibans.WhyNot(iban));

    [Theory]
    [InlineData("DE8937040044053201300", "one of DE has 22 characters, and this has 21.")]
    [InlineData("SI5626330001203908600", "one of SI has 19 characters, and this has 21.")]
    [InlineData("US64SVBKUS6S3300958879", "there is no country US that has IBANs.")]
    [InlineData("ZZ64SVBKUS6S3300958879", "there is no country ZZ that has IBANs.")]
    [InlineData("SI56263300012039087", "its check digits are wrong.")]
    [InlineData("SI5626330001203908Š", "it has a country's two letters, two check digits, and letters and digits.")]
    public void Why_it_is_none_is_said(string iban, string why) => Assert.Equal($"This is no IBAN: {why}", Ibans.WhyNot(iban));

    [Fact]
    public void Check_digits_are_02_to_98()
    {
        foreach (var (wrong, right) in ((string, string)[])[("00", "97"), ("01", "98"), ("99", "02")])
        {
            // The same rest, and so it would pass by the rest alone.
            var account = Enumerable.Range(0, 97).Select(n => $"{n:000000000000000}").Single(n => Rest(n, right) == 1);
            Assert.Equal(1, Rest(account, wrong));
            Assert.Null(Ibans.WhyNot($"SI{right}{account}"));
            Assert.Equal("This is no IBAN: its check digits are wrong.", Ibans.WhyNot($"SI{wrong}{account}"));
        }
    }

    [Fact]
    public void The_registry_has_89_countries() => Assert.Equal(89, Ibans.Countries.Count);

    [Fact]
    public void A_stored_account_that_is_none_is_left_out_of_an_order_with_the_reason()
    {
        var (good, bad) = (Due("SI56263300012039086"), Due("DE8937040044053201300"));

        var draft = Draft(good, bad);

        Assert.Equal(good.Payment.Id, Assert.Single(draft.Lines).PaymentId);
        Assert.Equal(
            (bad.Payment.Id, "This is no IBAN: one of DE has 22 characters, and this has 21. The agreement needs another account."),
            draft.LeftOut.Select(l => (l.PaymentId, l.Reason)).Single());
    }

    /// <summary>What an order of payments would have, which were approved for the accounts that they go to.</summary>
    internal static PaymentOrderDraft Draft(params (Payment Payment, Grant Grant)[] due) => OrderPayments.Draft(
        [.. due.Select(d => d.Payment)],
        due.ToDictionary(d => d.Grant.Id, d => d.Grant),
        due.ToDictionary(d => d.Payment.Id, d => Approved(d.Payment, d.Grant.Agreement!.Account!)));

    private static PaymentApproval Approved(Payment p, BankAccount to) =>
        new(p.Id, p.Row, p.CommitmentId, p.Amount, to, 1, null);

    /// <summary>A payment that is due, and whom it goes to.</summary>
    internal static (Payment Payment, Grant Grant) Due(string iban, string holder = "Ana", string number = "410-1")
    {
        var (commitment, day) = (new CommitmentId(Guid.CreateVersion7()), new DateOnly(2026, 11, 20));
        var agreement = new Agreement(number, day, day, 1, IsDeMinimis: false, null, null, [], null, new BankAccount(iban, holder));
        var grant = new Grant(
            commitment.ToString(), new ReservationId(Guid.CreateVersion7()), null, "U3-P4", 2026, "Ana",
            Money.Eur(5), Money.Eur(0), Money.Eur(5), default, day, null, null, null, null, agreement, [], null);
        return (new Payment(Guid.CreateVersion7(), "U3-P4", commitment, "Ana", Money.Eur(5), day), grant);
    }

    private static int Rest(string account, string check) =>
        (int)(BigInteger.Parse($"{account}{S}{I}{check}", CultureInfo.InvariantCulture) % 97);
}
