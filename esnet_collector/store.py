"""The history of interfaces in MySQL, its cursors, and the lock of its one writer."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import cast

import pymysql
from pymysql.connections import Connection
from pymysql.cursors import Cursor, DictCursor

from esnet_collector.inventory import Changes
from esnet_collector.settings import Settings
from esnet_collector.streams import Kind, Stream, Window, on_grid
from servicekit.mysql import connect

log = logging.getLogger(__name__)

OPEN_NAMES = "SELECT name FROM esnet_interfaces WHERE status = '1'"

SEEN = """
UPDATE esnet_interfaces SET last_seen = %s WHERE status = '1' AND name NOT IN %s
"""
CLOSE = """
UPDATE esnet_interfaces
SET status = '0', active_until = COALESCE(last_seen, active_from)
WHERE status = '1' AND name IN %s
"""
LAST_ENDS = """
SELECT name, MAX(active_until) FROM esnet_interfaces
WHERE status <> '1' AND name IN %s GROUP BY name
"""
OPEN = """
INSERT INTO esnet_interfaces
    (name, status, active_from, last_seen,
    traffic_until, errors_until, discards_until)
VALUES (%s, '1', %s, %s, %s, %s, %s)
"""
# Open rows, and closed ones that are not read up to their end. Times are 13 digits, so
# as texts they sort as numbers do; no time at all sorts before every time.
UNREAD = """
SELECT id, name, status, active_from, active_until,
    traffic_until AS traffic, errors_until AS errors, discards_until AS discards
FROM esnet_interfaces
WHERE status = '1' OR active_until > LEAST(
    COALESCE(traffic_until, ''),
    COALESCE(errors_until, ''),
    COALESCE(discards_until, '')
)
"""
ADVANCE: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.TRAFFIC: "UPDATE esnet_interfaces SET traffic_until = %s"
        " WHERE id = %s AND name = %s",
        Kind.ERRORS: "UPDATE esnet_interfaces SET errors_until = %s"
        " WHERE id = %s AND name = %s",
        Kind.DISCARDS: "UPDATE esnet_interfaces SET discards_until = %s"
        " WHERE id = %s AND name = %s",
    }
)


class Store:
    """The table, over one connection that also holds the lead.

    The lock lives and dies with the connection, so a copy that lost the lead cannot
    write any more. Methods raise pymysql.MySQLError; ``close`` then, and begin anew.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._backfill_ms = round(settings.backfill_seconds * 1000)
        # Lock names are the whole server's, and 64 characters at most.
        self._lock_name = f"esnet_collector {settings.mysql_db}"[:64]
        self._connection: Connection | None = None
        self._leads = False

    def lead(self) -> bool:
        """Return whether this copy is, or now becomes, the one that may write."""
        if self._connection is None:
            self._connection = connect(self._settings)
            log.info("Succesfully connected to database")
        if not self._leads:
            with self._connection.cursor() as cursor:
                cursor.execute("SELECT GET_LOCK(%s, 0)", self._lock_name)
                self._leads = cursor.fetchone() == (1,)
        return self._leads

    def open_names(self) -> set[str]:
        """Return the interfaces that have an open row."""
        with self._transaction() as cursor:
            cursor.execute(OPEN_NAMES)
            return {str(name) for (name,) in cursor.fetchall()}

    def apply(self, changes: Changes, seen_ms: int) -> None:
        """Write what a snapshot taken at a time means, all of it or nothing."""
        with self._transaction() as cursor:
            # An empty list is no SQL; no interface has an empty name.
            cursor.execute(SEEN, (seen_ms, list(changes.absent) or [""]))
            if changes.closed:
                cursor.execute(CLOSE, (list(changes.closed),))
            if changes.opened:
                cursor.executemany(OPEN, self._new_rows(cursor, changes, seen_ms))

    def _new_rows(
        self, cursor: Cursor, changes: Changes, seen_ms: int
    ) -> list[tuple[str | int, ...]]:
        """Return the rows to insert; none is read from before an earlier row's end."""
        cursor.execute(LAST_ENDS, (list(changes.opened),))
        ends = {name: int(end) for name, end in cursor.fetchall() if end}
        start_ms = on_grid(seen_ms - self._backfill_ms)
        return [
            (name, seen_ms, seen_ms, *(max(start_ms, ends.get(name, 0)),) * len(Kind))
            for name in sorted(changes.opened)
        ]

    def streams(self) -> list[Stream]:
        """Return every series that may have something to read."""
        with self._transaction(DictCursor) as cursor:
            cursor.execute(UNREAD)
            rows = cast("list[dict[str, str]]", cursor.fetchall())
        return [self._stream(row, kind) for row in rows for kind in Kind]

    def _stream(self, row: Mapping[str, str], kind: Kind) -> Stream:
        start_ms = on_grid(int(row["active_from"]) - self._backfill_ms)
        return Stream(
            row_id=int(row["id"]),
            resource=row["name"],
            kind=kind,
            since_ms=int(row[kind] or start_ms),
            until_ms=None if row["status"] == "1" else int(row["active_until"]),
        )

    def advance(self, windows: Iterable[Window]) -> None:
        """Move the cursors to the ends of windows that are safe, all or none."""
        with self._transaction() as cursor:
            for window in windows:
                stream = window.stream
                cursor.execute(
                    ADVANCE[stream.kind],
                    (window.end_ms, stream.row_id, stream.resource),
                )

    def close(self) -> None:
        """Give up the connection, and with it the lead and what is not committed."""
        if self._connection and self._connection.open:
            self._connection.close()
        self._connection = None
        self._leads = False

    @contextmanager
    def _transaction(self, kind: type[Cursor] = Cursor) -> Iterator[Cursor]:
        """Yield a cursor and commit; after an error the connection is of no use."""
        if self._connection is None:
            raise pymysql.InterfaceError(0, "not connected")
        with self._connection.cursor(kind) as cursor:
            yield cursor
        self._connection.commit()
