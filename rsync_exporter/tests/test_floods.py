"""Floods of what clients make up: labels and memory are bounded, time is linear."""

import re
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from rsync_exporter.tests.records import (
    CONNECT,
    DATES,
    MESSAGE_BYTES,
    MIB,
    PLACES,
    REQUEST,
    SUMMARY,
    in_blocks,
    record,
    session,
)
from rsync_exporter.tests.telling import IN_UTC, Telling, told, total


def test_modules_that_are_made_up_have_few_labels():
    log = b"".join(
        session(
            b"rsync on m%d/ from h (1.2.3.4)" % number, SUMMARY, pid=number + 1
        ).replace(b"module m", b"module m%d" % number)
        for number in range(10_000)
    )
    samples = told(log)
    modules = set(re.findall(r'module="([^"]*)"', " ".join(samples)))
    assert len(modules) == 201
    assert "other" in modules
    assert samples['rsync_exporter_label_overflow_total{label="module"}'] == 9_800
    assert samples["rsync_data_sent_bytes_total"] == 1_000_000


def test_made_up_words_are_no_labels():
    log = session(REQUEST) + b"".join(
        record(message % {b"n": number}, number)
        for number in range(1000)
        for message in (
            b"rsyncd version 3.%(n)d starting, listening on port %(n)d",
            b"connect from h%(n)d (1.2.3.4)",
            b"auth failed on module m from h (1.2.3.4) for u: reason %(n)d",
            b"rsync error: what (code %(n)d) at main.c(1) [role%(n)d=3.5.0]",
            b'rsync: [role%(n)d] operation%(n)d "f" (in m) failed: What (%(n)d)',
            b"unknown module 'module%(n)d' tried from h (1.2.3.4)",
        )
    )
    samples = told(log)
    assert len([name for name in samples if "daemon_info" in name]) == 1
    assert len([name for name in samples if "auth_failures" in name]) == 1
    assert len([name for name in samples if "rsyncd_errors_total" in name]) <= 256
    assert not [
        name
        for name in samples
        if re.search("(role|operation|module|reason )[0-9]", name)
    ]


def test_networks_that_are_many_have_few_labels():
    log = b"".join(
        session(REQUEST, SUMMARY, pid=number + 1).replace(
            b"1.2.3.4", b"1.%d.%d.4" % divmod(number, 256)
        )
        for number in range(5000)
    )
    telling = Telling(replace(IN_UTC, networks_top=50))
    telling.read(log)
    samples = telling.at_the_end()
    networks = set(re.findall(r'network="([^"]*)"', " ".join(samples)))
    assert len(networks) == 51
    assert total(samples, "rsyncd_client_bytes_total") == 5000 * 110


@contextmanager
def peak_of_memory() -> Iterator[Callable[[], int]]:
    """Yield a function that tells the most bytes that were held at a time."""
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_connections_that_are_made_up_cost_little_memory():
    log = b"".join(record(CONNECT, number) for number in range(100_000))
    telling = Telling()
    with peak_of_memory() as peak:
        telling.read(*in_blocks(log))
        assert peak() < 40 * MIB
    samples = telling.samples()
    over = total(samples, "rsyncd_sessions_total")
    assert over + total(samples, "rsyncd_sessions_active") == 100_000
    samples = telling.at_the_end()
    assert samples["rsyncd_connections_without_request_total"] == 100_000


@pytest.mark.parametrize("flood", [(), (REQUEST, SUMMARY)], ids=["scans", "pulls"])
def test_sessions_that_are_many_do_not_end_one_that_goes_on(flood: tuple[bytes, ...]):
    log = b"".join(session(*flood, pid=number) for number in range(5_000, 60_000))
    samples = told(session(REQUEST), log, record(SUMMARY))
    finished = 55_001 if flood else 1
    ok = 'rsyncd_sessions_total{direction="pull",module="m",outcome="ok"}'
    assert samples[ok] == finished
    assert samples["rsync_data_sent_bytes_total"] == 100 * finished


@pytest.mark.parametrize("start", [b"", record(b"rsync on m/").rstrip(b"\n")])
def test_a_line_without_end_costs_no_memory(start: bytes):
    telling = Telling()
    telling.read(session())
    with peak_of_memory() as peak:
        telling.read(start, *(b"a" * MIB for _ in range(10)), ends=False)
        telling.read(b"\n", record(SUMMARY))
        assert peak() < 12 * MIB
    assert telling.at_the_end()["rsync_data_sent_bytes_total"] == 100


def names(filler: bytes) -> Callable[[int], bytes]:
    """Return a maker of logs, in each line of which as much as fits is one filler."""
    starts = [place.partition(b"NAME")[0] for place in PLACES]

    def make(size: int) -> bytes:
        fillers = filler * (60_000 // len(filler))
        log = b"".join(record(start + fillers) for start in starts)
        return log * (size // len(log))

    return make


def repeated(*messages: bytes) -> Callable[[int], bytes]:
    """Return a maker of logs in which these lines come again and again."""
    lines_of_it = b"".join(messages)
    return lambda size: lines_of_it * (size // len(lines_of_it))


def connections(size: int) -> bytes:
    """Return a log of clients that come and ask, and never leave."""
    each = [
        record(message, number)
        for number in range(size // 120)
        for message in (CONNECT, REQUEST)
    ]
    return b"".join(each)


HOSTILE_LOGS: dict[str, Callable[[int], bytes]] = {
    "blanks": names(b" "),
    "quotes": names(b'"'),
    "parentheses": names(b"("),
    "digits": names(b"1"),
    "escapes": names(b"\\#012"),
    "peers": names(b" from h (1.2.3.4)"),
    "reasons": names(b": What (2)"),
    "unended": repeated(record(b"rsync on m/x")),
    "unended files": repeated(session(), record(b"send h [1.2.3.4] m () x")),
    "unended, then nothing": repeated(record(b"rsync on m/x"), b"\n" * 2_000),
    "cut": repeated(record(b"rsync on m/".ljust(MESSAGE_BYTES, b"a")).rstrip(b"\n")),
    "clients that stay": connections,
    "days": repeated(*(record(CONNECT, at=date) for date in DATES)),
}


@pytest.mark.parametrize("make", HOSTILE_LOGS.values(), ids=HOSTILE_LOGS)
def test_twice_as_much_takes_about_twice_as_long(make: Callable[[int], bytes]):
    size = MIB // 8
    while seconds_for(make(size)) < 0.05 and size < 16 * MIB:
        size *= 2
    for _ in range(5):
        ratio = seconds_for(make(2 * size)) / seconds_for(make(size))
        if ratio < 3:
            return
    pytest.fail(f"time grows {ratio:.1f} times where the log grows 2 times")


def seconds_for(log: bytes) -> float:
    """Return how long the processor takes to read a log, at best."""
    return min(_seconds_for(log) for _ in range(2))


def _seconds_for(log: bytes) -> float:
    telling = Telling()
    blocks = list(in_blocks(log))
    started = time.process_time()
    telling.read(*blocks)
    return time.process_time() - started
