"""Settings of the demo's applications."""

from dataclasses import dataclass
from pathlib import Path

from servicekit import CommonSettings, parsers, setting


@dataclass(frozen=True, kw_only=True)
class Settings(CommonSettings):
    """Where to push, how often, and where to be polled."""

    proxy_host: str = setting("exporter_proxy", help="host name of the proxy")
    proxy_port: int = setting(
        "6554", help="port of the proxy's TCP receiver", parse=parsers.port
    )
    proxy_http_port: int = setting(
        "6555", help="port of the proxy's HTTP side", parse=parsers.port
    )
    proxy_socket: Path = setting(
        "/run/exporter_proxy/receiver.sock",
        help="the proxy's Unix socket",
        parse=Path,
    )
    push_interval_seconds: float = setting(
        "5", help="time between two pushes", parse=parsers.seconds(0.1)
    )
    metrics_port: int = setting(
        "9110", help="port of the polled application", parse=parsers.port
    )
