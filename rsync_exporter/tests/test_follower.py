"""A log on a real disk, followed through everything that rotation does to it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsync_exporter.tail.follower import MAX_ROTATED_FILES, Follower

KEEP_SECONDS = 3600


class Clock:
    """Stands still until a test turns it."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Log:
    """A log file, what writes and rotates it, and the follower that reads it."""

    def __init__(self, folder: Path, *, skip_old_lines: bool = False) -> None:
        self.path = folder / "rsyncd.log"
        self.clock = Clock()
        self.follower = Follower(self.path, skip_old_lines, KEEP_SECONDS, self.clock)
        self._rotations = 0

    def write(self, content: bytes) -> None:
        """Append as a new session does."""
        with self.path.open("ab") as file:
            file.write(content)

    def rename(self) -> Path:
        """Move the log away and return its new place."""
        self._rotations += 1
        return self.path.rename(f"{self.path}.{self._rotations}")

    def rotations(self) -> dict[str, int]:
        """Return how often the follower saw each kind of rotation."""
        return dict(self.follower.position().rotations)

    def read(self) -> list[bytes]:
        """Return the lines that one poll finds."""
        return [line for lines in self.follower.poll() for line in lines]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    """Follow a log that is not there yet."""
    log = Log(tmp_path)
    yield log
    log.follower.close()


def test_a_log_is_read_from_its_start_and_then_onwards(log: Log):
    log.write(b"one\ntwo\n")
    assert log.read() == [b"one", b"two"]
    assert log.read() == []
    log.write(b"three\n")
    assert log.read() == [b"three"]


def test_a_line_counts_once_it_is_whole(log: Log):
    log.write(b"one\ntw")
    assert log.read() == [b"one"]
    log.write(b"o\n")
    assert log.read() == [b"two"]


def test_a_missing_log_is_an_error_until_it_comes(log: Log):
    for _ in range(2):
        with pytest.raises(FileNotFoundError, match=r"rsyncd\.log"):
            log.read()
    log.write(b"one\n")
    assert log.read() == [b"one"]


def test_old_lines_can_be_left_out(tmp_path: Path):
    log = Log(tmp_path, skip_old_lines=True)
    log.write(b"old\nhalf")
    assert log.read() == []
    log.write(b" a line\nnew\n")
    assert log.read() == [b"half a line", b"new"]
    log.follower.close()


def test_a_log_whose_old_lines_were_left_out_may_be_truncated_too(tmp_path: Path):
    log = Log(tmp_path, skip_old_lines=True)
    log.write(b"old, older, oldest\n")
    assert log.read() == []
    log.path.write_bytes(b"new\n")
    assert log.read() == [b"new"]
    log.follower.close()


def test_a_log_that_comes_later_has_no_old_lines(tmp_path: Path):
    log = Log(tmp_path, skip_old_lines=True)
    with pytest.raises(FileNotFoundError):
        log.read()
    log.write(b"one\n")
    assert log.read() == [b"one"]
    log.follower.close()


def test_a_replaced_log_is_read_to_its_end_before_the_new_one(log: Log):
    log.write(b"one\n")
    assert log.read() == [b"one"]
    log.write(b"two\n")
    log.rename()
    log.write(b"three\n")
    assert log.read() == [b"two", b"three"]
    assert log.rotations() == {"replaced": 1, "truncated": 0}


def test_sessions_that_began_before_a_rotation_are_read_from_the_old_file(log: Log):
    log.write(b"connect\n")
    with log.path.open("ab", buffering=0) as session:
        assert log.read() == [b"connect"]
        log.rename()
        log.write(b"other\n")
        assert log.read() == [b"other"]
        log.clock.now += KEEP_SECONDS - 1
        session.write(b"sen")
        assert log.read() == []
        session.write(b"t\n")
        assert log.read() == [b"sent"]
    assert log.follower.position().open_files == 2


