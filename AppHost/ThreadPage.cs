using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace KkiMesh.AppHost;

/// <summary>A thread as a page of text.</summary>
internal static class ThreadPage
{
    public static string Of(JsonObject thread)
    {
        var page = new StringBuilder();
        page.AppendLine(CultureInfo.InvariantCulture, $"Thread {thread["id"]}");
        if (thread["row"] is JsonObject row)
            WriteRow(page, row, (int?)thread["call"]?["terms"]?["fiscalYear"]);
        if (thread["call"] is JsonObject call)
            WriteCall(page, call);
        WriteIdeas(page, thread);
        foreach (var grant in thread["grants"]!.AsArray().OfType<JsonObject>())
            WriteGrant(page, grant);
        foreach (var paid in thread["payments"]!.AsArray().OfType<JsonObject>())
            WritePayment(page, paid);
        page.AppendLine().AppendLine("What happened");
        foreach (var told in thread["events"]!.AsArray().OfType<JsonObject>())
            WriteEvent(page, told);
        if (thread["faults"]!.AsArray() is { Count: > 0 } faults)
        {
            page.AppendLine().AppendLine("What is wrong");
            foreach (var fault in faults)
                page.AppendLine(CultureInfo.InvariantCulture, $"  {fault}");
        }

        return page.ToString().TrimEnd();
    }

    private static void WriteRow(StringBuilder page, JsonObject row, int? year)
    {
        page.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"Plan        {row["id"]}  {row["title"]}, measure {row["measure"]}, by {row["holder"]}");
        page.AppendLine(CultureInfo.InvariantCulture, $"  source    {(string?)row["source"] ?? "nothing is printed"}");
        foreach (var planned in (row["years"]?.AsArray() ?? []).OfType<JsonObject>().Where(y => year is null || (int?)y["fiscalYear"] == year))
        {
            var amount = planned["amount"] is JsonObject money ? Euro(money) : "no amount";
            page.AppendLine(CultureInfo.InvariantCulture, $"  {planned["fiscalYear"]}      {amount}");
        }
    }

    private static void WriteCall(StringBuilder page, JsonObject call)
    {
        var terms = call["terms"]!;
        page.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"Call        {terms["title"]}, by {terms["organiser"]}: {call["status"]}");
        page.AppendLine(
            CultureInfo.InvariantCulture,
            $"  pool      {Euro(terms["pool"]!)}, {terms["maxAwards"]} awards at the most, until {Time(terms["deadline"])}");
    }

    private static void WriteIdeas(StringBuilder page, JsonObject thread)
    {
        if (thread["ideas"] is not JsonArray ideas)
        {
            if (thread["call"] is not null)
                page.AppendLine().AppendLine("Ideas       shown to auditors when the call is concluded");
            return;
        }

        var awards = (thread["call"]!["awards"]?.AsArray() ?? []).ToDictionary(a => (string)a!["entryId"]!, a => a!["amount"]!);
        page.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"Ideas       {ideas.Count}, the best scored first");
        foreach (var idea in ideas.OfType<JsonObject>())
        {
            var award = awards.TryGetValue((string)idea["id"]!, out var amount) ? $": awarded {Euro(amount)}" : "";
            page.AppendLine(CultureInfo.InvariantCulture, $"  {(double)idea["points"]!,6:0.0}    {idea["title"]} ({idea["applicant"]}){award}");
            foreach (var score in idea["scores"]!.AsArray().OfType<JsonObject>())
                page.AppendLine(CultureInfo.InvariantCulture, $"            {score["points"],3} by {score["juror"]}{Said(score["note"])}");
        }

        var record = thread["decisionRecord"];
        var holds = (bool?)record?["holds"] switch
        {
            true => "ideas, scores and reasons are those that were decided on",
            false => "NOT WHAT WAS DECIDED ON: ideas, scores or reasons were changed since",
            null => "not recorded yet",
        };
        page.AppendLine(CultureInfo.InvariantCulture, $"  record    {(string?)record?["recorded"] ?? "none"}: {holds}");
        var filed = thread["events"]!.AsArray().FirstOrDefault(e => (string?)e!["event"]!["type"] == "kki.funding.decision-filed.v1");
        if (filed is not null)
        {
            page.AppendLine(filed["seal"] is { } covers
                ? $"  sealed    in the ledger, seal {covers["number"]} {covers["hash"]}"
                : "  sealed    filed in the ledger, not sealed yet");
        }
    }

    private static void WriteGrant(StringBuilder page, JsonObject grant)
    {
        page.AppendLine().AppendLine(
            CultureInfo.InvariantCulture,
            $"Grant       {grant["recipient"]}: {Euro(grant["amount"]!)} of {grant["awardedOn"]}, {grant["status"]}");
        page.AppendLine(grant["agreement"] is JsonObject agreement
            ? $"  agreement {agreement["number"]}, signed on {agreement["signedOn"]}"
            : "  agreement none");
        foreach (var request in (grant["paymentRequests"]?.AsArray() ?? []).OfType<JsonObject>())
            page.AppendLine(CultureInfo.InvariantCulture, $"  request   {Euro(request["amount"]!)} of {request["askedOn"]}: {request["status"]}{Said(request["reason"])}");
        if (grant["report"] is JsonObject report)
            page.AppendLine(CultureInfo.InvariantCulture, $"  report    {Euro(report["used"]!)} used, {report["status"]}");
    }

    private static void WritePayment(StringBuilder page, JsonObject paid)
    {
        var payment = paid["payment"]!;
        var mistake = (bool?)payment["isReversed"] == true ? ", reversed" : "";
        page.AppendLine().AppendLine(
            CultureInfo.InvariantCulture, $"Payment     {Euro(payment["amount"]!)} to {payment["recipient"]} on {payment["paidOn"]}{mistake}");
        page.AppendLine(paid["orderId"] is { } order ? $"  order     {order}" : "  order     none");
        foreach (var statement in paid["bankStatements"]!.AsArray().OfType<JsonObject>())
        {
            foreach (var entry in statement["entries"]!.AsArray())
            {
                page.AppendLine(
                    CultureInfo.InvariantCulture,
                    $"  bank      entry {entry!["number"]} of statement {statement["statementId"]} ({statement["iban"]}), booked on {entry["bookedOn"]}");
            }
        }
    }

    private static void WriteEvent(StringBuilder page, JsonObject told)
    {
        var e = told["event"]!;
        var seal = told["seal"] is { } covers ? $"  seal {covers["number"]} {Short(covers["hash"])}"
            : (string?)told["service"] == "funding" ? "  not sealed yet"
            : "";
        page.AppendLine(
            CultureInfo.InvariantCulture,
            $"  {Time(e["time"])}  {e["type"]}  {(string?)e["actorrole"] ?? "-"}  {e["subject"]} {((string)e["sequence"]!).TrimStart('0')}{seal}");
    }

    private static string Time(JsonNode? instant) => DateTimeOffset.Parse((string)instant!, CultureInfo.InvariantCulture)
        .ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static string Said(JsonNode? text) => (string?)text is { Length: > 0 } said ? $": {said.ReplaceLineEndings(" ")}" : "";

    private static string Short(JsonNode? hash) => (string?)hash is { Length: > 12 } long_ ? long_[..12] : "";

    private static string Euro(JsonNode money) =>
        string.Create(CultureInfo.InvariantCulture, $"{(long)money["amount"]! / 100m:N2} {money["currency"]}");
}
