"""Settings of rsync_exporter; the flags are those that its users have always typed."""

from dataclasses import dataclass
from pathlib import Path

from rsync_exporter.rsyncd.line_format import LineFormat, read_format_file
from servicekit import CommonSettings, parsers, setting


@dataclass(frozen=True, kw_only=True)
class Settings(CommonSettings):
    """Which log to follow, how to read it, and where to serve."""

    rsync_exporter_log: Path = setting(
        help="log file of the rsync daemon", parse=Path, flags=("-p", "--path")
    )
    rsync_exporter_format: LineFormat | None = setting(
        help="file whose first line is a regular expression for the log's lines, "
        "with a group named description",
        parse=read_format_file,
        flags=("-f", "--format"),
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
        help="port of /metrics and /healthz",
        parse=parsers.port,
        flags=("-x", "--port"),
    )
    rsync_exporter_from: str = setting(
        "start",
        help="where to begin in a log that is there already: start or end",
        parse=parsers.choice("start", "end"),
    )
    rsync_exporter_keep_rotated_seconds: float = setting(
        "86400",
        help="how long a rotated log is still read, for the sessions that write to it",
        parse=parsers.seconds(0, 604_800),
    )
    rsync_exporter_legacy_status_code: bool = setting(
        "no",
        help='yes: status_code="(code 12)" in place of "12"',
        parse=parsers.boolean,
        flags=("--legacy-status-code",),
    )
