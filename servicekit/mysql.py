"""MySQL for the services that use it: settings, connecting, which errors mean "again".

The one module here with a driver in it (see docs/decisions/0002): only services whose
image carries PyMySQL import it.
"""

from dataclasses import dataclass

import pymysql
from pymysql.connections import Connection

from servicekit import parsers
from servicekit.settings import CommonSettings, setting


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
