"""What ``--check`` tries before anything is captured."""

import subprocess

import pymysql

from interceptor.command import check_command, with_mend
from interceptor.settings import Settings
from interceptor.table import Table

TIMEOUT_SECONDS = 10


def tcpdump_problem(settings: Settings) -> str | None:
    """Open the interface and compile the filter; return what keeps tcpdump from it."""
    command = check_command(settings.interface, settings.ports)
    try:
        subprocess.run(  # noqa: S603 - our own argument list
            command, check=True, capture_output=True, text=True, timeout=TIMEOUT_SECONDS
        )
    except subprocess.CalledProcessError as error:
        words = " ".join(error.stderr.split())
        return with_mend(f"INTERFACE {settings.interface}: {words}")
    except (OSError, subprocess.TimeoutExpired) as error:
        return with_mend(f"tcpdump: {error}")
    return None


def database_problem(settings: Settings) -> str | None:
    """Write to both tables without keeping it; return what stands against that."""
    try:
        Table(settings).rehearse()
    except pymysql.MySQLError as error:
        return f"MYSQL_HOST {settings.mysql_host}: {error}"
    return None
