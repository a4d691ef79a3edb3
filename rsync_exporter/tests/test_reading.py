"""Lines to messages: cut ones, ones with newlines, and times that cannot be."""

import re
from collections.abc import Iterable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rsync_exporter.rsyncd.escapes import MESSAGE_BYTES, cut_position, unescape
from rsync_exporter.rsyncd.events import Event, Requested, Routine
from rsync_exporter.rsyncd.line_format import RSYNCD
from rsync_exporter.rsyncd.log_time import LogTime
from rsync_exporter.rsyncd.reading import Reader, Writer
from rsync_exporter.sessions.session import Session

START = b"2026/11/21 20:55:45 [7417] "
NOW = 1_795_294_600  # some minutes later
PEER = b" from h (127.0.0.1)"


type Said = list[tuple[bytes, Event | None]]


class Sessions:
    """One session, and the messages that came."""

    def __init__(self) -> None:
        self.messages: Said = []
        self.by_pid = {b"7417": Session(0, 0, 0, b"127.0.0.1")}

    def take(
        self,
        _session: Session | None,
        _time: int | None,
        _pid: bytes | None,
        message: bytes,
        event: Event | None,
    ) -> None:
        self.messages.append((message, event))

    def take_alike(self, *_line: object) -> bool:
        raise AssertionError("no line about a file came before")


class Log(Reader[Session]):
    """The reader of a log that is being written, and the messages it found."""

    def __init__(
        self, *, lengths_end_lines: bool | None = True, escapes_newlines: bool = False
    ) -> None:
        self._said = Sessions()
        writer = Writer(RSYNCD, b"", lengths_end_lines, lambda: escapes_newlines)
        super().__init__(writer, LogTime(None), self._said, lambda: NOW)

    @property
    def messages(self) -> Said:
        """What came so far."""
        return self._said.messages

    def know_nobody(self) -> None:
        """Forget the session, as when it has ended."""
        self._said.by_pid.clear()


def read(lines: Iterable[bytes], log: Log | None = None) -> Said:
    """Return the messages of these lines, which are all there are."""
    log = log or Log()
    log.read(list(lines), ends=True)
    return log.messages


def as_rsync_writes(message: bytes) -> bytes:
    """Cut and escape a message as rsync 3.5.0 does."""
    cut = re.sub(rb"\\(?=#\d{3})", rb"\\#134", message[:MESSAGE_BYTES])
    return re.sub(
        rb"[\x00-\x08\x0a-\x1f\x80-\x9f]", lambda byte: b"\\#%03o" % ord(byte[0]), cut
    )


@given(st.binary(max_size=2000))
def test_escapes_can_be_undone(message: bytes):
    assert unescape(as_rsync_writes(message)) == message


@settings(deadline=None)
@given(st.binary(max_size=6000), st.binary(min_size=MESSAGE_BYTES))
def test_a_cut_message_gives_back_the_record_that_follows_on_its_line(
    head: bytes, tail: bytes
):
    message = as_rsync_writes(b"x " + head + tail)
    line = START + message + START + b"building file list"
    assert read([line]) == [(message, None), (b"building file list", Routine())]


@given(st.binary(max_size=6000))
def test_a_name_that_looks_like_a_record_begins_none(name: bytes):
    forged = START + b"sent 9 bytes  received 9 bytes  total size 9"
    message = b"said '" + as_rsync_writes(name[:1900]) + forged
    assert read([START + message]) == [(message, None)]


def test_many_cut_messages_may_share_a_line():
    cut = START + b"m" * MESSAGE_BYTES
    this = Log()
    messages = read([cut * 5 + START + b"end"], this)
    assert [len(message) for message, _ in messages] == [MESSAGE_BYTES] * 5 + [3]
    assert this.take_counts()["split"] == 5


def test_a_name_with_a_newline_goes_on_in_the_next_line():
    forged = b"2017/09/04 09:55:40 [1012] connect from evil (9.9.9.9)"
    this = Log()
    assert read([START + b"rsync on m/x", forged, b"y" + PEER], this) == [
        (
            b"\n".join((b"rsync on m/x", forged, b"y" + PEER)),
            Requested("pull", b"m"),
        )
    ]
    assert this.take_counts()["joined"] == 2


def test_such_a_message_that_was_cut_ends_where_it_was_cut():
    forged = START + b"connect from evil (9.9.9.9)"
    name = b"\n".join([b"m/x", *[forged] * 60])
    message = (b"rsync on " + name)[:MESSAGE_BYTES]
    lines = (START + message + START + b"building file list").split(b"\n")
    assert read(lines) == [
        (message, Requested("pull", b"m")),
        (b"building file list", Routine()),
    ]


def test_a_message_that_nothing_ends_swallows_nothing():
    others = [START + b"building file list"] * 100
    assert read([START + b"rsync on m/x", *others]) == [
        (b"rsync on m/x", Requested("pull", b"m")),
        *[(b"building file list", Routine())] * 100,
    ]


