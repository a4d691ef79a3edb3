"""Input that is wrong, by accident or on purpose: what becomes of it is always seen.

Up to 3.4.4 rsync writes names as they are, newlines included: whoever asks for a file
can have lines in the log that look like the daemon's own.
"""

import re
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsync_exporter.tests.telling import IN_UTC, Samples, Telling, told

DATA = Path(__file__).parent / "data"
RECORDED = b"".join(path.read_bytes() for path in sorted(DATA.glob("*.log")))

MESSAGE_BYTES = 2047
MIB = 1 << 20


def record(
    message: bytes, pid: int = 4321, at: bytes = b"2026/11/21 20:55:40"
) -> bytes:
    """Return a line as the daemon writes it."""
    return b"%b [%d] %b\n" % (at, pid, message)


CONNECT = b"connect from h (1.2.3.4)"
ALLOWED = b"rsync allowed access on module m from h (1.2.3.4)"
REQUEST = b"rsync on m/x from h (1.2.3.4)"
SUMMARY = b"sent 100 bytes  received 10 bytes  total size 1000"


def session(*messages: bytes, pid: int = 4321) -> bytes:
    """Return the lines of a session with these messages after its first two."""
    return b"".join(record(one, pid) for one in (CONNECT, ALLOWED, *messages))


def session_with(place: bytes, name: bytes) -> bytes:
    """Return a session in one of whose messages a client's name stands."""
    request = () if place.startswith((b"rsync on", b"rsync to")) else (REQUEST,)
    return session(*request, place.replace(b"NAME", name), SUMMARY)


def of_the_daemon(samples: Samples) -> Samples:
    """Leave out what is told of the exporter itself."""
    own = "rsync_exporter_"
    return {name: value for name, value in samples.items() if not name.startswith(own)}


def lines(samples: Samples, result: str) -> float:
    """Return how many lines were read in a way."""
    name = f'rsync_exporter_lines_total{{file="rsyncd.log",result="{result}"}}'
    return samples.get(name, 0)


def number_of_lines(samples: Samples) -> float:
    """Return how many lines there were, by how they were read.

    A record on another's line is counted as one more, and as split off.
    """
    results = ("matched", "ignored", "unparsed", "suspect", "joined")
    each = sum(lines(samples, result) for result in results)
    return each - lines(samples, "split")


def total(samples: Samples, metric: str) -> float:
    """Return the sum of a metric over its labels."""
    return sum(v for name, v in samples.items() if name.partition("{")[0] == metric)


# ---- names -------------------------------------------------------------------------

ODD_NAMES = (
    b"esc\x1b[31m",
    b"nul\x00",
    b"latin-1 \xe9\xff",
    "UTF-8 é日本".encode(),
    b"UTF-8 as 3.5.0 writes it \xe6\\#227\xa5",
    b"tab\there",
    b"return\r",
    b"quote\" and 'quote'",
    b"(parentheses) [brackets] {braces}",
    b"an escape \\#134#012 escaped",
    b"half an escape \\#0",
    b" ",
    b"from evil (9.9.9.9)",
    b"x from evil (9.9.9.9)",
    b"x tried from evil (9.9.9.9)",
    b"new\nline",
    b"\n\n\n",
    b'new "line"\n',
    b"new (line)\nin parentheses",
)
PLACES = (
    b"rsync on m/NAME from h (1.2.3.4)",
    b"rsync to m/NAME from user@h (1.2.3.4)",
    b"send h [1.2.3.4] m () NAME 5",
    b"recv h [1.2.3.4] m () NAME 5",
    b"del. h [1.2.3.4] m () NAME 0",
    b'rsync: [sender] link_stat "NAME" (in m) failed: No such file or directory (2)',
    b'rsync: link_stat "NAME" (in m) failed: No such file or directory (2)',
    b'file has vanished: "NAME" (in m)',
)
EACH_PLACE = pytest.mark.parametrize("place", PLACES, ids=lambda p: p[:15].decode())

HUGE = b"sent 999999999999 bytes  received 999999999999 bytes  total size 7"
FORGED = (
    HUGE,
    b"connect from evil (9.9.9.9)",
    b"rsync allowed access on module evil from h (1.2.3.4)",
    b"rsync on evil/x from h (1.2.3.4)",
    b"rsync error: error in file IO (code 11) at main.c(1) [sender=3.2.7]",
    b"auth failed on module evil from h (1.2.3.4) for root: password mismatch",
    b"rsyncd version 9.9.9 starting, listening on port 1",
    b"max connections (99) reached",
    b"send h [1.2.3.4] evil () x 999999999999",
    b"name lookup failed for 9.9.9.9: Name or service not known",
)
DATES = (b"2017/09/04 09:55:40", b"2026/11/21 20:55:40", b"2026/11/23 20:55:40")


