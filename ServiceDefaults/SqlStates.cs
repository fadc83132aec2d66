namespace KkiMesh.ServiceDefaults;

/// <summary>What an error of the database means for whoever gets it.</summary>
internal enum SqlFault
{
    /// <summary>The statement or its data are at fault: the same again fails again.</summary>
    OfTheData,

    /// <summary>
    /// The database, its disk, its settings or its operator: the same again succeeds when that is mended.
    /// </summary>
    Outage,

    /// <summary>Another transaction was first: deciding again on newer state is right.</summary>
    Conflict,

    /// <summary>Another transaction keeps a lock for longer than one waits.</summary>
    Locked,
}

/// <summary>
/// Every class of SQLSTATE in appendix A of PostgreSQL's documentation, with the single states
/// that differ from their class. A state that is not known is an outage: waiting loses nothing and
/// needs nobody, parking needs an operator for each event.
/// </summary>
internal static class SqlStates
{
    /// <summary>By class (2 characters) or state (5 characters).</summary>
    public static readonly IReadOnlyDictionary<string, SqlFault> Known = new Dictionary<string, SqlFault>(StringComparer.Ordinal)
    {
        ["00"] = SqlFault.OfTheData, // successful completion: never an error
        ["01"] = SqlFault.OfTheData, // warning
        ["02"] = SqlFault.OfTheData, // no data
        ["03"] = SqlFault.OfTheData, // SQL statement not yet complete
        ["08"] = SqlFault.Outage, // connection exception
        ["09"] = SqlFault.OfTheData, // triggered action exception
        ["0A"] = SqlFault.OfTheData, // feature not supported
        ["0B"] = SqlFault.OfTheData, // invalid transaction initiation
        ["0F"] = SqlFault.OfTheData, // locator exception
        ["0L"] = SqlFault.OfTheData, // invalid grantor
        ["0P"] = SqlFault.Outage, // invalid role specification: a role was dropped
        ["0Z"] = SqlFault.OfTheData, // diagnostics exception
        ["10"] = SqlFault.OfTheData, // XQuery error
        ["20"] = SqlFault.OfTheData, // case not found
        ["21"] = SqlFault.OfTheData, // cardinality violation
        ["22"] = SqlFault.OfTheData, // data exception
        ["23"] = SqlFault.OfTheData, // integrity constraint violation
        ["23505"] = SqlFault.Conflict, // unique violation: somebody else has written it
        ["24"] = SqlFault.OfTheData, // invalid cursor state
        ["25"] = SqlFault.OfTheData, // invalid transaction state
        ["25006"] = SqlFault.Outage, // read-only transaction: a primary was demoted, or an operator keeps writers out
        ["25P03"] = SqlFault.Outage, // the database ended an idle transaction: this process hung
        ["25P04"] = SqlFault.Outage, // transaction timeout
        ["26"] = SqlFault.Outage, // invalid SQL statement name: a pooler or a reset took a prepared one away
        ["27"] = SqlFault.OfTheData, // triggered data change violation
        ["28"] = SqlFault.Outage, // invalid authorization: a rotated password, a role that may not log in
        ["2B"] = SqlFault.OfTheData, // dependent privilege descriptors still exist
        ["2D"] = SqlFault.OfTheData, // invalid transaction termination
        ["2F"] = SqlFault.OfTheData, // SQL routine exception
        ["34"] = SqlFault.OfTheData, // invalid cursor name
        ["38"] = SqlFault.OfTheData, // external routine exception
        ["39"] = SqlFault.OfTheData, // external routine invocation exception
        ["3B"] = SqlFault.OfTheData, // savepoint exception
        ["3D"] = SqlFault.Outage, // invalid catalog name: the database is being restored
        ["3F"] = SqlFault.Outage, // invalid schema name: the same
        ["40"] = SqlFault.Conflict, // transaction rollback: serialization failure, deadlock
        ["40002"] = SqlFault.OfTheData, // integrity constraint violation at the commit
        ["40003"] = SqlFault.Outage, // statement completion unknown
        ["42"] = SqlFault.OfTheData, // syntax error or access rule violation: the program is wrong
        ["42501"] = SqlFault.Outage, // insufficient privilege: a grant was taken away; the program never lacks one by itself
        ["42P01"] = SqlFault.Outage, // undefined table: all are made at the start, so the database is being restored
        ["44"] = SqlFault.OfTheData, // WITH CHECK OPTION violation
        ["53"] = SqlFault.Outage, // insufficient resources: disk, memory, connections
        ["54"] = SqlFault.OfTheData, // program limit exceeded: a value is too large for its index
        ["55"] = SqlFault.Outage, // object not in prerequisite state: the database does not accept connections
        ["55P03"] = SqlFault.Locked, // lock not available
        ["55P04"] = SqlFault.OfTheData, // unsafe use of a new enum value
        ["57"] = SqlFault.Outage, // operator intervention: shutdown, cancelled, dropped
        ["58"] = SqlFault.Outage, // system error
        ["72"] = SqlFault.Outage, // snapshot failure
        ["F0"] = SqlFault.Outage, // configuration file error
        ["HV"] = SqlFault.Outage, // foreign data wrapper error
        ["P0"] = SqlFault.OfTheData, // PL/pgSQL error: raised on purpose
        ["XX"] = SqlFault.Outage, // internal error: corrupted data or index, which an operator mends
    };

    /// <summary>What a state means.</summary>
    public static SqlFault Of(string state) =>
        Known.TryGetValue(state, out var single) ? single
        : state.Length >= 2 && Known.TryGetValue(state[..2], out var ofClass) ? ofClass
        : SqlFault.Outage;
}
