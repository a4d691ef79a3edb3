"""What a daemon's lines add up to, session by session."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsync_exporter.rsyncd.conf import Module
from rsync_exporter.rsyncd.line_format import LineFormat
from rsync_exporter.sessions import register
from rsync_exporter.sessions.account import Account, Totals
from rsync_exporter.sessions.options import Options
from rsync_exporter.tail.chunk import Chunk

DATA = Path(__file__).parent / "data"
FILE = "rsyncd.log"

CONNECT = "connect from h (192.0.2.1)"
ALLOWED = "rsync allowed access on module m from h (192.0.2.1)"
PULL = "rsync on m/ from h (192.0.2.1)"
PUSH = "rsync to m/ from h (192.0.2.1)"
SUMMARY = "sent 10 bytes  received 20 bytes  total size 30"
ERROR = "rsync error: error in file IO (code 11) at receiver.c(657) [receiver=3.5.0]"
SET_TIMES = (
    'rsync: [generator] failed to set times on "/." (in m): Operation not permitted (1)'
)
MAX_DELETE = "Deletions stopped due to --max-delete limit (2 skipped)"
LOST = "rsync: [sender] write error: Broken pipe (32)"
SOCKET_ERROR = "rsync error: error in socket IO (code 10) at io.c(949) [sender=3.5.0]"


class Log:
    """A log that is written line by line and read at once."""

    def __init__(self, options: Options | None = None) -> None:
        self.quiet_seconds = 0.0
        self.account = Account(options or Options(), clock=lambda: self.quiet_seconds)

    def write(self, *messages: str, pid: int = 7, at: str = "20:00:00") -> None:
        """Add messages of one process."""
        lines = [f"2026/11/21 {at} [{pid}] {message}".encode() for message in messages]
        self.account.add(Chunk(FILE, 1, lines, ends=True))

    def totals(self) -> Totals:
        """Return everything, once every session is over."""
        self.account.finish()
        return self.account.totals()

    def outcomes(self) -> dict[tuple[str, str, str], int]:
        """Return the sessions that are over."""
        return dict(self.totals().ledger.sessions)

    def results(self) -> dict[str, int]:
        """Return how many lines were what."""
        lines = self.account.totals().ledger.lines
        return {result: number for (_, result), number in lines.items() if number}


@pytest.fixture
def log() -> Log:
    """Return an empty log."""
    return Log()


@pytest.mark.parametrize(
    ("messages", "session"),
    [
        ([], ("", "none", "expired")),
        (["module-list request from h (192.0.2.1)"], ("", "none", "list")),
        (["unknown module 'x' tried from h (1)"], ("", "none", "unknown_module")),
        (["rsync denied on module d from h (1)"], ("d", "none", "denied")),
        ([ALLOWED, "max connections (1) reached"], ("m", "none", "max_connections")),
        (
            [ALLOWED, "auth failed on module m from h (1) for x: password mismatch"],
            ("m", "none", "auth_failed"),
        ),
        ([ALLOWED, "No path specified for module m"], ("m", "none", "config_error")),
        ([ALLOWED, PULL, SUMMARY], ("m", "pull", "ok")),
        ([ALLOWED, PUSH, SUMMARY], ("m", "push", "ok")),
        ([PULL, SUMMARY], ("m", "pull", "ok")),  # an old log
        ([ALLOWED, PULL], ("m", "pull", "expired")),
        ([ALLOWED, PULL, 'file has vanished: "a"', SUMMARY], ("m", "pull", "partial")),
        ([ALLOWED, PUSH, ERROR], ("m", "push", "error")),
        ([ALLOWED, PULL, SUMMARY, ERROR], ("m", "pull", "error")),
        ([ALLOWED, PULL, ERROR, SUMMARY], ("m", "pull", "error")),
        ([ALLOWED, PULL, LOST, SUMMARY, SOCKET_ERROR], ("m", "pull", "aborted")),
        ([ALLOWED, PULL, SUMMARY, SOCKET_ERROR], ("m", "pull", "error")),
        (
            [ALLOWED, PULL, "[sender] io timeout after 2 seconds -- exiting"],
            ("m", "pull", "timeout"),
        ),
        (
            [ALLOWED, PUSH, "ERROR: module is read only", ERROR],
            ("m", "push", "refused"),
        ),
        (  # about one file only
            [ALLOWED, PUSH, 'ERROR: daemon refused to receive file "a"', SUMMARY],
            ("m", "push", "partial"),
        ),
        # Of these, rsyncd logs no end.
        ([ALLOWED, PUSH, SET_TIMES], ("m", "push", "partial")),
        ([ALLOWED, PUSH, MAX_DELETE], ("m", "push", "partial")),
        ([ALLOWED, PULL, 'file has vanished: "a"'], ("m", "pull", "partial")),
        (
            [ALLOWED, PUSH, 'ERROR: daemon refused to receive file "a"'],
            ("m", "push", "partial"),
        ),
        ([ALLOWED, SET_TIMES], ("m", "none", "expired")),
    ],
)
def test_outcomes(log: Log, messages: list[str], session: tuple[str, str, str]):
    log.write(CONNECT, *messages)
    assert log.outcomes() == {session: 1}


def test_one_failed_session_is_one_error(log: Log):
    log.write(CONNECT, ALLOWED, PUSH, ERROR, ERROR)
    ledger = log.totals().ledger
    assert ledger.status_codes == {11: 1}
    assert ledger.errors == {("m", 11, "receiver"): 1}


def test_a_process_number_that_is_used_again_is_another_session(log: Log):
    for _ in range(2):
        log.write(CONNECT, ALLOWED, PUSH, ERROR)
    assert log.totals().ledger.status_codes == {11: 2}


def test_a_session_that_ends_is_counted_two_seconds_later(log: Log):
    log.write(CONNECT, ALLOWED, PULL, SUMMARY)
    assert not log.account.totals().ledger.sessions
    log.write(CONNECT, pid=8, at="20:00:01")
    assert not log.account.totals().ledger.sessions
    log.write(CONNECT, pid=9, at="20:00:02")
    assert log.account.totals().ledger.sessions == {("m", "pull", "ok"): 1}


def test_it_is_counted_on_a_quiet_log_too(log: Log):
    log.write(CONNECT, ALLOWED, PULL, SUMMARY)
    log.quiet_seconds = 2
    log.account.elapse()
    assert log.account.totals().ledger.sessions == {("m", "pull", "ok"): 1}


def test_time_goes_no_faster_for_being_asked_often(log: Log):
    log.write(CONNECT, ALLOWED)
    for second in range(290):
        log.quiet_seconds = second
        log.account.elapse()
    assert log.account.totals().active == {"m": 1}


def test_sessions_in_progress_are_told(log: Log):
    log.write(CONNECT, ALLOWED)
    log.write(CONNECT, pid=8)
    log.write(CONNECT, ALLOWED, PULL, SUMMARY, pid=9)
    assert log.account.totals().active == {"m": 1, "": 1}


@pytest.mark.parametrize(("messages", "minutes"), [([], 6), ([ALLOWED, PULL], 24 * 60)])
def test_a_session_without_an_end_expires(log: Log, messages: list[str], minutes: int):
    log.write(CONNECT, *messages)
    log.quiet_seconds = (minutes - 2) * 60
    log.account.elapse()
    assert log.account.totals().active.values()
    log.quiet_seconds = (minutes + 1) * 60
    log.account.elapse()
    assert not log.account.totals().active
    assert log.account.totals().ledger.without_request == (not messages)


def test_a_session_known_to_be_incomplete_is_partial_once_nothing_follows(log: Log):
    log.write(CONNECT, ALLOWED, PUSH, MAX_DELETE)
    log.write(CONNECT, ALLOWED, PUSH, SET_TIMES, at="20:00:10")
    assert log.account.totals().ledger.sessions == {("m", "push", "partial"): 1}
    log.quiet_seconds = 86_400 + 60
    log.account.elapse()
    assert log.account.totals().ledger.sessions == {("m", "push", "partial"): 2}


def test_nobody_knows_when_a_session_ended_that_did_not_say_so(log: Log):
    log.write(CONNECT, ALLOWED, PUSH, MAX_DELETE)
    ledger = log.totals().ledger
    assert not ledger.durations.by_labels
    assert not ledger.last_session


def test_durations_and_bytes(log: Log):
    log.write(CONNECT, ALLOWED, PULL)
    log.write(SUMMARY, at="20:00:07")
    ledger = log.totals().ledger
    (duration,) = ledger.durations.by_labels.items()
    assert duration == (("m", "pull"), [0, 0, 1, *[0] * 8, 7])
    (transferred,) = ledger.transferred.by_labels.items()
    assert transferred == (("m", "pull"), [1, *[0] * 9, 10])
    assert ledger.module_sent_bytes == {"m": 10}
    assert ledger.module_received_bytes == {"m": 20}
    assert ledger.exchanged_bytes == 30


def test_sessions_of_a_log_without_times_end_too():
    shape = LineFormat.compile(rb"\[(?P<pid>\d+)\] (?P<description>.*)")
    log = Log(Options(lines=shape))
    lines = [f"[7] {each}".encode() for each in (CONNECT, ALLOWED, PULL, SUMMARY)]
    log.account.add(Chunk(FILE, 1, lines, ends=True))
    log.quiet_seconds = 5
    log.account.elapse()
    ledger = log.account.totals().ledger
    assert ledger.sessions["m", "pull", "ok"] == 1
    assert not ledger.last_session
    assert not ledger.durations.by_labels


def test_a_clock_that_went_back_is_counted_and_makes_no_negative_time(log: Log):
    log.write(CONNECT, ALLOWED, PULL, at="20:00:09")
    log.write(SUMMARY, at="20:00:03")
    ledger = log.totals().ledger
    assert ledger.durations.by_labels["m", "pull"][-1] == 0
    assert ledger.clock_regressions == 1


@pytest.mark.parametrize("message", [SUMMARY, ERROR, PULL, ALLOWED])
def test_a_line_of_no_session_is_suspect_and_counts_for_nothing(log: Log, message: str):
    log.write(message)
    expected = Log().totals().ledger
    expected.lines.update(log.account.totals().ledger.lines)
    assert log.totals().ledger == expected
    assert log.results() == {"suspect": 1}


def test_the_second_process_of_a_push_may_tell_that_its_client_is_lost(log: Log):
    log.write("rsync: [receiver] write error: Broken pipe (32)")
    assert log.results() == {"ignored": 1}


@pytest.mark.parametrize("message", [SUMMARY, PULL])
def test_what_comes_twice_in_a_session_is_suspect(log: Log, message: str):
    log.write(CONNECT, ALLOWED, PULL, SUMMARY, message)
    assert log.results()["suspect"] == 1
    assert log.totals().ledger.module_sent_bytes.total() == 10


def test_the_daemon_that_is_told_to_stop_is_no_session(log: Log):
    started = "rsyncd version 3.5.0 starting, listening on port 8737"
    nothing = "sent 0 bytes  received 0 bytes  total size 0"
    log.write(started, nothing, ERROR)
    log.write(nothing, pid=8)  # its start is in the log before
    ledger = log.totals().ledger
    assert (ledger.daemon_starts, ledger.daemon) == (1, {("3.5.0", "8737"): 1})
    assert not ledger.sessions
    assert not ledger.status_codes
    assert log.results() == {"matched": 1, "ignored": 3}


def test_files_of_the_transfer_log(log: Log):
    log.write(
        *(CONNECT, ALLOWED, PUSH),
        "recv h [192.0.2.1] m () sent 9 bytes  received 9 bytes  total size 9 7",
        "del. h [192.0.2.1] m () old 0",
        SUMMARY,
    )
    ledger = log.totals().ledger
    assert ledger.files.by_labels == {
        ("m", "recv"): [1, 7],
        ("m", "delete"): [1, 0],
    }
    assert ledger.module_sent_bytes == {"m": 10}


def test_only_so_many_modules_have_a_label():
    log = Log(Options(max_modules=2))
    for number in range(5):
        log.write(CONNECT, f"rsync denied on module m{number} from h (1)", pid=number)
    totals = log.totals()
    assert totals.ledger.denied == {"m0": 1, "m1": 1, "other": 3}
    assert totals.overflows["module"] == 3


def test_modules_of_the_configuration_are_there_from_the_start():
    module = Module("m", 5, True, b"%o %f %b %l", None)
    log = Log(Options(modules={"m": module}, max_modules=0))
    ledger = log.account.totals().ledger
    assert ledger.sessions["m", "push", "ok"] == 0
    assert ("m", "none", "auth_failed") in ledger.sessions
    assert ledger.connection_limits == {"m": 5}
    log.write(CONNECT, ALLOWED, PULL, "send a 5 9")
    ledger = log.totals().ledger
    assert ledger.files.by_labels == {("m", "send"): [1, 9]}
    assert ledger.transferred_file_bytes == {("m", "send"): 5}


def test_other_options_count_from_now_on(log: Log):
    log.write(CONNECT, ALLOWED, PULL)
    module = Module("m", 0, True, b"%o %f %b %l", None)
    log.account.configure(Options(modules={"m": module}))
    log.write("send a 5 9")
    ledger = log.totals().ledger
    assert ledger.files.by_labels == {("m", "send"): [1, 9]}
    assert ledger.transferred_file_bytes == {("m", "send"): 5}
    assert ledger.connections == 1


def test_what_was_restored_is_shown_at_once(log: Log):
    log.write(CONNECT, ALLOWED, PULL)
    other = Log()
    assert not other.account.totals().active
    other.account.restore(log.account.state())
    assert other.account.totals().active == {"m": 1}
    assert other.account.totals().ledger.connections == 1


def test_a_file_of_which_nothing_moved_has_a_series_too():
    module = Module("m", 0, True, b"%o %f %b %l", None)
    log = Log(Options(modules={"m": module}))
    log.write(CONNECT, ALLOWED, PULL, "send a 0 9")
    assert log.totals().ledger.transferred_file_bytes == {("m", "send"): 0}


def test_a_line_that_tells_of_no_file_has_no_series(log: Log):
    log.write(CONNECT, ALLOWED, PULL, "send h [192.0.2.1] m () a")
    assert not log.totals().ledger.files.by_labels


def test_files_count_for_the_module_that_the_session_has_by_now(log: Log):
    sent = "send h [192.0.2.1] m () a 5"
    log.write(CONNECT, ALLOWED, PULL, sent)
    log.write("rsync denied on module other from h (192.0.2.1)", sent, sent)
    files = log.totals().ledger.files.by_labels
    assert files == {("m", "send"): [1, 5], ("other", "send"): [2, 10]}


def test_sessions_are_joined_over_files(log: Log):
    log.write(CONNECT, ALLOWED)
    lines = [f"2026/11/21 20:00:01 [7] {text}".encode() for text in (PULL, SUMMARY)]
    log.account.add(Chunk("m.log", 2, lines, ends=True))
    assert log.account.streams_in_use() == frozenset()
    assert log.outcomes() == {("m", "pull", "ok"): 1}


def test_daemons_that_write_by_syslog_are_kept_apart(log: Log):
    line = f"<30>Nov 21 20:00:00 rsyncd[7]: {CONNECT}".encode()
    for stream, source in enumerate((b"192.0.2.8", b"192.0.2.9")):
        log.account.add(Chunk("syslog", stream, [line], True, source))
    assert log.account.totals().active == {"": 2}


def test_files_that_sessions_write_to_are_in_use(log: Log):
    log.write(CONNECT, ALLOWED, PULL)
    assert log.account.streams_in_use() == {1}
    log.write(SUMMARY)
    assert not log.account.streams_in_use()


def test_forged_connections_are_bounded(log: Log):
    for pid in range(register.MAX_SESSIONS + 30):
        log.write(CONNECT, pid=pid)
    totals = log.account.totals()
    over = totals.ledger.without_request
    assert totals.active == {"": register.MAX_SESSIONS + 30 - over}
    assert 30 <= over <= register.MAX_SESSIONS // 10


def test_totals_handed_out_stay_as_they_are(log: Log):
    before = log.account.totals()
    log.write(CONNECT, ALLOWED, PULL, SUMMARY)
    log.account.finish()
    assert before.ledger.connections == 0
    assert not before.ledger.sessions
    assert not before.ledger.durations.by_labels


RECORDED = b"".join(
    (DATA / name).read_bytes()
    for name in ("rsyncd_transferlog_raw.log", "cut_message_3.2.7.log")
).split(b"\n")


def counted(
    chunks: Iterable[list[bytes]], restart: Callable[[Account], Account]
) -> Totals:
    """Return the totals of the chunks, with a restart after each."""
    options = Options(zone=None, networks_top=5)
    account = Account(options, clock=lambda: 0)
    for lines in chunks:
        account.add(Chunk(FILE, 1, lines, ends=False))
        account = restart(account)
    account.add(Chunk(FILE, 1, [], ends=True))
    account.finish()
    return account.totals()


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, len(RECORDED)), max_size=8).map(sorted))
def test_a_restart_from_a_checkpoint_changes_nothing(cuts: list[int]):
    def restart(account: Account) -> Account:
        options = Options(zone=None, networks_top=5)
        after = Account(options, clock=lambda: 0)
        after.restore(json.loads(json.dumps(account.state())))
        return after

    chunks = [
        RECORDED[start:end]
        for start, end in zip([0, *cuts], [*cuts, None], strict=True)
    ]
    at_once = counted([RECORDED], lambda account: account)
    assert counted(chunks, restart) == replace(at_once)


def test_counts_of_another_number_of_buckets_are_refused(log: Log):
    log.write(CONNECT, ALLOWED, PULL, SUMMARY)
    state = log.account.state()
    state["ledger"]["durations"] = [[["m", "pull"], [1, 2, 3]]]
    with pytest.raises(ValueError, match="12 counts each were expected"):
        Account(Options()).restore(state)
