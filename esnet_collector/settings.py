"""Settings of esnet_collector."""

import math
from dataclasses import dataclass
from pathlib import Path

from servicekit import parsers, setting
from servicekit.mysql import MysqlSettings

DEFAULT_ENV_FILE = ".env"


def share(text: str) -> float:
    """Return a part of a whole, between 0 and 1."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise ValueError("a share between 0 and 1")
    return value


def routing_key(text: str) -> str:
    """Return a name as AMQP takes it: at most 255 bytes."""
    if len(text.encode()) > 255:
        raise ValueError("at most 255 bytes")
    return text


@dataclass(frozen=True, kw_only=True)
class Settings(MysqlSettings):
    """Where interfaces come from, where they go, and how far each pass reaches."""

    netbeam_url: str = setting(
        help="base of the Netbeam API, such as http://HOST/api/network/esnet/prod",
        parse=parsers.url("http", "https"),
    )
    netbeam_timeout_seconds: float = setting(
        "10", help="longest silence of the API", parse=parsers.seconds(0.1, 300)
    )
    fetch_workers: int = setting(
        "8", help="requests to the API at once", parse=parsers.integer(1, 64)
    )
    rmq_user: str = setting(help="RabbitMQ user", aliases=("rmq-user",))
    rmq_pass: str = setting(
        help="RabbitMQ user's password", aliases=("rmq-pass",), secret=True
    )
    rmq_host: str = setting(
        "rabbitmq", help="RabbitMQ server's host name", aliases=("rmq-host",)
    )
    rmq_port: int = setting("5672", help="RabbitMQ server's port", parse=parsers.port)
    rmq_vhost: str = setting("/", help="RabbitMQ virtual host", aliases=("rmq-vhost",))
    rmq_exchange: str = setting(
        "osg.psdata.raw",
        help="exchange for everything; made (topic, durable) unless it is there",
        aliases=("rmq-exchange",),
        parse=routing_key,
    )
    rmq_interface_key: str = setting(
        "esnet_interfaces",
        help="routing key of interface records",
        aliases=("rmq-interface-key",),
        parse=routing_key,
    )
    rmq_traffic_key: str = setting(
        "esnet_traffic",
        help="routing key of measurements of every type",
        aliases=("rmq-traffic-key",),
        parse=routing_key,
    )
    rmq_queue: str | None = setting(
        help="queue to make and bind to both keys; none when empty",
        optional=True,
        parse=routing_key,
    )
    rmq_queue_max_length: int = setting(
        "10000",
        help="messages that queue keeps, the oldest go first; fixed once it is made",
        parse=parsers.integer(1, 100_000_000),
    )
    rmq_timeout_seconds: float = setting(
        "15",
        help="longest wait for the broker to answer",
        parse=parsers.seconds(1, 300),
    )
    mysql_user: str = setting("esnet_user", help="MySQL user")
    mysql_db: str = setting("esnet", help="MySQL database with esnet_interfaces")
    collect_interval_seconds: float = setting(
        "60", help="time between two passes", parse=parsers.seconds(1)
    )
    inventory_interval_seconds: float = setting(
        "300",
        help="time between two snapshots of all interfaces",
        parse=parsers.seconds(1),
    )
    settle_seconds: float = setting(
        "900",
        help="age from which measurements count as final",
        parse=parsers.seconds(0, 604_800),
    )
    backfill_seconds: float = setting(
        "1800",
        help="how far before its first sight a new interface is read",
        parse=parsers.seconds(0, 31_536_000),
    )
    missing_snapshots: int = setting(
        "3",
        help="snapshots in a row an interface must be missing from to be closed",
        parse=parsers.integer(1, 1000),
    )
    max_missing_share: float = setting(
        "0.2",
        help="a snapshot without more than this share of the interfaces is held back",
        parse=share,
    )
    metrics_port: int = setting(
        "9102", help="port of /metrics and /healthz", parse=parsers.port
    )
    env_file: Path | None = setting(
        DEFAULT_ENV_FILE,
        help="file with further settings, NAME = value a line; variables win",
        parse=Path,
    )
