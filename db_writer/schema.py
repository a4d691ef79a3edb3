"""The tables, made and brought up to date by the writer itself."""

from psycopg import Connection, sql

# Whoever holds this lock changes the schema; the number only has to be ours.
_LOCK = 5_482_017_310

# Applied in this order, each once and never edited: a change is one more of them.
_MIGRATIONS = (
    """
    CREATE TABLE checks (
        check_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        -- A digest of the definition: a wide unique key would exceed an index row.
        check_key uuid NOT NULL UNIQUE,
        url text NOT NULL,
        regexp text NOT NULL,
        expected_code integer NOT NULL,
        created timestamptz NOT NULL DEFAULT now(),
        last_check timestamptz NOT NULL
    ) WITH (fillfactor = 70);  -- room to update last_check in place

    CREATE TABLE results (
        result_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        -- No foreign key: rows come from a join with checks, and it would cost a
        -- third of all rows a second.
        check_id bigint NOT NULL,
        success boolean NOT NULL,
        code integer,
        length integer,
        response_time double precision NOT NULL,
        created timestamptz NOT NULL,
        scheduled_at timestamptz NOT NULL,
        reason text NOT NULL,
        error text NOT NULL,
        event_id uuid NOT NULL UNIQUE
    );

    CREATE INDEX results_of_check ON results (check_id, created);
    """,
)


def migrate(connection: Connection) -> int:
    """Bring the schema up to date and return its version.

    Any number of writers may do this at once: one works, the others wait and find
    it done. Raises psycopg.Error.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_versions ("
            " version integer PRIMARY KEY,"
            " applied timestamptz NOT NULL DEFAULT now())"
        )
        version = _version(connection)
        for statements in _MIGRATIONS[version:]:
            version += 1
            connection.execute(sql.SQL(statements))
            connection.execute(
                "INSERT INTO schema_versions (version) VALUES (%s)", [version]
            )
        return version


def _version(connection: Connection) -> int:
    query = "SELECT coalesce(max(version), 0) FROM schema_versions"
    [version] = connection.execute(query).fetchone() or (0,)
    return int(version)
