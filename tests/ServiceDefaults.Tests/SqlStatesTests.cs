using Npgsql;

namespace KkiMesh.ServiceDefaults.Tests;

public sealed class SqlStatesTests
{
    // Appendix A of PostgreSQL's documentation: every class of error codes.
    private static readonly string[] Classes =
    [
        "00", "01", "02", "03", "08", "09", "0A", "0B", "0F", "0L", "0P", "0Z", "10", "20", "21", "22", "23", "24", "25", "26", "27", "28",
        "2B", "2D", "2F", "34", "38", "39", "3B", "3D", "3F", "40", "42", "44", "53", "54", "55", "57", "58", "72", "F0", "HV", "P0", "XX",
    ];

    [Fact]
    public void Every_class_is_decided_and_no_other() =>
        Assert.Equal(Classes, SqlStates.Known.Keys.Where(state => state.Length == 2).Order(StringComparer.Ordinal));

    [Theory]
    [InlineData("08006 0P000 25006 25P03 26000 28000 28P01 3D000 3F000 40003 42501 42P01 53100 53300 55000 55006 57014 57P01 57P03 58030 72000 F0000 XX001 ZZ999")]
    public void What_the_database_or_its_operator_mends_is_waited_for(string states) =>
        Assert.All(states.Split(' '), state => Assert.True(Faults.IsOutage(Error(state)), state));

    [Theory]
    [InlineData("0A000 21000 22001 22021 22P02 23502 23503 23514 25001 2F003 38000 39000 40002 42601 42703 42883 44000 54000 P0001")]
    public void What_is_the_datas_own_fault_is_neither_waited_for_nor_a_conflict(string states) =>
        Assert.All(states.Split(' '), state => Assert.False(Faults.IsOutage(Error(state)) || Faults.IsConflict(Error(state)), state));

    [Theory]
    [InlineData("23505 40000 40001 40P01")]
    public void A_conflict_is_decided_again_and_is_no_outage(string states) =>
        Assert.All(states.Split(' '), state => Assert.True(Faults.IsConflict(Error(state)) && !Faults.IsOutage(Error(state)), state));

    [Fact]
    public void A_lock_that_somebody_keeps_passes_by_itself() =>
        Assert.True(Faults.IsLocked(Error("55P03")) && Faults.IsOutage(Error("55P03")));

    [Fact]
    public void What_the_caller_cancelled_is_no_outage() =>
        Assert.False(Faults.IsOutage(new OperationCanceledException("cancelled", Error("57014"))));

    private static InvalidOperationException Error(string state) =>
        new("as libraries wrap it", new PostgresException("a message", "ERROR", "ERROR", state));
}