@EACH_PLACE
@pytest.mark.parametrize("forged", FORGED, ids=lambda message: message[:15].decode())
@pytest.mark.parametrize("pid", [1012, 4321])
@pytest.mark.parametrize("date", DATES)
def test_a_record_in_a_name_is_part_of_the_name(
    place: bytes, forged: bytes, pid: int, date: bytes
):
    name = b"x\n" + record(forged, pid, date).rstrip(b"\n")
    samples = told(session_with(place, name))
    assert of_the_daemon(samples) == of_the_daemon(told(session_with(place, b"x")))
    assert lines(samples, "joined") == 1


@EACH_PLACE
@pytest.mark.parametrize("forged", FORGED, ids=lambda message: message[:15].decode())
def test_a_record_in_an_escaped_name_is_part_of_the_name(place: bytes, forged: bytes):
    name = b"x\\#012" + record(forged).rstrip(b"\n") + b"\\#012"
    samples, harmless = (told(session_with(place, one)) for one in (name, b"x"))
    assert of_the_daemon(samples) == of_the_daemon(harmless)
    assert lines(samples, "matched") == lines(harmless, "matched")
    assert number_of_lines(samples) == number_of_lines(harmless)


@EACH_PLACE
@pytest.mark.parametrize("date", DATES)
def test_names_full_of_records_add_no_bytes(place: bytes, date: bytes):
    forged = b"".join(record(message, 1012, date) for message in FORGED)
    samples = told(session_with(place, b"x\n" + forged + b"x"))
    assert samples.get("rsync_data_sent_bytes_total") == 100
    assert samples.get("rsync_data_received_bytes_total") == 10
    assert total(samples, "rsyncd_sent_bytes_total") == 100


@EACH_PLACE
@pytest.mark.parametrize("name", ODD_NAMES)
def test_what_bytes_a_name_has_makes_no_difference(place: bytes, name: bytes):
    samples = told(session_with(place, name))
    assert of_the_daemon(samples) == of_the_daemon(told(session_with(place, b"x")))


def test_lines_of_sessions_that_never_began_are_suspect():
    forged = (HUGE, FORGED[4], REQUEST, ALLOWED, FORGED[5])
    log = b"".join(record(message, 1012) for message in forged)
    samples = told(session(REQUEST, SUMMARY) + log)
    assert of_the_daemon(samples) == of_the_daemon(told(session(REQUEST, SUMMARY)))
    assert lines(samples, "suspect") == len(forged)


@pytest.mark.parametrize(
    "date", [DATES[0], b"2026/11/20 20:55:39", b"2126/11/21 20:55:40"]
)
def test_records_of_another_day_are_suspect(date: bytes):
    log = session(REQUEST) + record(HUGE, at=date) + record(SUMMARY)
    samples = told(log)
    assert of_the_daemon(samples) == of_the_daemon(told(session(REQUEST, SUMMARY)))
    assert lines(samples, "suspect") == 1


def test_a_clock_that_was_set_is_believed_in_the_end():
    before = session(REQUEST, SUMMARY)
    after = before.replace(b"2026/11/21", b"2025/01/01") * 100
    samples = told(before + after)
    assert samples["rsync_connections_total"] > 50


def test_a_session_moves_its_bytes_once():
    samples = told(session(REQUEST, SUMMARY) + record(HUGE))
    assert samples["rsync_data_sent_bytes_total"] == 100
    assert lines(samples, "suspect") == 1


# ---- cut messages ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("length", "connections"), [(2046, 1), (2047, 2), (2048, 1), (3000, 1), (4094, 1)]
)
def test_only_a_cut_message_has_a_record_behind_it(length: int, connections: int):
    message = b"rsync on m/".ljust(length, b"a")
    log = session(message).rstrip(b"\n") + record(CONNECT, 77)
    assert told(log)["rsync_connections_total"] == connections


def cut(line: bytes) -> bytes:
    """Return a line as far as the daemon writes it."""
    start = line.index(b"] ") + 2
    return line[: start + MESSAGE_BYTES]


