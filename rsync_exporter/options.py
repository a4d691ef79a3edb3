"""The settings as the sessions want them."""

import logging
from collections.abc import Iterator

from rsync_exporter.rsyncd.line_format import RSYNCD
from rsync_exporter.rsyncd.log_format import DEFAULT, LogFormat
from rsync_exporter.sessions.options import Options
from rsync_exporter.settings import Settings

log = logging.getLogger(__name__)

_FORGEABLE = (
    "its log format begins with a file's name, so whoever names files can forge any"
    " message; put %o first"
)


def options(settings: Settings) -> Options:
    """Return how to read the log, by the settings and the files that they name."""
    file = settings.rsync_exporter_format
    conf = settings.rsync_exporter_rsyncd_conf
    return Options(
        lines=(file and file.lines) or RSYNCD,
        log_format=(file and file.log_format) or LogFormat.compile(DEFAULT),
        is_format_known=bool(
            (file and file.log_format) or (conf and conf.conf.modules)
        ),
        modules=conf.conf.modules if conf else {},
        zone=settings.rsync_exporter_timezone,
        max_modules=settings.rsync_exporter_max_modules,
        networks_top=settings.rsync_exporter_client_networks,
        session_expiry_seconds=settings.rsync_exporter_session_expiry_seconds,
    )


def warn_of_formats(settings: Settings) -> None:
    """Warn of each log format that lets a name pass for another message."""
    for problem in forgeable_formats(settings):
        log.warning("not all that is counted can be trusted: %s", problem)


def forgeable_formats(settings: Settings) -> Iterator[str]:
    """Yield a line for each log format that lets a name pass for another message."""
    file = settings.rsync_exporter_format
    conf = settings.rsync_exporter_rsyncd_conf
    if file and file.log_format and file.log_format.names_come_first:
        yield f"{file.path}: {_FORGEABLE}"
    for name, module in conf.conf.modules.items() if conf else ():
        if module.transfer_logging and (
            LogFormat.compile(module.log_format).names_come_first
        ):
            yield f"module {name}: {_FORGEABLE}"
