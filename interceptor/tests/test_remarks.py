from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from interceptor.remarks import Remarks
from servicekit import Health

# Recorded from tcpdump 4.99: started, asked by SIGUSR1 twice, ended by SIGTERM.
ONE_RUN = [
    b"tcpdump: verbose output suppressed, use -v[v]... for full protocol decode\n",
    b"listening on lo, link-type EN10MB (Ethernet), snapshot length 262144 bytes\n",
    b"tcpdump: 15 packets captured, 30 packets received by filter,"
    b" 0 packets dropped by kernel\n",
    b"tcpdump: 28 packets captured, 56 packets received by filter,"
    b" 1 packet dropped by kernel\n",
    b"28 packets captured\n",
    b"58 packets received by filter\n",
    b"1 packet dropped by kernel\n",
]
NO_INTERFACE = [
    b"tcpdump: nosuch0: No such device exists\n",
    b"(No such device exists)\n",
]


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def remarks(registry: CollectorRegistry, health: Health) -> Remarks:
    return Remarks(registry, health)


def received_and_dropped(registry: CollectorRegistry) -> tuple[float | None, ...]:
    return tuple(
        registry.get_sample_value(f"interceptor_kernel_{what}_packets_total")
        for what in ("received", "dropped")
    )


def test_counts_of_one_run(remarks: Remarks, registry: CollectorRegistry):
    assert received_and_dropped(registry) == (0, 0)
    remarks.hear(ONE_RUN)
    assert received_and_dropped(registry) == (58, 1)


def test_a_new_tcpdump_counts_from_zero(remarks: Remarks, registry: CollectorRegistry):
    remarks.hear(ONE_RUN)
    remarks.hear(ONE_RUN[:3])
    assert received_and_dropped(registry) == (88, 1)


def test_capture_is_healthy_once_tcpdump_listens(remarks: Remarks, health: Health):
    assert health.problems() == {"tcpdump": "not started yet"}
    remarks.hear(ONE_RUN[:1])
    assert health.problems() == {"tcpdump": "not started yet"}
    remarks.hear(ONE_RUN[:2])
    assert health.problems() == {}


def test_signals_are_safe_only_while_it_listens(remarks: Remarks):
    heard = []

    def lines() -> Iterator[bytes]:
        for line in ONE_RUN:
            heard.append(remarks.listening)
            yield line

    remarks.hear(lines())
    assert heard == [False, False, True, True, True, True, True]
    assert not remarks.listening


def test_complaints_are_logged(remarks: Remarks, caplog: pytest.LogCaptureFixture):
    remarks.hear(NO_INTERFACE)
    assert [record.message for record in caplog.records] == [
        "tcpdump says: nosuch0: No such device exists",
        "tcpdump says: (No such device exists)",
    ]
    assert remarks.last_complaint == "(No such device exists)"


def test_the_usual_is_not(remarks: Remarks, caplog: pytest.LogCaptureFixture):
    caplog.set_level("WARNING")
    remarks.hear(ONE_RUN)
    assert caplog.records == []
    assert remarks.last_complaint == ""
