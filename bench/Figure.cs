using System.Globalization;

namespace KkiMesh.Bench;

/// <summary>What a figure should be.</summary>
/// <param name="Limit">The worst that is good.</param>
/// <param name="IsLeast">Whether more is better.</param>
internal sealed record Goal(double Limit, bool IsLeast)
{
    public static Goal AtLeast(double limit) => new(limit, true);

    public static Goal AtMost(double limit) => new(limit, false);

    public bool IsMetBy(double value) => IsLeast ? value >= Limit : value <= Limit;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{(IsLeast ? '≥' : '≤')} {Limit}");
}

/// <summary>A line of the table: one value a round.</summary>
/// <param name="name">What it is called.</param>
/// <param name="what">What is compared with what.</param>
/// <param name="unit">The value's unit; none for a ratio.</param>
/// <param name="goal">What it should be; null where nothing was asked for.</param>
internal sealed class Figure(string name, string what, string unit, Goal? goal)
{
    private readonly List<double> _values = [];
    private readonly List<(double Own, double Other)> _sides = [];
    private string _sidesUnit = "";

    public string Name => name;

    public bool IsMeasured => _values.Count > 0 && _values.TrueForAll(double.IsFinite);

    public IEnumerable<string> Cells
    {
        get
        {
            var median = Numbers.Median(_values);
            yield return name;
            yield return what;
            yield return $"{Text(median)} {unit}".TrimEnd();
            yield return $"{Text(_values.Min())} – {Text(_values.Max())}";
            yield return goal is null ? "" : $"{goal} {unit}".TrimEnd();
            yield return goal is null ? "" : goal.IsMetBy(median) ? "yes" : "NO";
            yield return _sides.Count == 0
                ? ""
                : $"{Text(Numbers.Median(_sides.Select(s => s.Own)))} : {Text(Numbers.Median(_sides.Select(s => s.Other)))} {_sidesUnit}";
        }
    }

    /// <summary>A round's value.</summary>
    public void Add(double value) => _values.Add(value);

    /// <summary>A round's ratio of two values.</summary>
    public void Ratio(double own, double other, string sidesUnit = "/s") => Add(own / other, own, other, sidesUnit);

    /// <summary>A round's difference of two values.</summary>
    public void Difference(double own, double other) => Add(own - other, own, other, unit);

    private void Add(double value, double own, double other, string sidesUnit)
    {
        _values.Add(value);
        _sides.Add((own, other));
        _sidesUnit = sidesUnit;
    }

    private static string Text(double value) =>
        value.ToString(Math.Abs(value) >= 100 ? "N0" : Math.Abs(value) >= 10 ? "0.0" : "0.00", CultureInfo.InvariantCulture);
}

internal static class Numbers
{
    public static double Median(IEnumerable<double> values) => Percentile(values, 0.5);

    /// <summary>The value that this part of them does not exceed (nearest rank).</summary>
    public static double Percentile(IEnumerable<double> values, double part)
    {
        var sorted = values.Order().ToList();
        return sorted[Math.Clamp((int)Math.Ceiling(part * sorted.Count) - 1, 0, sorted.Count - 1)];
    }
}
