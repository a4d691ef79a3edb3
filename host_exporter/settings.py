"""Settings of host_exporter."""

from dataclasses import dataclass

from servicekit import parsers, setting
from servicekit.mysql import MysqlSettings


@dataclass(frozen=True, kw_only=True)
class Settings(MysqlSettings):
    """Where to read, how often, and where to serve."""

    mysql_user: str = setting("host_exporter", help="MySQL user")
    mysql_db: str = setting(
        "interceptor", help="MySQL database with the connections table"
    )
    query_interval_seconds: float = setting(
        "15", help="time between two queries", parse=parsers.seconds(0.1)
    )
    metrics_port: int = setting(
        "8000", help="port of /metrics and /healthz", parse=parsers.port
    )
