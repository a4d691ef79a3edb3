"""What the demo of rsyncd is made of."""

import logging
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing, suppress

from prometheus_client import CollectorRegistry

from demo import rsyncd
from demo.rsyncd.client import PATIENCE_SECONDS, Client
from demo.rsyncd.conf import Conf
from demo.rsyncd.daemon import Daemon
from demo.rsyncd.files import lay_out
from demo.rsyncd.log_files import rotate
from demo.rsyncd.pull import pull
from demo.rsyncd.rounds import visiting
from demo.rsyncd.settings import Settings
from servicekit import Health, Service, ServiceFailed, Stop, Stopped, every, serve

log = logging.getLogger(__name__)

NAME, ABOUT = "demo.rsyncd", rsyncd.__doc__ or ""


def run(settings: Settings, stop: Stop) -> None:
    """Serve, pull and visit until stopped, or until the daemon ends."""
    conf, health, ended = Conf.read(settings.rsyncd_config), Health(), list[int]()
    client = Client(conf.port, conf.files, stop)
    lay_out(conf.files)

    def end(code: int) -> None:
        ended.append(code)
        stop.set()

    def pull_and_rotate() -> None:
        pull(client, health)
        rotate(conf.logs, settings.max_log_bytes)

    health.expect("pulls", 3 * settings.pull_interval_seconds + PATIENCE_SECONDS)
    with (
        closing(Daemon(conf.path, end)) as daemon,
        serve(NAME, ABOUT, settings.health_port, CollectorRegistry(), health),
        visiting(client, daemon, settings, health),
        suppress(Stopped),
    ):
        every(settings.pull_interval_seconds, pull_and_rotate, stop)
    if ended:
        raise ServiceFailed(f"the rsync daemon ended with exit code {ended[0]}")
    log.info("stopped")


def check(settings: Settings) -> Iterator[str]:
    """Read the daemon's configuration and look for rsync."""
    Conf.read(settings.rsyncd_config)
    if not shutil.which("rsync"):
        yield "rsync: not found"


service = Service(NAME, ABOUT, Settings, run, check)

if __name__ == "__main__":
    sys.exit(service.main())