def test_an_old_file_is_closed_in_the_end(log: Log):
    log.write(b"one\n")
    log.read()
    old = log.rename()
    log.write(b"two\n")
    log.read()
    with old.open("ab") as session:
        session.write(b"just in time\n")
    log.clock.now += KEEP_SECONDS
    assert log.read() == [b"just in time"]
    assert log.follower.position().open_files == 1


def test_only_so_many_old_files_stay_open(log: Log):
    for number in range(3 * MAX_ROTATED_FILES):
        log.write(b"%d\n" % number)
        assert log.read() == [b"%d" % number]
        log.rename()
    assert log.follower.position().open_files == MAX_ROTATED_FILES + 1


def test_between_a_rename_and_the_next_session_nothing_is_wrong(log: Log):
    log.write(b"one\n")
    log.read()
    log.rename()
    assert log.read() == []
    log.write(b"two\n")
    assert log.read() == [b"two"]


def test_a_truncated_log_is_read_from_its_start(log: Log):
    log.write(b"one\ntwo, unended")
    log.read()
    os.truncate(log.path, 0)
    assert log.read() == []
    log.write(b"three\n")
    assert log.read() == [b"three"]
    assert log.rotations() == {"replaced": 0, "truncated": 1}


@pytest.mark.parametrize(
    "grown", [b"new\n", b"just as long...\n", b"new, and longer than before\n"]
)
def test_a_log_truncated_and_written_between_two_looks_is_noticed(
    log: Log, grown: bytes
):
    log.write(b"one, two, three\n")
    log.read()
    log.path.write_bytes(grown)
    assert log.read() == [grown.rstrip()]
    assert log.rotations() == {"replaced": 0, "truncated": 1}


def test_a_link_that_points_to_another_file_is_followed(log: Log):
    first, second = log.path.with_name("first"), log.path.with_name("second")
    first.write_bytes(b"one\n")
    second.write_bytes(b"two\n")
    log.path.symlink_to(first)
    assert log.read() == [b"one"]
    log.path.unlink()
    log.path.symlink_to(second)
    assert log.read() == [b"two"]


def test_a_file_whose_old_name_comes_back_is_not_read_twice(log: Log):
    log.write(b"one\n")
    log.read()
    old = log.rename()
    log.write(b"two\n")
    log.read()
    old.replace(log.path)
    log.write(b"three\n")
    assert log.read() == [b"three"]


def test_what_is_no_file_is_refused_without_waiting_for_it(log: Log):
    log.path.mkdir()
    with pytest.raises(OSError, match="not a regular file"):
        log.read()
    log.path.rmdir()
    os.mkfifo(log.path)
    with pytest.raises(OSError, match="not a regular file"):
        log.read()


def test_while_a_new_log_cannot_be_read_the_old_one_is(log: Log):
    log.write(b"one\n")
    log.read()
    with log.path.open("ab", buffering=0) as session:
        log.rename()
        log.path.mkdir()
        session.write(b"two\n")
        lines = log.follower.poll()
        assert next(lines) == [b"two"]
        with pytest.raises(OSError, match="not a regular file"):
            next(lines)


STEPS = ("write", "half", "late", "rename", "copytruncate", "poll")


@settings(deadline=None, max_examples=300)
@given(steps=st.lists(st.sampled_from(STEPS), max_size=40))
def test_no_line_is_lost_or_read_twice(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
):
    log = Log(tmp_path_factory.mktemp("log"))
    log.path.touch()
    written: list[bytes] = []
    read = log.read()
    old: Path | None = None
    for number, step in enumerate(steps):
        line = b"line %d" % number
        match step:
            case "write":
                log.write(line + b"\n")
                written.append(line)
            case "half":
                log.write(line[:2])
                read += log.read()
                log.write(line[2:] + b"\n")
                written.append(line)
            case "late" if old:
                with old.open("ab") as session:
                    session.write(line + b"\n")
                written.append(line)
            case "rename":
                read += log.read()
                old = log.rename()
                log.path.touch()
            case "copytruncate":
                read += log.read()
                os.truncate(log.path, 0)
            case "poll":
                read += log.read()
    read += log.read()
    log.follower.close()
    assert sorted(read) == sorted(written)