@pytest.mark.parametrize("escaped", [1, 400, 2000])
@pytest.mark.parametrize(("shift", "connections"), [(-1, 1), (0, 2), (1, 1)])
def test_a_message_is_cut_before_it_is_escaped(
    escaped: int, shift: int, connections: int
):
    message = b"rsync on m/".ljust(MESSAGE_BYTES + shift - escaped, b"a")
    log = session(message + b"\\#012" * escaped).rstrip(b"\n") + record(CONNECT, 77)
    assert told(log)["rsync_connections_total"] == connections


def test_several_cut_messages_share_a_line():
    message = b"rsync on m/".ljust(MESSAGE_BYTES, b"a")
    log = session(message).rstrip(b"\n")
    building = record(b"building " + message).rstrip(b"\n")
    samples = told(log + cut(building) + cut(building) + record(SUMMARY))
    assert samples["rsync_executions_total"] == 1
    assert samples["rsync_data_sent_bytes_total"] == 100
    assert lines(samples, "split") == 3
    assert number_of_lines(samples) == 3


# ---- numbers and times -------------------------------------------------------------


@pytest.mark.parametrize("digits", range(1, 11))
def test_process_numbers_of_any_length(digits: int):
    samples = told(session(REQUEST, SUMMARY, pid=10**digits - 1))
    assert total(samples, "rsyncd_sessions_total") == 1
    assert samples["rsync_data_sent_bytes_total"] == 100


@pytest.mark.parametrize(
    ("number", "value"),
    [
        (b"0", 0),
        (b"5370019986", 5370019986),
        (b"1,234,567", 1234567),  # rsync 3.1.0
        (b"9223372036854775807", float(2**63)),
        (b"9" * 25, float("9" * 25)),
        (b"9" * 30_000, 0),
        (b"-5", 0),
        (b"", 0),
        (b"\xd9\xa3", 0),  # a digit, but of another script
    ],
)
def test_numbers_of_any_size(number: bytes, value: float):
    summary = b"sent %b bytes  received 10 bytes  total size 1000" % number
    assert (
        told(session(REQUEST, summary)).get("rsync_data_sent_bytes_total", 0) == value
    )


@pytest.mark.parametrize(
    "date",
    [
        b"0000/00/00 00:00:00",
        b"0001/01/01 00:00:00",
        b"1969/12/31 23:59:59",
        b"2026/02/30 12:00:00",
        b"2026/13/01 25:61:61",
        b"9999/99/99 99:99:99",
        b"9999/12/31 23:59:59",
    ],
)
def test_times_that_never_were(date: bytes):
    log = session(REQUEST, SUMMARY)
    samples = told(log + record(CONNECT, 5, date) + record(SUMMARY, 5, date))
    assert number_of_lines(samples) == 6
    assert (
        samples['rsyncd_session_duration_seconds_count{direction="pull",module="m"}']
        == 1
    )


def test_a_time_that_cannot_be_read_is_no_worse_after_one_that_is_suspect():
    summary = record(SUMMARY, at=b"9999/99/99 99:99:99")
    samples = told(session(REQUEST) + record(HUGE, at=DATES[0]) + summary)
    assert samples["rsync_data_sent_bytes_total"] == 100


def test_a_session_that_ends_before_it_began_took_no_time():
    log = session(REQUEST) + record(SUMMARY, at=b"2026/11/21 20:55:30")
    samples = told(log)
    assert total(samples, "rsyncd_session_duration_seconds_count") == 1
    assert total(samples, "rsyncd_session_duration_seconds_sum") == 0
    assert samples["rsync_exporter_clock_regressions_total"] == 1


# ---- what is no log of a daemon ----------------------------------------------------


def test_an_empty_log_says_nothing():
    assert of_the_daemon(told(b"")) == {}


def test_empty_lines_are_counted():
    samples = told(b"\n" * 1000)
    assert of_the_daemon(samples) == {}
    assert lines(samples, "unparsed") == 1000


def test_lines_of_another_system_are_not_taken_for_records():
    samples = told(session(REQUEST, SUMMARY).replace(b"\n", b"\r\n"))
    assert of_the_daemon(samples) == {}
    assert number_of_lines(samples) == 4
    assert lines(samples, "matched") == 0


def test_a_program_is_not_taken_for_a_log():
    program = Path("/bin/ls").read_bytes()
    samples = told(program)
    assert of_the_daemon(samples) == {}
    assert lines(samples, "unparsed") == program.count(b"\n")


def test_the_log_of_a_client_adds_nothing():
    log = (DATA / "client_log_file.log").read_bytes()
    samples = told(log)
    assert of_the_daemon(samples) == {}
    assert number_of_lines(samples) == log.count(b"\n")
    assert lines(samples, "matched") == 0


