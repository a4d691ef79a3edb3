"""Every visit leaves in the log of a real daemon what it promises."""

import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from demo.rsyncd.client import Client
from demo.rsyncd.conf import Conf
from demo.rsyncd.daemon import Daemon
from demo.rsyncd.files import lay_out
from demo.rsyncd.rounds import make
from demo.rsyncd.tests.running import eventually, write_conf
from demo.rsyncd.visits import VISITS, Visit
from servicekit import Stop

pytestmark = pytest.mark.integration

STAMP = re.compile(rb"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[\d+\] ", re.MULTILINE)


@pytest.fixture(scope="module")
def demo() -> Iterator[Conf]:
    """Serve the demo's own configuration, in a folder that anybody may enter."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        # Nobody, as root may read every file.
        conf = Conf.read(write_conf(Path(folder), uid="nobody"))
        lay_out(conf.files)
        (conf.files / "incoming").chmod(0o777)
        ended: list[int] = []
        with closing(Daemon(conf.path, ended.append)):
            eventually(lambda: client_of(conf).run("DAEMON/") == 0, "a daemon")
            yield conf
        assert not ended


def client_of(demo: Conf) -> Client:
    return Client(demo.port, demo.files, Stop())


def messages(demo: Conf) -> Counter[bytes]:
    """Return how often each message is in the logs, their stamps removed."""
    logs = b"".join(log.read_bytes() for log in demo.logs if log.exists())
    return Counter(STAMP.sub(b"", logs).splitlines())


@pytest.mark.parametrize("visit", VISITS, ids=lambda visit: visit.what)
def test_visit_leaves_what_it_promises(demo: Conf, visit: Visit):
    before = messages(demo)

    make(visit, client_of(demo))

    def left() -> bool:
        new = messages(demo) - before
        return any(re.fullmatch(visit.leaves, message) for message in new)

    eventually(left, f"a line of the log {visit.leaves!r}")


def test_a_port_scan_asks_for_nothing(demo: Conf):
    before = messages(demo)

    make(VISITS[0], client_of(demo))
    eventually(lambda: client_of(demo).run("DAEMON/") == 0, "an answer afterwards")

    new = messages(demo) - before
    assert [line.split()[0] for line in new.elements()] == [
        *(b"connect", b"connect", b"module-list")
    ]
