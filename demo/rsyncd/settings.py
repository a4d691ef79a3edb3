"""Settings of the demo of rsyncd."""

from dataclasses import dataclass
from pathlib import Path

from servicekit import CommonSettings, parsers, setting


@dataclass(frozen=True, kw_only=True)
class Settings(CommonSettings):
    """Which daemon to run, and how busy its clients are."""

    rsyncd_config: Path = setting(
        "/etc/rsyncd.conf",
        help="the daemon's configuration, with its port, folders and log files",
        parse=Path,
    )
    pull_interval_seconds: float = setting(
        "60",
        help="time between two pulls of the module exercise",
        parse=parsers.seconds(0.1),
    )
    visit_pause_seconds: float = setting(
        "5", help="pause between two visits", parse=parsers.seconds(0)
    )
    restart_interval_seconds: float = setting(
        "300", help="time between two restarts of the daemon", parse=parsers.seconds(1)
    )
    max_log_bytes: int = setting(
        "5000000",
        help="size at which a log file is rotated",
        parse=parsers.integer(1, 10**12),
    )
    health_port: int = setting("9111", help="port of /healthz", parse=parsers.port)
