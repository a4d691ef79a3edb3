"""What rsync_exporter is made of."""

import sys
from collections.abc import Iterable

from prometheus_client import CollectorRegistry

import rsync_exporter
from rsync_exporter.check import problems
from rsync_exporter.exporter import Exporter
from rsync_exporter.once import once
from rsync_exporter.reload import Reload
from rsync_exporter.settings import Settings
from servicekit import Health, Service, Stop, serve
from servicekit.metrics import add_build_info

NAME, ABOUT = "rsync_exporter", rsync_exporter.__doc__ or ""


def run(settings: Settings, stop: Stop) -> None:
    """Follow the log and serve the counts until stopped."""
    registry, health = CollectorRegistry(), Health()
    add_build_info(NAME, registry)
    with Reload(settings, registry).on_hangup() as reload:
        exporter = Exporter(settings, reload, registry, health, stop)
        with serve(NAME, ABOUT, settings.rsync_exporter_port, registry, health):
            exporter.run()


def check(settings: Settings) -> Iterable[str]:
    """Open every log and try what else there is to try."""
    return problems(settings)


service = Service(
    *(NAME, ABOUT, Settings, run, check),
    readers={
        "--once": (
            "read these files (also packed by gzip, bzip2 or xz; - is standard "
            "input), print the metrics, then exit",
            once,
        )
    },
)

if __name__ == "__main__":
    sys.exit(service.main())
