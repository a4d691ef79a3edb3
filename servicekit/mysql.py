"""MySQL for the services that use it: settings, connecting, which errors mean "again".

The one module here with a driver in it (see docs/decisions/0002): only services whose
image carries PyMySQL import it.
"""

from dataclasses import dataclass

import pymysql
from pymysql.connections import Connection
from pymysql.constants import CR, ER

from servicekit import parsers
from servicekit.settings import CommonSettings, setting

# After these the connection is gone or its transaction was rolled back: work done on it
# has to be done again, on a new connection. Sources: MySQL's error reference; PyMySQL
# raises InterfaceError(0) on a connection that it has already closed.
LOST_CONNECTION_CODES = frozenset(
    {
        0,
        CR.CR_CONNECTION_ERROR,
        CR.CR_CONN_HOST_ERROR,
        CR.CR_UNKNOWN_HOST,
        CR.CR_SERVER_GONE_ERROR,
        CR.CR_SERVER_LOST,
        CR.CR_SERVER_LOST_EXTENDED,
        ER.SERVER_SHUTDOWN,
        ER.LOCK_WAIT_TIMEOUT,
        ER.LOCK_DEADLOCK,
        ER.CON_COUNT_ERROR,
        1927,  # connection was killed
        4031,  # disconnected by the server because of inactivity
    }
)


@dataclass(frozen=True, kw_only=True)
class MysqlSettings(CommonSettings):
    """Where the database is and who asks."""

    mysql_host: str = setting("mysql", help="MySQL server's host name")
    mysql_port: int = setting("3306", help="MySQL server's port", parse=parsers.port)
    mysql_user: str = setting(help="MySQL user")
    mysql_password: str = setting(help="MySQL user's password", secret=True)
    mysql_db: str = setting(help="MySQL database")
    mysql_timeout_seconds: float = setting(
        "10",
        help="longest wait for the server to answer",
        parse=parsers.seconds(0.1, 3600),
    )


def connect(settings: MysqlSettings) -> Connection:
    """Return a connection in UTC, with a time-out on everything.

    Raises pymysql.MySQLError when there is none to be had.
    """
    timeout = settings.mysql_timeout_seconds
    return pymysql.connect(
        host=settings.mysql_host,
        port=settings.mysql_port,
        user=settings.mysql_user,
        password=settings.mysql_password,
        database=settings.mysql_db,
        charset="utf8mb4",
        init_command="SET time_zone = '+00:00'",
        connect_timeout=max(1, round(timeout)),
        read_timeout=timeout,
        write_timeout=timeout,
    )


def is_lost_connection(error: pymysql.MySQLError) -> bool:
    """Return whether the same work may succeed on a new connection."""
    return bool(error.args) and error.args[0] in LOST_CONNECTION_CODES
