"""One visit after the other, round after round, and a restart now and then."""

import logging
import time
from contextlib import suppress
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


def visit_again_and_again(
    client: Client, daemon: Daemon, settings: Settings, health: Health
) -> None:
    """Visit until stopped."""
    pause_seconds = settings.visit_pause_seconds
    health.expect("visits", VISIT_SECONDS + pause_seconds)
    restart_due = time.monotonic() + settings.restart_interval_seconds
    with suppress(Stopped):
        for visit in cycle(VISITS):
            client.pause(pause_seconds)  # the daemon may just have started
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
