"""The tables in MySQL: however often a batch is tried, it is written once."""

import logging
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from pymysql.connections import Connection as MysqlConnection

from interceptor.connection import Connection
from interceptor.settings import Settings
from servicekit.mysql import connect

log = logging.getLogger(__name__)

# A connection lost on the way may leave its transaction open on the server, with a lock
# on this capture's row: the server ends it soon, and a try that meets it does not wait.
_SESSION = "SET SESSION wait_timeout = 60, innodb_lock_wait_timeout = 5"
PING_SECONDS = 10

# Changes no row if the batch is there already: then its commit had succeeded, only the
# answer was lost. Comes first, as its row lock lets a retry wait for such a commit.
_CLAIM = (
    "INSERT INTO captures (id, batches) VALUES (%s, %s)"
    " ON DUPLICATE KEY UPDATE batches = GREATEST(batches, %s)"
)
# Nothing but placeholders, or PyMySQL would send a statement for each row.
_INSERT = "INSERT INTO connections (time, host, port) VALUES (%s, %s, %s)"


class Table:
    """Where connections are written; connects by itself when it is used.

    Every method raises pymysql.MySQLError and leaves no connection open behind it; the
    same call may then be made again.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._capture = str(uuid.uuid4())
        self._mysql: MysqlConnection | None = None

    def write(self, number: int, batch: Sequence[Connection]) -> None:
        """Write a batch, whose number is higher than that of the batch before."""
        try:
            mysql = self._connected()
            self._send(mysql, number, batch)
            mysql.commit()
        except BaseException:
            self.close()
            raise

    def rehearse(self) -> None:
        """Do all that writing takes, and keep nothing of it."""
        try:
            self._send(self._connected(), 1, [Connection(datetime.now(UTC), "::", 1)])
        finally:
            self.close()  # without a commit

    def ping(self) -> None:
        """Make sure that the server is there; to be done every PING_SECONDS."""
        try:
            self._connected().ping(reconnect=False)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._mysql is not None and self._mysql.open:
            self._mysql.close()
        self._mysql = None

    def _send(
        self, mysql: MysqlConnection, number: int, batch: Sequence[Connection]
    ) -> None:
        with mysql.cursor() as cursor:
            if cursor.execute(_CLAIM, (self._capture, number, number)):
                cursor.executemany(_INSERT, batch)

    def _connected(self) -> MysqlConnection:
        if self._mysql is None:
            self._mysql = connect(self._settings)
            with self._mysql.cursor() as cursor:
                cursor.execute(_SESSION)
            log.info("Succesfully connected to database")
        return self._mysql
