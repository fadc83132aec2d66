using System.Text.RegularExpressions;

namespace KkiMesh.Funding;

/// <summary>
/// A Slovenian payment reference (sklic, SI): a model of two digits, and one to three numbers of
/// together at most 20 digits. A model says which of the numbers end with a check digit (modulo 11). The
/// layouts are those of the instruction on models in payment traffic; models 21 and 31, of which the
/// sources at hand say different things, are not known here.
/// </summary>
/// <param name="Model">Two digits, e.g. 12.</param>
/// <param name="Content">The numbers with their check digits, with dashes between them.</param>
public sealed partial record SiReference(string Model, string Content)
{
    private const int MostDigits = 20;

    // P is a number. What stands in brackets together has one check digit, K, at its
    // end; numbers after the last K may be left out.
    private static readonly Dictionary<string, string> Layouts = new()
    {
        ["00"] = "P-P-P",
        ["01"] = "(P-P-P)K",
        ["02"] = "P-(P)K-(P)K",
        ["03"] = "(P)K-(P)K-(P)K",
        ["04"] = "(P)K-P-(P)K",
        ["05"] = "(P)K-P-P",
        ["06"] = "P-(P-P)K",
        ["07"] = "P-(P)K-P",
        ["08"] = "(P-P)K-(P)K",
        ["09"] = "(P-P)K-P",
        ["10"] = "(P)K-(P-P)K",
        ["11"] = "(P)K-(P)K-P",
        ["12"] = "(P)K",
        ["18"] = "(P)K-(P)K-P",
        ["19"] = "(P)K-(P)K-P",
        ["28"] = "(P)K-(P)K-P",
        ["38"] = "(P)K-(P)K-P",
        ["40"] = "(P)K-(P)K-P",
        ["41"] = "(P)K-(P)K-P",
        ["48"] = "(P)K-(P)K-P",
        ["49"] = "(P)K-(P)K-P",
        ["51"] = "(P)K-(P)K-P",
        ["55"] = "(P)K-P-P",
        ["58"] = "(P)K-(P)K-P",
    };

    /// <summary>A reference of model 12: one number with its check digit.</summary>
    /// <param name="number">1 to 19 digits, without the check digit.</param>
    public static SiReference Of12(string number) => new("12", number + CheckDigit(number));

    /// <summary>
    /// Reads a reference as people write it: spaces do not matter, nor whether its letters are capitals.
    /// </summary>
    /// <param name="text">What is written.</param>
    /// <returns>The reference, valid; null where it is none, or a check digit is wrong.</returns>
    public static SiReference? Parse(string text) =>
        Written().Match(text.Replace(" ", "", StringComparison.Ordinal).ToUpperInvariant()) is { Success: true } match
        && new SiReference(match.Groups["model"].Value, match.Groups["content"].Value) is { IsValid: true } reference
            ? reference
            : null;

    /// <summary>
    /// The check digit of digits: weighed 2, 3, 4 … from the right, 11 less the rest
    /// of the sum by 11; 0 where that has two digits.
    /// </summary>
    public static int CheckDigit(string digits) =>
        11 - (digits.Reverse().Index().Sum(d => (d.Item - '0') * (d.Index + 2)) % 11) is var check and < 10 ? check : 0;

    /// <summary>As it is written on a payment order.</summary>
    public override string ToString() => $"SI{Model} {Content}";

    private bool IsValid
    {
        get
        {
            var numbers = Content.Split('-');
            if (!Layouts.TryGetValue(Model, out var layout) || numbers.Sum(n => n.Length) > MostDigits || numbers.Length > layout.Count(c => c == 'P'))
                return false;
            var at = 0;
            foreach (Match part in Part().Matches(layout))
            {
                var isChecked = part.Value[0] == '(';
                var together = string.Concat(numbers.Skip(at).Take(part.Value.Count(c => c == 'P')));
                at += part.Value.Count(c => c == 'P');
                if (isChecked && (together.Length < 2 || CheckDigit(together[..^1]) != together[^1] - '0'))
                    return false;
            }

            return true;
        }
    }

    [GeneratedRegex(@"^SI(?<model>[0-9]{2})(?<content>[0-9]{1,20}(-[0-9]{1,20}){0,2})\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Written();

    [GeneratedRegex(@"\([P-]+\)K|P", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Part();
}
