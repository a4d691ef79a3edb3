"""Several logs of one daemon, as one in the order of the lines' times."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsync_exporter.tail.chunk import Chunk
from rsync_exporter.tail.merge import Merge

type Chunks = Sequence[Sequence[bytes]]


def line(second: int, text: str = "") -> bytes:
    """Return a line with a time."""
    return b"2026/11/21 20:%02d:%02d [7] %b" % (*divmod(second, 60), text.encode())


def log(path: str, chunks: Chunks) -> Callable[[], Iterator[Chunk]]:
    """Return a log that has these chunks, and nothing when it is read again."""
    found = iter([Chunk(path, ord(path), lines, ends=False) for lines in chunks])
    return lambda: found


def merged(logs: Mapping[str, Chunks], merge: Merge | None = None) -> list[Chunk]:
    """Return what comes of all logs."""
    polls = {path: log(path, chunks) for path, chunks in logs.items()}
    return list((merge or Merge()).merge(polls))


def lines_of(chunks: Sequence[Chunk]) -> list[bytes]:
    """Return their lines."""
    return [line for chunk in chunks for line in chunk.lines]


def test_lines_come_in_the_order_of_their_times():
    daemon = [[line(1), line(2)], [line(5)]]
    module = [[line(3), line(4), line(6)]]
    found = merged({"d": daemon, "m": module})
    assert lines_of(found) == [line(second) for second in range(1, 7)]
    assert [(chunk.file, len(chunk.lines)) for chunk in found] == [
        *(("d", 2), ("m", 2), ("d", 1), ("m", 1))
    ]


def test_in_the_same_second_the_log_that_is_named_first_comes_first():
    logs = {"d": [[line(1, "d"), line(2, "d")]], "m": [[line(1, "m"), line(2, "m")]]}
    texts = [line.split()[-1] for line in lines_of(merged(logs))]
    assert texts == [b"d", b"m", b"d", b"m"]


def test_a_line_without_a_time_stays_behind_the_one_before_it():
    odd = [b"", b"2026/11/21", b"Nov 21 20:58:51 host rsyncd[7]: x", b"\xff" * 30]
    logs = {"a": [[line(1), *odd, line(3)], odd], "b": [[line(2)]]}
    assert lines_of(merged(logs)) == [line(1), *odd, line(2), line(3), *odd]


def test_only_the_last_part_of_a_chunk_tells_that_nothing_follows():
    ending = [Chunk("a", 1, [line(1), line(3)], ends=True)]
    polls = {"a": lambda: iter(ending), "b": log("b", [[line(2)]])}
    parts = Merge().merge(polls)
    found = [next(parts) for _ in range(3)]
    assert [(chunk.file, chunk.ends) for chunk in found] == [
        *(("a", False), ("b", False), ("a", True))
    ]


def test_what_a_line_goes_on_with_is_read_though_it_came_after_its_log_was_read():
    daemon, module = [[line(1)]], [[line(2)], [line(4)]]

    def read_daemon() -> Iterator[Chunk]:
        yield from (Chunk("d", 1, lines, ends=False) for lines in daemon)
        daemon[:] = [[line(3)]]

    def read_module() -> Iterator[Chunk]:
        while module:
            yield Chunk("m", 2, module.pop(0), ends=False)

    # Each is read again only while a later one has more: the daemon's log always has.
    found = Merge().merge({"d": read_daemon, "m": read_module})
    assert lines_of(list(found)) == [line(1), line(2), line(3), line(4)]


class Growing:
    """A log that somebody writes to while it is read."""

    def __init__(self, path: str, *lines: bytes) -> None:
        self.path = path
        self.unread = list(lines)

    def poll(self) -> Iterator[Chunk]:
        """Yield each line that is there, one by one, until there is none."""
        while self.unread:
            yield Chunk(self.path, 1, [self.unread.pop(0)], ends=False)


def test_a_log_that_waits_is_read_on_before_later_lines_of_another():
    daemon, module = Growing("d", line(1), line(5)), Growing("m", line(2))
    parts = Merge().merge({"d": daemon.poll, "m": module.poll})
    found = [next(parts) for _ in range(2)]
    # The daemon's line 5 waits by now.
    daemon.unread.append(line(6, "begins"))
    module.unread.append(line(6, "goes on"))
    found += parts
    later = [line(5), line(6, "begins"), line(6, "goes on")]
    assert lines_of(found) == [line(1), line(2), *later]


def test_after_a_restart_no_log_is_ahead_of_the_one_that_it_goes_on_with():
    daemon, module = Growing("d", line(3)), Growing("m", line(1), line(4))
    merge = Merge()
    next(merge.merge({"d": daemon.poll, "m": module.poll}))
    merge = Merge(json.loads(json.dumps(merge.state())))
    parts = merge.merge({"d": daemon.poll, "m": module.poll})
    found = [next(parts)]
    daemon.unread.append(line(5, "begins"))
    module.unread.append(line(5, "goes on"))
    found += parts
    assert lines_of(found) == [
        *(line(3), line(4), line(5, "begins"), line(5, "goes on"))
    ]


def test_the_rest_of_an_unended_message_follows_it_whatever_its_time():
    forged = [line(1000, "x"), line(0, "x"), line(2000, "x")]
    logs = {"a": [[line(1), *forged, line(3)]], "b": [[line(2), line(4)]]}
    polls = {path: log(path, chunks) for path, chunks in logs.items()}
    found: list[bytes] = []

    def is_holding(stream: int) -> bool:
        return stream == ord("a") and found[-1] in {line(1), *forged[:-1]}

    for chunk in Merge().merge(polls, is_holding):
        found.extend(chunk.lines)
    assert found == [line(1), *forged, line(2), line(3), line(4)]


@pytest.mark.parametrize("stamp", [b"9999/99/99 99:99:99", b"2999/01/01 00:00:00"])
def test_a_time_that_has_not_come_holds_no_log_up(stamp: bytes):
    odd = stamp + b" [7] x"
    found = merged({"a": [[line(1), odd, line(3)]], "b": [[line(2), line(4)]]})
    assert lines_of(found) == [line(1), odd, line(2), line(3), line(4)]


def test_each_log_is_asked_once_when_there_is_nothing():
    asked: list[str] = []

    def ask(path: str) -> Callable[[], Iterator[Chunk]]:
        def poll() -> Iterator[Chunk]:
            asked.append(path)
            return iter(())

        return poll

    assert not list(Merge().merge({path: ask(path) for path in "abc"}))
    assert sorted(asked) == ["a", "b", "c"]


def test_a_log_that_cannot_be_read_holds_up_no_other():
    def broken() -> Iterator[Chunk]:
        yield Chunk("b", 2, [line(1)], ends=False)
        raise PermissionError("b")

    merge = Merge()
    found = merge.merge({"a": log("a", [[line(2)]]), "b": broken})
    assert lines_of(list(found)) == [line(1), line(2)]
    assert list(map(repr, merge.problems().values())) == ["PermissionError('b')"]
    assert not merged({"b": []}, merge)
    assert not merge.problems()


stamped = st.builds(line, st.integers(0, 20), st.sampled_from(["x", "é", ""]))
contents = st.lists(st.lists(stamped | st.binary(max_size=3), max_size=6), max_size=4)


@given(st.lists(contents, min_size=1, max_size=4), st.integers(0, 30))
def test_every_line_comes_once_in_its_logs_order_also_over_a_restart(
    logs: list[Chunks], handed_on: int
):
    polls = {f"{n}": log(f"{n}", chunks) for n, chunks in enumerate(logs)}
    merge = Merge()
    parts = merge.merge(polls)
    found = list(islice(parts, handed_on))
    again = Merge(json.loads(json.dumps(merge.state())))
    found += again.merge(dict(list(polls.items())[1:]))
    found += again.merge(polls)
    for path, chunks in enumerate(logs):
        own = [chunk for chunk in found if chunk.file == str(path)]
        assert lines_of(own) == [line for lines in chunks for line in lines]
        assert {chunk.stream for chunk in own} <= {ord(str(path))}


@given(st.lists(st.lists(st.integers(0, 3599)), min_size=1, max_size=4))
def test_logs_in_order_make_one_in_order(logs: list[list[int]]):
    contents = {f"{n}": [[*map(line, sorted(log))]] for n, log in enumerate(logs)}
    found = lines_of(merged(contents))
    assert found == [line(second) for second in sorted(chain(*logs))]


@pytest.mark.parametrize("state", [[{}], [{"file": "a"}], 1, [1]])
def test_a_state_that_does_not_fit_is_refused(state: Sequence[Mapping[str, object]]):
    with pytest.raises((KeyError, TypeError)):
        Merge(state)
