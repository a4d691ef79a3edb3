"""One visit after the other, round after round, and a restart now and then."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import cycle

from demo.rsyncd.client import Client
from demo.rsyncd.daemon import Daemon
from demo.rsyncd.files import lay_out
from demo.rsyncd.settings import Settings
from demo.rsyncd.visits import VISITS, Visit
from servicekit import Health, Stopped

log = logging.getLogger(__name__)

# The slowest visit takes eight seconds; one that hangs is given up after 30.
VISIT_SECONDS = 60


@contextmanager
def visiting(
    client: Client, daemon: Daemon, settings: Settings, health: Health
) -> Iterator[None]:
    """Visit again and again, beside what the block does; stop after it."""
    health.expect("visits", VISIT_SECONDS + settings.visit_pause_seconds)
    thread = threading.Thread(
        target=_visit, args=[client, daemon, settings, health], name="visits"
    )
    thread.start()
    try:
        yield
    finally:
        client.stop.set()
        thread.join()


def _visit(client: Client, daemon: Daemon, settings: Settings, health: Health) -> None:
    restart_due = time.monotonic() + settings.restart_interval_seconds
    with suppress(Stopped):
        for visit in cycle(VISITS):
            client.pause(settings.visit_pause_seconds)  # the daemon may just start
            make(visit, client)
            health.beat("visits")
            if time.monotonic() > restart_due:
                daemon.restart()
                restart_due += settings.restart_interval_seconds


def make(visit: Visit, client: Client) -> None:
    """Make one visit, with all files in place. Raises Stopped."""
    lay_out(client.files)
    try:
        visit.act(client)
    except OSError as error:  # the daemon restarts, or something hangs
        log.warning("visit failed what=%s error=%s", visit.what, error)
    else:
        log.info("visited what=%s outcome=%s", visit.what, visit.outcome)
