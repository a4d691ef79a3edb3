"""A log on a real disk, followed through everything that rotation does to it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rsync_exporter.tail.follower import IDLE_SECONDS, MAX_OPEN_FILES
from rsync_exporter.tests.following import KEEP_SECONDS, Log


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    """Follow a log that is not there yet."""
    log = Log(tmp_path)
    yield log
    log.followers.close()


def test_a_log_is_read_from_its_start_and_then_onwards(log: Log):
    log.write_raw(b"one\ntwo\n")
    assert log.read() == [b"one", b"two"]
    assert log.read() == []
    log.write_raw(b"three\n")
    assert log.read() == [b"three"]


def test_a_line_counts_once_it_is_whole(log: Log):
    log.write_raw(b"one\ntw")
    assert log.read() == [b"one"]
    log.write_raw(b"o\n")
    assert log.read() == [b"two"]


def test_a_missing_log_is_an_error_until_it_comes(log: Log):
    for _ in range(2):
        with pytest.raises(FileNotFoundError, match=r"rsyncd\.log"):
            log.read()
    log.write_raw(b"one\n")
    assert log.read() == [b"one"]


def test_old_lines_can_be_left_out(tmp_path: Path):
    log = Log(tmp_path, from_end=True)
    log.write_raw(b"old\nhalf")
    assert log.read() == []
    log.write_raw(b" a line\nnew\n")
    assert log.read() == [b"half a line", b"new"]
    log.followers.close()


def test_a_log_whose_old_lines_were_left_out_may_be_truncated_too(tmp_path: Path):
    log = Log(tmp_path, from_end=True)
    log.write_raw(b"old, older, oldest\n")
    assert log.read() == []
    log.path.write_bytes(b"new\n")
    assert log.read() == [b"new"]
    log.followers.close()


def test_a_log_that_comes_later_has_no_old_lines(tmp_path: Path):
    log = Log(tmp_path, from_end=True)
    with pytest.raises(FileNotFoundError):
        log.read()
    log.write_raw(b"one\n")
    assert log.read() == [b"one"]
    log.followers.close()


def test_a_replaced_log_is_read_to_its_end_before_the_new_one(log: Log):
    log.write_raw(b"one\n")
    assert log.read() == [b"one"]
    log.write_raw(b"two\n")
    log.rename()
    log.write_raw(b"three\n")
    assert log.read() == [b"two", b"three"]
    assert log.rotations() == {"replaced": 1}


def test_a_file_that_sessions_write_to_is_read_on_after_its_rotation(log: Log):
    log.write(b"connect")
    with log.path.open("ab", buffering=0) as session:
        [chunk] = log.chunks()
        log.rename()
        log.write(b"other")
        assert log.read() == [b"other"]
        log.clock.now += KEEP_SECONDS - 1
        session.write(b"sen")
        assert log.read({chunk.stream}) == []
        log.clock.now += KEEP_SECONDS - 1
        session.write(b"t\n")
        [late] = log.chunks({chunk.stream})
    assert late == chunk._replace(lines=[b"sent"])
    assert log.progress().open_files == 2


@pytest.mark.parametrize("seconds", [IDLE_SECONDS, KEEP_SECONDS])
def test_a_rotated_file_is_closed_in_the_end(log: Log, seconds: float):
    log.write(b"one")
    in_use = {chunk.stream for chunk in log.chunks() if seconds == KEEP_SECONDS}
    old = log.rename()
    log.write(b"two")
    log.read(in_use)
    with old.open("ab") as session:
        session.write(b"just in time\n")
    log.clock.now += seconds - 1
    assert log.read(in_use) == [b"just in time"]
    log.clock.now += seconds - 1
    log.read(in_use)
    assert log.progress().open_files == 2
    log.clock.now += 1
    log.read(in_use)
    assert log.progress().open_files == 1


def test_only_so_many_old_files_stay_open(log: Log):
    for number in range(3 * MAX_OPEN_FILES):
        log.write_raw(b"%d\n" % number)
        assert log.read() == [b"%d" % number]
        log.rename()
    assert log.progress().open_files == MAX_OPEN_FILES + 1


def test_between_a_rename_and_the_next_session_nothing_is_wrong(log: Log):
    log.write_raw(b"one\n")
    log.read()
    log.rename()
    assert log.read() == []
    log.write_raw(b"two\n")
    assert log.read() == [b"two"]


def test_a_truncated_log_is_read_from_its_start(log: Log):
    log.write_raw(b"one\ntwo, unended")
    log.read()
    os.truncate(log.path, 0)
    assert log.read() == []
    log.write_raw(b"three\n")
    assert log.read() == [b"three"]
    assert log.rotations() == {"truncated": 1}


@pytest.mark.parametrize(
    "grown", [b"new\n", b"just as long...\n", b"new, and longer than before\n"]
)
def test_a_log_truncated_and_written_between_two_looks_is_noticed(
    log: Log, grown: bytes
):
    log.write_raw(b"one, two, three\n")
    log.read()
    log.path.write_bytes(grown)
    assert log.read() == [grown.rstrip()]
    assert log.rotations() == {"truncated": 1}


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
    log.write_raw(b"one\n")
    log.read()
    old = log.rename()
    log.write_raw(b"two\n")
    log.read()
    old.replace(log.path)
    log.write_raw(b"three\n")
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
    log.write_raw(b"one\n")
    log.read()
    with log.path.open("ab", buffering=0) as session:
        log.rename()
        log.path.mkdir()
        session.write(b"two\n")
        lines = log.followers.poll()
        assert next(lines).lines == [b"two"]
        with pytest.raises(OSError, match="not a regular file"):
            next(lines)
