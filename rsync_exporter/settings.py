"""Settings of rsync_exporter; the flags are those that its users have always typed."""

from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rsync_exporter import log_names
from rsync_exporter.files import ConfFile, FormatFile
from rsync_exporter.log_names import LogNames
from servicekit import CommonSettings, parsers, setting


def time_zone(name: str) -> ZoneInfo:
    """Return a time zone by its name. Raises ValueError saying what was expected."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("a time zone such as Europe/Berlin") from error


@dataclass(frozen=True, kw_only=True)
class Settings(CommonSettings):
    """Which log to follow, how to read it, and where to serve."""

    rsync_exporter_log: LogNames | None = setting(
        help="log files of the rsync daemon: paths and globs separated by commas; "
        "- is standard input; syslog://HOST:PORT or syslog:/path hears syslog",
        parse=log_names.parse,
        flags=("-p", "--path"),
        unless=("RSYNC_EXPORTER_RSYNCD_CONF", "--once"),
    )
    rsync_exporter_format: FormatFile | None = setting(
        help="file whose first line is rsyncd's log format, or a regular expression "
        "for all lines with a group named description",
        parse=FormatFile.read,
        flags=("-f", "--format"),
        optional=True,
    )
    rsync_exporter_rsyncd_conf: ConfFile | None = setting(
        help="rsyncd.conf: modules, limits, formats, and the log files when none are "
        "named",
        parse=ConfFile.read,
        optional=True,
    )
    rsync_exporter_interval_seconds: float = setting(
        "1",
        help="time between two looks for new lines",
        parse=parsers.seconds(0.01, 3600),
        flags=("-s", "--seconds"),
    )
    rsync_exporter_port: int = setting(
        "8080",
        help="port of /metrics, /healthz and /readyz",
        parse=parsers.port,
        flags=("-x", "--port"),
    )
    rsync_exporter_from: str = setting(
        "start",
        help="where to begin in a log that is there already and in no checkpoint: "
        "start or end",
        parse=parsers.choice("start", "end"),
    )
    rsync_exporter_keep_rotated_seconds: float = setting(
        "86400",
        help="how long a rotated log is still read, for the sessions that write to it",
        parse=parsers.seconds(0, 604_800),
    )
    rsync_exporter_checkpoint: Path | None = setting(
        help="file to go on from after a restart; without one, FROM decides",
        parse=Path,
        optional=True,
    )
    rsync_exporter_checkpoint_counters: bool = setting(
        "yes",
        help="no: after a restart only the place in the log goes on, counters begin at "
        "zero",
        parse=parsers.boolean,
    )
    rsync_exporter_timezone: ZoneInfo | None = setting(
        help="time zone of the log, such as Europe/Berlin; otherwise this system's",
        parse=time_zone,
        optional=True,
    )
    rsync_exporter_session_expiry_seconds: float = setting(
        "86400",
        help="after how long a session is over that never said so",
        parse=parsers.seconds(60, 2_592_000),
    )
    rsync_exporter_max_modules: int = setting(
        "200",
        help='how many modules have a label of their own; further ones are "other"',
        parse=parsers.integer(1, 100_000),
    )
    rsync_exporter_client_networks: int = setting(
        "0",
        help="how many client networks (/24 and /48) have a label of their own; 0: no "
        "metric of clients",
        parse=parsers.integer(0, 10_000),
    )
    rsync_exporter_legacy_status_code: bool = setting(
        "no",
        help='yes: status_code="(code 12)" in place of "12"',
        parse=parsers.boolean,
        flags=("--legacy-status-code",),
    )
