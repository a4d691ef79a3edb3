"""What the Netbeam simulator is made of."""

import logging
import sys
from collections.abc import Iterator

from demo import netbeam
from demo.netbeam.server import serve
from demo.netbeam.settings import Settings
from servicekit import Service, ServiceFailed, Stop
from servicekit.web import announce_port

log = logging.getLogger(__name__)


def run(settings: Settings, stop: Stop) -> None:
    """Serve the API until stopped."""
    seed, size, port = (
        settings.netbeam_seed,
        settings.netbeam_size,
        settings.netbeam_port,
    )
    try:
        with serve(seed, size, port) as base_url:
            announce_port(port)
            log.info("serving url=%s size=%s seed=%s", base_url, size, seed)
            stop.wait()
    except OSError as error:
        raise ServiceFailed(f"NETBEAM_PORT {port}: {error}") from error
    log.info("stopped")


def check(_settings: Settings) -> Iterator[str]:
    """Find nothing wrong: nothing outside is needed."""
    yield from ()


service = Service("demo.netbeam", netbeam.__doc__ or "", Settings, run, check)

if __name__ == "__main__":
    sys.exit(service.main())