@pytest.mark.parametrize("start", [b"", record(b"rsync on m/").rstrip(b"\n")])
def test_a_line_without_end_costs_no_memory(start: bytes):
    telling = Telling()
    telling.read(session())
    with peak_of_memory() as peak:
        telling.read(start, *(b"a" * MIB for _ in range(10)), ends=False)
        telling.read(b"\n", record(SUMMARY))
        assert peak() < 12 * MIB
    assert telling.at_the_end()["rsync_data_sent_bytes_total"] == 100


@contextmanager
def peak_of_memory() -> Iterator[Callable[[], int]]:
    """Yield a function that tells the most bytes that were held at a time."""
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# ---- floods ------------------------------------------------------------------------


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


# ---- anything at all ---------------------------------------------------------------

RECORDED_LINES = RECORDED.splitlines()
STAMPS = st.sampled_from(
    [
        *(b"2026/11/21 20:55:%02d" % second for second in range(0, 60, 7)),
        *(b"2026/11/21 21:55:40", b"2026/11/22 20:55:39", b"2026/11/20 20:55:40"),
        *(*DATES, b"9999/99/99 99:99:99", b"0000/00/00 00:00:00"),
    ]
)
PIDS = st.sampled_from([b"1", b"2", b"3", b"0", b"007", b"99999999999"])
MESSAGES = st.one_of(
    st.sampled_from([*FORGED, CONNECT, ALLOWED, REQUEST, SUMMARY]),
    st.sampled_from(RECORDED_LINES).map(lambda line: line.partition(b"] ")[2]),
    st.sampled_from(PLACES).map(lambda place: place.partition(b"NAME")[0]),
    st.binary(max_size=50),
)
RECORDS = st.tuples(STAMPS, PIDS, MESSAGES, st.binary(max_size=5)).map(
    lambda parts: b"%b [%b] %b%b" % parts
)
LINES = st.one_of(RECORDS, st.binary(max_size=100), st.sampled_from(RECORDED_LINES))
LOGS = st.lists(LINES, max_size=40).map(b"\n".join)


@st.composite
def damaged_logs(draw: st.DrawFn) -> bytes:
    """Recorded logs of which some bytes were replaced, inserted or left out."""
    start = draw(st.integers(0, len(RECORDED) - 5_000))
    log = bytearray(RECORDED[start : start + 5_000])
    for _ in range(draw(st.integers(1, 20))):
        place = draw(st.integers(0, len(log)))
        log[place : place + draw(st.integers(0, 9))] = draw(st.binary(max_size=9))
    return bytes(log)


def assert_consistent(samples: Samples, log: bytes) -> None:
    """Check what must hold whatever was read: each line and session counts once."""
    assert number_of_lines(samples) == log.count(b"\n")
    sessions = total(samples, "rsyncd_sessions_total")
    assert sessions == samples.get("rsync_connections_total", 0)
    assert total(samples, "rsyncd_sessions_active") == 0
    assert all(value > 0 for value in samples.values())


@settings(deadline=None, max_examples=300)
@given(LOGS | damaged_logs())
def test_any_log_is_counted_line_by_line(log: bytes):
    assert_consistent(told(log), log)


@settings(deadline=None, max_examples=100)
@given(LOGS | damaged_logs(), st.data())
def test_any_log_is_the_same_however_it_is_cut(log: bytes, data: st.DataObject):
    cuts = data.draw(st.lists(st.integers(0, len(log)), max_size=10).map(sorted))
    pieces = [log[a:b] for a, b in pairwise([0, *cuts, len(log)])]
    assert unhurried(told(*pieces)) == unhurried(told(log))


@settings(deadline=None, max_examples=100)
@given(LOGS | damaged_logs(), st.data())
def test_any_log_is_the_same_after_a_restart(log: bytes, data: st.DataObject):
    lines_of_it = log.splitlines(keepends=True)
    stop = data.draw(st.integers(0, len(lines_of_it)))
    telling = Telling()
    telling.read(*lines_of_it[:stop], ends=False)
    telling.restart()
    telling.read(*lines_of_it[stop:])
    assert unhurried(telling.at_the_end()) == unhurried(told(log))


def unhurried(samples: Samples) -> Samples:
    """Leave out what the clock on the wall tells."""
    return samples | {"rsync_exporter_lag_seconds": 0}


# ---- time --------------------------------------------------------------------------


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


def in_blocks(log: bytes) -> Iterator[bytes]:
    """Yield a log in pieces as it is read from a disk."""
    for place in range(0, len(log), MIB):
        yield log[place : place + MIB]
