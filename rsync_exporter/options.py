"""The settings as the sessions want them."""

from rsync_exporter.rsyncd.line_format import RSYNCD
from rsync_exporter.rsyncd.log_format import DEFAULT, LogFormat
from rsync_exporter.sessions.options import Options
from rsync_exporter.settings import Settings


def options(settings: Settings) -> Options:
    """Return how to read the log, by the settings and the files that they name."""
    file = settings.rsync_exporter_format
    conf = settings.rsync_exporter_rsyncd_conf
    return Options(
        lines=(file and file.lines) or RSYNCD,
        log_format=(file and file.log_format) or LogFormat.compile(DEFAULT),
        modules=conf.conf.modules if conf else {},
        zone=settings.rsync_exporter_timezone,
        max_modules=settings.rsync_exporter_max_modules,
        networks_top=settings.rsync_exporter_client_networks,
        session_expiry_seconds=settings.rsync_exporter_session_expiry_seconds,
    )
