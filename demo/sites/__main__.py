"""What the demo site is made of."""

import logging
import sys
from collections.abc import Iterator

from demo import sites
from demo.sites.server import serve
from demo.sites.settings import Settings
from servicekit import Service, ServiceFailed, Stop
from servicekit.web import announce_port

log = logging.getLogger(__name__)


def run(settings: Settings, stop: Stop) -> None:
    """Serve the pages until stopped."""
    try:
        with serve(stop, *settings.sites_ports) as ports:
            announce_port(ports[0])
            log.info("serving ports=%s", ",".join(map(str, ports)))
            stop.wait()
    except OSError as error:
        raise ServiceFailed(f"SITES_PORTS: {error}") from error
    log.info("stopped")


def check(_settings: Settings) -> Iterator[str]:
    """Find nothing wrong: nothing outside is needed."""
    yield from ()


service = Service("demo.sites", sites.__doc__ or "", Settings, run, check)

if __name__ == "__main__":
    sys.exit(service.main())
