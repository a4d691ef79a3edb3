"""Settings of the interceptor."""

import re
from dataclasses import dataclass

from servicekit import parsers, setting
from servicekit.mysql import MysqlSettings

_parse_target = parsers.url("http")


def interface(text: str) -> str:
    """Return a network interface's name, within what the kernel allows."""
    if not re.fullmatch(r"[^\s/-][^\s/]{0,14}", text):
        raise ValueError("a network interface's name, or any")
    return text


def targets(text: str) -> tuple[str, ...]:
    """Return the URLs of a list separated by blanks."""
    try:
        return tuple(map(_parse_target, text.split()))
    except ValueError:
        raise ValueError("URLs starting with http://, separated by blanks") from None


@dataclass(frozen=True, kw_only=True)
class Settings(MysqlSettings):
    """What to watch, where to write it, and what traffic to make for the demo."""

    mysql_user: str = setting("interceptor", help="MySQL user")
    mysql_db: str = setting(
        "interceptor", help="MySQL database with the connections table"
    )
    mysql_retry_seconds: float = setting(
        "10",
        help="longest wait between two tries to reach MySQL",
        parse=parsers.seconds(0.1, 3600),
    )
    ports: tuple[int, ...] = setting(
        "80 8080", help="destination ports to watch", parse=parsers.ports
    )
    interface: str = setting(
        "any", help="network interface to watch, or any", parse=interface
    )
    heartbeat_inserts: int = setting(
        "200",
        help="inserts between two heartbeats in the log",
        parse=parsers.integer(1, 1_000_000_000),
    )
    queue_rows: int = setting(
        "100000",
        help="connections kept in memory while MySQL is away; more are dropped",
        parse=parsers.integer(1, 1_000_000),
    )
    traffic_targets: tuple[str, ...] = setting(
        "",
        help="URLs the traffic generator visits; empty switches it off",
        parse=targets,
    )
    traffic_interval_seconds: float = setting(
        "0.25", help="time between two visits", parse=parsers.seconds(0.05, 3600)
    )
    metrics_port: int = setting(
        "9101", help="port of /metrics and /healthz", parse=parsers.port
    )
