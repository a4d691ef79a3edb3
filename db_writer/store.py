"""The database: batches of results in, each event stored once."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from db_writer.messages import Accepted, Fault, Rejected
from db_writer.schema import migrate
from sites.result import Result

log = logging.getLogger(__name__)

# Used where the URI does not say otherwise. A server that vanishes without a word is
# noticed by unanswered data or, in silence, by unanswered keepalives.
_CONNECTION_DEFAULTS: dict[str, str | int] = {
    "application_name": "db_writer",
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
_STATEMENT_TIMEOUT = "60s"

# What the row itself is to blame for: SQLSTATE classes 22 (data), 23 (integrity) and
# 54 (limits, such as the size of an index row). Anything else may heal.
_REFUSALS = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.errors.ProgramLimitExceeded,
)

_COLUMNS = {
    "check_key": "uuid",
    "url": "text",
    "regexp": "text",
    "expected_code": "int4",
    "event_id": "uuid",
    "scheduled_at": "timestamptz",
    "created": "timestamptz",
    "success": "bool",
    "reason": "text",
    "error": "text",
    "code": "int4",
    "length": "int4",
    "response_time": "float8",
}
_MAKE_INCOMING = (
    f"CREATE TEMPORARY TABLE incoming"
    f" ({', '.join(f'{name} {kind}' for name, kind in _COLUMNS.items())})"
    f" ON COMMIT DELETE ROWS"
)
_COPY = f"COPY incoming ({', '.join(_COLUMNS)}) FROM STDIN (FORMAT BINARY)"

# In one order in every writer, so that two of them never wait for each other.
_ADD_CHECKS = """
    INSERT INTO checks (check_key, url, regexp, expected_code, last_check)
    SELECT DISTINCT ON (check_key) check_key, url, regexp, expected_code, created
    FROM incoming
    WHERE NOT EXISTS (
        SELECT FROM checks WHERE checks.check_key = incoming.check_key
    )
    ORDER BY check_key
    ON CONFLICT (check_key) DO NOTHING
"""
_ADD_RESULTS = """
    INSERT INTO results (
        check_id, success, code, length, response_time,
        created, scheduled_at, reason, error, event_id
    )
    SELECT
        check_id, success, code, length, response_time,
        incoming.created, scheduled_at, reason, error, event_id
    FROM incoming JOIN checks USING (check_key)
    ON CONFLICT (event_id) DO NOTHING
"""
_NOTE_LAST_CHECKS = """
    UPDATE checks SET last_check = newest.created
    FROM (
        SELECT check_key, max(created) AS created FROM incoming GROUP BY check_key
    ) AS newest
    WHERE checks.check_key = newest.check_key AND checks.last_check < newest.created
"""


@dataclass(frozen=True)
class Written:
    """What became of a batch: rows that are new, rows that were there, refusals."""

    new: int = 0
    duplicates: int = 0
    refused: tuple[Rejected, ...] = ()

    def __add__(self, other: Self) -> Self:
        return replace(
            self,
            new=self.new + other.new,
            duplicates=self.duplicates + other.duplicates,
            refused=self.refused + other.refused,
        )


def connect(uri: str) -> Connection:
    """Return a connection with time limits on everything, in UTC.

    Raises psycopg.Error when there is none to be had.
    """
    parameters = make_conninfo("", **(_CONNECTION_DEFAULTS | conninfo_to_dict(uri)))
    connection = psycopg.connect(parameters, autocommit=True)
    connection.execute("SET TIME ZONE 'UTC'")
    connection.execute(f"SET statement_timeout = '{_STATEMENT_TIMEOUT}'")
    return connection


def problems(uri: str) -> Iterator[str]:
    """Yield what keeps the database from being used."""
    try:
        connect(uri).close()
    except psycopg.Error as error:
        yield f"postgresql_uri: {error}"


class Store:
    """Writes on one connection, made when it is needed and dropped after an error."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._connection: Connection | None = None

    def write(self, batch: Sequence[Accepted]) -> Written:
        """Store the batch; on return its rows are committed.

        Rows that the database refuses are found by halving the batch, and returned.
        Raises psycopg.Error when the database cannot be used now.
        """
        try:
            return self._insert(batch)
        except _REFUSALS as error:
            if len(batch) == 1:
                reason = f"{error.sqlstate or 'encoding'}: {error}"
                return Written(
                    refused=(Rejected(batch[0].record, Fault.REFUSED, reason),)
                )
        except psycopg.Error:
            self.close()
            raise
        middle = len(batch) // 2
        return self.write(batch[:middle]) + self.write(batch[middle:])

    def ping(self) -> None:
        """Make sure that the database answers. Raises psycopg.Error when not."""
        try:
            self._connected().execute("SELECT 1")
        except psycopg.Error:
            self.close()
            raise

    def close(self) -> None:
        """Drop the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _insert(self, batch: Sequence[Accepted]) -> Written:
        connection = self._connected()
        with connection.transaction(), connection.cursor() as cursor:
            with cursor.copy(_COPY) as copy:
                copy.set_types(list(_COLUMNS.values()))
                for message in batch:
                    copy.write_row(_row(message.result))
            cursor.execute(_ADD_CHECKS)
            new = cursor.execute(_ADD_RESULTS).rowcount
            cursor.execute(_NOTE_LAST_CHECKS)
        return Written(new, len(batch) - new)

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = connect(self._uri)
            version = migrate(self._connection)
            self._connection.execute(_MAKE_INCOMING)
            log.info("connected to postgresql schema_version=%d", version)
        return self._connection


def _row(result: Result) -> tuple[object, ...]:
    """Return the values in the order of the columns."""
    return (
        UUID(result.check_key),
        result.url,
        result.regexp,
        result.expected_code,
        result.event_id,
        result.scheduled_at,
        result.created,
        result.success,
        result.reason,
        result.error,
        result.response_code,
        result.response_length,
        result.response_time,
    )
