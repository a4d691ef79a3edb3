"""mtail with its own program for rsyncd, and the exporter, on the same logs.

mtail 3.0.9 is that of Debian 13, its program that of its package. What it was found to
get wrong before (3.0.0~rc50) is looked at again here, and said as it is now.
"""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from rsync_exporter.tests.telling import Samples, Telling, name_of, told

DATA = Path(__file__).parent / "data"
TRANSFER_LOG = (DATA / "rsyncd_transferlog_raw.log").read_bytes()
DEFAULT_LOG = (DATA / "rsyncd_default_raw.log").read_bytes()
ODD_LOG = (DATA / "rsyncd_odd_raw.log").read_bytes()

type Mtail = Callable[..., Samples]

PROGRAM = Path("/usr/share/doc/mtail/examples/rsyncd.mtail").read_text(encoding="ascii")


@pytest.fixture
def mtail(tmp_path: Path) -> Mtail:
    """Return a function that has mtail read a log and tell its metrics."""

    def read(log: bytes, program: str = PROGRAM) -> Samples:
        (tmp_path / "rsyncd.mtail").write_text(program, encoding="ascii")
        (tmp_path / "rsyncd.log").write_bytes(log)
        run = subprocess.run(
            [
                *("mtail", "-one_shot", "-one_shot_format", "prometheus"),
                *(
                    "-progs",
                    tmp_path / "rsyncd.mtail",
                    "-logs",
                    tmp_path / "rsyncd.log",
                ),
                *("-override_timezone", "UTC", "-emit_prog_label=false"),
            ],
            capture_output=True,
            check=True,
            timeout=30,
        )
        return {
            name_of(sample): sample.value
            for family in text_string_to_metric_families(run.stdout.decode())
            for sample in family.samples
        }

    return read


def test_a_name_that_is_no_utf_8(mtail: Mtail):
    """(a) rc50 stopped at the first such byte; 3.0.9 reads on, as the exporter does."""
    log = DEFAULT_LOG * 20
    assert b"\xe9\xff" in log
    assert mtail(log)["connections_total"] == 20 * 53
    assert told(log)["rsync_connections_total"] == 20 * 53


def test_a_file_that_is_called_like_a_message(mtail: Mtail):
    """(b) Two transfers of `connect from evil (1.2.3.4)` are no connections."""
    assert TRANSFER_LOG.count(b"] connect from ") == 53
    assert mtail(TRANSFER_LOG)["connections_total"] == 55
    assert told(TRANSFER_LOG)["rsync_connections_total"] == 53


def test_names_with_blanks(mtail: Mtail):
    """(c) Six of 27 files that were sent have a name with blanks or tabs."""
    sent = re.findall(
        rb"] send \S+ \S+ exercise \(\) (.+) \d+$", TRANSFER_LOG, re.MULTILINE
    )
    assert len(sent) == 27
    assert sum(len(name.split()) > 1 for name in sent) == 6
    by_mtail = mtail(TRANSFER_LOG)
    assert by_mtail['transfers_total{module="exercise",operation="send"}'] == 21
    samples = told(TRANSFER_LOG)
    assert samples['rsyncd_files_total{module="exercise",operation="send"}'] == 27


def test_the_end_of_the_daemon_itself(mtail: Mtail):
    """(d) The daemon's last line is of no session, least of all of one since 1970."""
    assert mtail(DEFAULT_LOG)["connection_time_total"] > 1_000_000_000
    assert seconds_of_sessions(told(DEFAULT_LOG)) == 16


def test_clients_with_ipv6(mtail: Mtail):
    """(e) Two clients came over IPv6."""
    log = b"".join(re.findall(rb"^.*\[72(?:01|10)\].*\n", ODD_LOG, re.MULTILINE))
    assert log.count(b"] connect from UNKNOWN (::1)") == 2
    assert mtail(log)["connections_total"] == 0
    assert told(log)["rsync_connections_total"] == 2


def test_sessions_without_a_last_line(mtail: Mtail):
    """(f) mtail keeps the start of a session until its `sent`, which many have not.

    Its program hides what it keeps; without that one word it is seen.
    """
    assert "hidden gauge connection_time " in PROGRAM
    kept = mtail(DEFAULT_LOG, PROGRAM.replace("hidden gauge", "gauge"))
    unended = [name for name in kept if name.startswith("connection_time{")]
    assert len(unended) == 53 - DEFAULT_LOG.count(b"] sent ") + 1  # one is the daemon's

    telling = Telling()
    telling.read(DEFAULT_LOG)
    assert sum(active(telling.samples())) == 3
    assert sum(active(telling.at_the_end())) == 0


def test_a_request_with_records_in_it(mtail: Mtail):
    """(g) One client asked for a file whose name reads like two records.

    rsync 3.5.0 wrote its newlines escaped; mtail looks for messages anywhere in a line.
    """
    log = b"".join(re.findall(rb"^.*\[7362\].*\n", ODD_LOG, re.MULTILINE))
    by_mtail = mtail(log)
    assert by_mtail["connections_total"] == 3
    assert by_mtail['bytes_total{operation="sent"}'] == 158 + 999_999_999_999
    samples = told(log)
    assert samples["rsync_connections_total"] == 1
    assert samples["rsync_data_sent_bytes_total"] == 158


def seconds_of_sessions(samples: Samples) -> float:
    """Return how long all sessions took together."""
    start = "rsyncd_session_duration_seconds_sum{"
    return sum(value for name, value in samples.items() if name.startswith(start))


def active(samples: Samples) -> list[float]:
    """Return the number of sessions in progress, module by module."""
    start = "rsyncd_sessions_active"
    return [value for name, value in samples.items() if name.startswith(start)]
