"""What rsync_exporter is made of."""

import sys
from collections.abc import Iterator

from prometheus_client import CollectorRegistry

import rsync_exporter
from rsync_exporter.exporter import Exporter
from rsync_exporter.tail.log_file import LogFile
from rsync_exporter.settings import Settings
from servicekit import Health, Service, Stop, serve
from servicekit.metrics import add_build_info

NAME, ABOUT = "rsync_exporter", rsync_exporter.__doc__ or ""


def run(settings: Settings, stop: Stop) -> None:
    """Follow the log and serve the counts until stopped."""
    registry, health = CollectorRegistry(), Health()
    add_build_info(NAME, registry)
    exporter = Exporter(settings, registry, health, stop)
    with serve(NAME, ABOUT, settings.rsync_exporter_port, registry, health):
        exporter.run()


def check(settings: Settings) -> Iterator[str]:
    """Try to open the log."""
    try:
        LogFile.open(settings.rsync_exporter_log).close()
    except OSError as error:
        yield f"RSYNC_EXPORTER_LOG: {error}"


service = Service(NAME, ABOUT, Settings, run, check)

if __name__ == "__main__":
    sys.exit(service.main())