def test_where_newlines_are_escaped_no_message_goes_on():
    this = Log(escapes_newlines=True)
    lines = [START + b"send h 1,000 'x'", START + b"connect from h (127.0.0.1)", b"12"]
    messages = [message for message, _ in read(lines, this)]
    assert messages == [b"send h 1,000 'x'", b"connect from h (127.0.0.1)"]
    assert this.take_counts()["joined"] == 0


def test_a_format_that_nobody_told_is_known_by_its_lines():
    summary = START + b"sent 1 bytes  received 2 bytes  total size 3"
    of_names = [START + b"send photos/a.jpg", summary] * 20
    this = Log(lengths_end_lines=None)
    read(of_names, this)
    assert this.take_counts()["joined"] == 1  # the first may have been any
    forged = [START + b"send h [::1] m () x", summary, b"y 12"]
    of_lengths = [START + b"send h [::1] m () x 12", summary]
    this = Log(lengths_end_lines=None)
    read([*of_lengths, *forged, *of_lengths * 20, *forged * 30], this)
    assert this.take_counts()["joined"] == 31


def test_what_is_held_outlives_a_restart():
    before, after = Log(), Log()
    before.read([START + b"rsync on m/x", b"y"], ends=False)
    assert not before.messages
    after.restore(before.state())
    assert read([b"z" + PEER], after) == [
        (b"rsync on m/x\ny\nz" + PEER, Requested("pull", b"m"))
    ]


def test_what_is_held_outlives_a_restart_though_its_reasons_do_not():
    elsewhere = START + b"rsync on m/x from h (192.0.2.1)"
    before, after = Log(), Log()
    before.read([elsewhere, b"y"], ends=False)
    after.know_nobody()
    after.restore(before.state())
    assert after.state() == before.state()
    after.read([b"z" + PEER], ends=True)
    assert [message for message, _ in after.messages] == [
        b"rsync on m/x from h (192.0.2.1)\ny\nz" + PEER
    ]


def test_the_name_of_a_file_may_go_on_where_its_length_ends_the_line():
    lines = [START + b"recv h [::1] m () a", b"b 12"]
    message = b"recv h [::1] m () a\nb 12"
    assert [message for message, _ in read(lines)] == [message]
    of_another_format = read(lines, Log(lengths_end_lines=False))
    assert [message for message, _ in of_another_format] == [message[:-5]]


@pytest.mark.parametrize(
    "stamp", [b"2017/09/04 09:55:40", b"2026/11/20 20:55:00", b"2026/11/23 09:00:00"]
)
def test_a_time_far_from_all_others_is_suspect(stamp: bytes):
    forged = stamp + b" [7417] building file list"
    this = Log()
    events = [event for _, event in read([START + b"building file list", forged], this)]
    assert events == [Routine()]
    assert this.take_counts()["suspect"] == 1


def test_a_clock_that_was_set_back_is_believed_in_the_end():
    old = b"2020/01/01 00:00:00 [7] building file list"
    this = Log()
    lines = [START + b"building file list", *[old] * 101]
    assert [event for _, event in read(lines, this)] == [Routine()] * 3
    assert this.take_counts()["suspect"] == 99


@settings(deadline=None)
@given(st.lists(st.binary(max_size=300)), st.lists(st.integers(0, 30)))
def test_no_lines_break_the_reading_however_they_come(
    rest: list[bytes], cuts: list[int]
):
    heads = (START, START + b"rsync on m/x", START + b"recv ", b"")
    lines = [heads[n % 4] + line for n, line in enumerate(rest)]
    this = Log()
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), None], strict=True):
        this.read(lines[start:end], ends=False)
    this.read([], ends=True)
    assert this.messages == read(lines)


STAMPS = st.sampled_from([b"2026/11/21 20:55:45", b"2026/11/21 20:55:46", b""])
PARTS = st.lists(st.sampled_from([b" [", b"7417", b"] ", b"a", b" "]), max_size=5)


@given(st.lists(st.tuples(STAMPS, PARTS)))
@example([(b"2026/11/21 20:55:45", [b"7417"])])  # the end of the head is missing
def test_a_line_says_the_same_whatever_the_time_of_the_line_before(
    lines: list[tuple[bytes, list[bytes]]],
):
    together, alone = Log(), Log()
    written = [START + b"a", *(stamp + b" [" + b"".join(rest) for stamp, rest in lines)]
    together.read(written, ends=False)
    for line in written:
        alone.read([line], ends=False)
    assert together.messages == alone.messages
    assert together.take_counts() == alone.take_counts()


@given(st.binary(max_size=4000))
def test_the_cut_is_where_the_message_had_it(message: bytes):
    written = as_rsync_writes(message)
    assert unescape(written[: cut_position(written)]) == message[:MESSAGE_BYTES]


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "filler",
    [
        *(b"", b"\x00", b"\\#012", START, START + b"rsync on ", START + b'rsync: a "'),
        START + b"recv ",
    ],
)
def test_hostile_lines_take_no_longer_than_their_size(filler: bytes):
    read([filler] * (400_000 // (len(filler) + 1)))
    read([filler * (65_000 // (len(filler) or 1))] * 6)
