"""A log on a real disk, followed through everything that rotation does to it."""

import bz2
import glob
import gzip
import json
import lzma
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsync_exporter.tail.closing import IDLE_SECONDS, MAX_OPEN_FILES
from rsync_exporter.tail.followers import RESCAN_SECONDS, Followers, FollowOptions
from rsync_exporter.tail.lines import MAX_LINE_BYTES
from rsync_exporter.tail.place import HEAD_BYTES
from rsync_exporter.tail.search import SEARCH_SECONDS
from rsync_exporter.tests.following import KEEP_SECONDS, Clock, Log


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


def test_lines_that_came_between_the_last_look_and_a_rotation_are_read(log: Log):
    log.write(b"one")
    assert log.read() == [b"one"]
    log.write(b"two")
    log.truncate()
    log.write(b"three")
    assert log.read() == [b"two", b"three"]
    assert log.rotations() == {"truncated": 1}
    assert log.progress().lost_bytes == 0


def test_lines_are_found_that_were_copied_before_any_was_read(log: Log):
    log.path.touch()
    assert log.read() == []
    log.write(b"one")
    log.truncate()
    log.write(b"two")
    assert log.read() == [b"one", b"two"]


def test_every_rotation_between_two_looks_is_read_in_order(log: Log):
    log.write(b"one")
    assert log.read() == [b"one"]
    for line in (b"two", b"three", b"four"):
        log.write(line)
        log.rename()
    log.write(b"five")
    assert log.read() == [b"two", b"three", b"four", b"five"]
    assert log.rotations() == {"replaced": 1, "recovered": 2}
    log.clock.now += SEARCH_SECONDS
    assert log.read() == []


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_restart_goes_on_through_any_number_of_rotations(log: Log, suffix: str):
    log.write(b"one")
    assert log.read() == [b"one"]
    state = log.state()
    for number in range(3 * MAX_OPEN_FILES):
        log.write(b"%d" % number)
        old = log.rename()
        packed = Path(f"{old}.gz")  # what counts is what is in it
        packed.write_bytes(PACKERS[suffix](old.read_bytes()))
        shutil.copystat(old, packed)
        old.unlink()
    log.write(b"last")
    log.restart(state)
    expected = [b"%d" % number for number in range(3 * MAX_OPEN_FILES)]
    assert log.read() == [*expected, b"last"]
    assert log.progress().lost_bytes == 0
    log.clock.now += SEARCH_SECONDS
    assert log.read() == []
    log.restart()
    assert log.read() == []


@pytest.mark.parametrize("content", [b"\x1f", b"a line\n"])
def test_a_file_that_is_being_packed_is_not_read_as_lines(log: Log, content: bytes):
    log.write(b"one")
    assert log.read() == [b"one"]
    state = log.state()
    log.write(b"two")
    old = log.rename()
    rotated = old.read_bytes()
    packed = Path(f"{old}.gz")
    old.rename(packed)
    packed.write_bytes(content)
    log.write(b"three")
    log.restart(state)
    assert log.read() == [b"three"]
    packed.write_bytes(gzip.compress(rotated))
    assert log.read() == [b"two"]


def test_a_poll_over_many_plain_files_ends(log: Log):
    log.write(b"one")
    assert log.read() == [b"one"]
    state = log.state()
    for number in range(3 * MAX_OPEN_FILES):
        log.write(b"%d" % number)
        log.rename()
    log.write(b"last")
    log.restart(state)
    expected = [b"%d" % number for number in range(3 * MAX_OPEN_FILES)]
    assert log.read() == [*expected, b"last"]
    assert log.progress().open_files <= MAX_OPEN_FILES + 1


def test_a_state_is_consistent_between_any_two_chunks(log: Log):
    log.path.touch()
    assert log.read() == []
    lines = [b"%07d" % number for number in range(400_000)]
    log.write(*lines)
    chunks = log.followers.poll()
    counted = list(next(chunks).lines)
    log.restart()
    assert counted + log.read() == lines


def test_an_unended_line_waits_over_a_restart(log: Log):
    log.write_raw(b"one\ntw")
    assert log.read() == [b"one"]
    state = log.state()
    log.write_raw(b"o\n")
    log.restart(state)
    assert log.read() == [b"two"]


def test_streams_stay_the_same_over_restarts(log: Log):
    log.write(b"one")
    [one] = log.chunks()
    log.rename().open("ab").close()
    log.write(b"two")
    [two] = log.chunks()
    log.restart()
    with Path(f"{log.path}.1").open("ab") as session:
        session.write(b"late\n")
    log.write(b"new")
    late, new = log.chunks()
    assert (late.stream, new.stream) == (one.stream, two.stream)
    assert (late.lines, new.lines) == ([b"late"], [b"new"])


def test_a_chunk_tells_whether_more_is_there(log: Log):
    log.write(*[b"a line"] * 200_000)
    first, last = log.chunks()
    assert (first.ends, last.ends) == (False, True)
    log.write_raw(b"one\ntwo")
    [chunk] = log.chunks()
    assert not chunk.ends


def test_what_was_truncated_without_a_copy_is_lost(
    log: Log, caplog: pytest.LogCaptureFixture
):
    log.write_raw(b"one\nunended")
    log.read()
    os.truncate(log.path, 0)
    log.write(b"two")
    assert log.read() == [b"two"]
    log.clock.now += SEARCH_SECONDS
    assert log.read() == []
    assert log.progress().lost_bytes == len(b"unended")
    assert f"path={log.path} lost_bytes=7" in caplog.text


def test_a_checkpointed_file_that_is_gone_is_told_once(
    log: Log, caplog: pytest.LogCaptureFixture
):
    log.write(*[b"a line"] * 200_000)
    size = log.path.stat().st_size
    next(log.followers.poll())
    read_bytes = log.progress().read_bytes
    state = log.state()
    log.path.unlink()
    log.write(b"new")
    log.restart(state)
    assert log.read() == [b"new"]
    for _ in range(3):
        log.clock.now += SEARCH_SECONDS
        assert log.read() == []
    assert log.progress().lost_bytes == size - read_bytes
    assert caplog.text.count("is gone") == 1


def test_rotated_files_from_before_the_first_start_are_never_read(log: Log):
    log.write(b"old")
    old = log.rename()
    Path(f"{log.path}.2.gz").write_bytes(gzip.compress(b"older\n"))
    log.write(b"one")
    assert log.read() == [b"one"]
    with old.open("ab") as session:
        session.write(b"of a session in flight\n")
    log.rename()
    log.write(b"two")
    assert log.read() == [b"of a session in flight", b"two"]


def test_a_copy_of_the_log_is_not_read(log: Log):
    log.write(b"one", b"two")
    log.read()
    shutil.copy(log.path, f"{log.path}.bak")
    log.rename()
    log.write(b"three")
    assert log.read() == [b"three"]
    log.clock.now += SEARCH_SECONDS
    assert log.read() == []


def test_a_log_that_is_copied_over_itself_goes_on(log: Log):
    log.write(b"one")
    log.read()
    copy = log.path.with_name("copy")
    shutil.copy(log.path, copy)
    copy.replace(log.path)
    log.write(b"two")
    assert log.read() == [b"two"]


def test_a_log_that_loses_its_end_is_not_read_again(
    log: Log, caplog: pytest.LogCaptureFixture
):
    log.write(b"one", b"two", b"three")
    log.read()
    os.truncate(log.path, len(b"one\n"))
    assert log.read() == []
    log.write(b"four")
    assert log.read() == [b"four"]
    assert f"log lost its end, going on there path={log.path}" in caplog.text


def test_a_log_that_lost_its_end_while_nobody_looked_is_not_read_again(log: Log):
    log.write(*[b"a line"] * 1000)
    log.read()
    os.truncate(log.path, 2 * HEAD_BYTES)
    log.restart()
    assert log.read() == []


def test_a_deleted_log_is_an_error_until_it_comes_back(log: Log):
    log.write(b"one")
    log.read()
    log.path.unlink()
    with pytest.raises(FileNotFoundError, match=r"rsyncd\.log"):
        log.read()
    log.write(b"two")
    assert log.read() == [b"two"]


def test_a_log_that_was_rotated_and_compressed_is_not_missing(log: Log):
    log.write(b"one")
    log.read()
    old = log.rename()
    packed = Path(f"{old}.gz")
    packed.write_bytes(gzip.compress(old.read_bytes()))
    shutil.copystat(old, packed)
    old.unlink()
    assert log.read() == []


def test_a_link_to_itself_is_an_error_until_it_is_a_log(log: Log):
    log.path.symlink_to(log.path)
    with pytest.raises(OSError, match="symbolic link"):
        log.read()
    log.path.unlink()
    log.write(b"one")
    assert log.read() == [b"one"]


@contextmanager
def no_privileges() -> Iterator[None]:
    """Be nobody for a while; who runs the tests may be root."""
    user = os.geteuid()
    if user:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.fixture
def shared_log() -> Iterator[Log]:
    """Follow a log in a folder that everybody can read."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        log = Log(Path(folder))
        yield log
        log.followers.close()


def test_a_log_that_nobody_may_read_is_read_once_that_heals(shared_log: Log):
    log = shared_log
    log.write(b"one")
    assert log.read() == [b"one"]
    log.rename()
    log.write(b"two")
    log.path.chmod(0)
    for _ in range(3):
        with no_privileges(), pytest.raises(PermissionError, match=r"rsyncd\.log"):
            log.read()
        log.clock.now += SEARCH_SECONDS
    log.path.chmod(0o644)
    with no_privileges():
        assert log.read() == [b"two"]
    assert log.progress().lost_bytes == 0


def test_a_rotated_file_that_nobody_may_read_is_lost(
    shared_log: Log, caplog: pytest.LogCaptureFixture
):
    log = shared_log
    log.write(b"one")
    log.read()
    log.rename()
    log.write(b"two")
    log.rename().chmod(0)
    log.write(b"three")
    with no_privileges():
        assert log.read() == [b"three"]
        log.clock.now += SEARCH_SECONDS
        assert log.read() == []
    assert log.progress().lost_bytes == len(b"two\n")
    assert caplog.text.count("rotated log cannot be read") == 1


def test_a_rotated_file_that_cannot_be_unpacked_is_told_of(
    log: Log, caplog: pytest.LogCaptureFixture
):
    log.write(b"one")
    log.read()
    log.rename()
    Path(f"{log.path}.3.zst").write_bytes(b"\x28\xb5\x2f\xfd packed")
    Path(f"{log.path}.4.gz").write_bytes(gzip.compress(b"damaged\n" * 99)[:-20])
    log.write(b"two")
    assert log.read()[-1] == b"two"
    assert "packed by zstd, which cannot be read here" in caplog.text
    assert "damaged: " in caplog.text


def test_a_packed_file_that_is_damaged_far_behind_is_told_of_once(
    log: Log, caplog: pytest.LogCaptureFixture
):
    log.write(b"one")
    log.read()
    log.rename()
    content = b"".join(b"2026/11/22 04:40:00 [%d] line\n" % n for n in range(100_000))
    Path(f"{log.path}.2.gz").write_bytes(gzip.compress(content)[:-1000])
    log.write(b"two")
    for _ in range(3):
        log.read()
        log.clock.now += SEARCH_SECONDS
    assert caplog.text.count("damaged: ") == 1
    log.write(b"three")
    assert log.read() == [b"three"]


NUMBERED = [
    b"2026/11/22 04:40:00 [%d] %s" % (n, os.urandom(16).hex().encode())
    for n in range(50_000)
]
PACKED = gzip.compress(b"\n".join([*NUMBERED, b""]), 1)
# Enough for the first lines, by which it is known again.
KNOWN_BYTES = 2 * HEAD_BYTES


@settings(deadline=None, max_examples=40)
@given(
    st.dictionaries(
        st.integers(KNOWN_BYTES, len(PACKED)), st.booleans(), min_size=1, max_size=4
    )
)
def test_a_packed_file_that_is_seen_before_it_is_whole_is_read_to_its_end(
    parts: dict[int, bool],
):
    with tempfile.TemporaryDirectory() as folder:
        log = Log(Path(folder))
        log.write(b"one")
        log.read()
        log.rename()
        log.path.touch()
        found: list[bytes] = []
        for size in sorted({*parts, len(PACKED)}):
            mode = "wb" if parts.get(size) else "ab"
            with Path(f"{log.path}.2.gz").open(mode) as file:
                file.write(PACKED[file.tell() : size])
            found += log.read()
            if size % 2:
                log.restart()
            log.clock.now += SEARCH_SECONDS - 1
        assert found == NUMBERED
        log.clock.now += SEARCH_SECONDS
        assert log.read() == []
        assert log.progress().lost_bytes == 0
        assert log.rotations() == {"replaced": 1, "recovered": 1}
        log.followers.close()


def test_what_is_known_to_be_in_a_damaged_file_is_lost_once(log: Log):
    log.write(*NUMBERED)
    size = log.path.stat().st_size
    next(log.followers.poll())
    state = log.state()
    log.path.unlink()
    Path(f"{log.path}.1.gz").write_bytes(PACKED[:-1000])
    log.path.touch()
    log.restart(state)
    assert log.read()
    for _ in range(3):
        log.clock.now += SEARCH_SECONDS
        assert log.read() == []
        progress = log.progress()
        assert progress.lost_bytes == size - progress.read_bytes > 1000
        log.restart()
        assert log.read() == []


def test_what_is_cut_from_an_endless_line_is_lost(log: Log):
    log.write(b"x" * 10_000_000, b"next")
    assert log.read() == [b"x" * MAX_LINE_BYTES, b"next"]
    lost_bytes = 10_000_000 - MAX_LINE_BYTES
    assert log.progress().lost_bytes == lost_bytes
    assert log.progress().read_bytes == log.path.stat().st_size - lost_bytes


def test_several_logs_and_globs_are_followed(tmp_path: Path):
    clock = Clock()
    patterns = [str(tmp_path / "a.log"), str(tmp_path / "[b-z]*.log*")]
    followers = Followers(patterns, FollowOptions(), None, clock)

    def read() -> list[tuple[str, bytes]]:
        chunks = followers.poll()
        return [(Path(c.file).name, line) for c in chunks for line in c.lines]

    def write(name: str, content: bytes) -> None:
        with (tmp_path / name).open("ab") as file:
            file.write(content)

    with pytest.raises(OSError, match=r"z\]\*\.log.*; .*a\.log"):
        read()
    write("a.log", b"one\n")
    write("b.log", b"two\n")
    write("b.log.1", b"old\n")
    clock.now += RESCAN_SECONDS
    assert read() == [("a.log", b"one"), ("b.log", b"two")]
    write("c.log", b"three\n")
    assert read() == []
    clock.now += RESCAN_SECONDS
    assert read() == [("c.log", b"three")]
    (tmp_path / "c.log").unlink()
    state = followers.state()
    followers.close()
    followers = Followers(patterns, FollowOptions(from_end=True), state, clock)
    write("b.log", b"four\n")
    write("d.log", b"five\n")
    assert read() == [("b.log", b"four"), ("d.log", b"five")]
    assert len({chunk.file for chunk in followers.progress()}) == 4
    followers.close()


def test_a_backlog_in_several_logs_is_read_in_the_order_of_its_times(tmp_path: Path):
    times = [b"2026/11/21 20:55:%02d [7] x" % second for second in range(60)]
    patterns = [str(tmp_path / name) for name in ("daemon.log", "module.log")]
    for place, pattern in enumerate(patterns):
        lines = [line + b"\n" for line in times[place::2]]
        Path(pattern).write_bytes(b"".join(lines))
    found: list[bytes] = []
    followers = Followers(patterns, FollowOptions())
    while len(found) < len(times):
        state = json.loads(json.dumps(followers.state()))
        followers.close()
        followers = Followers(patterns, FollowOptions(), state)
        chunk = next(followers.poll())
        found.extend(chunk.lines)
    assert found == times
    assert not list(followers.poll())
    followers.close()


def test_an_escaped_path_is_no_glob(tmp_path: Path):
    path = tmp_path / "log[1]*"
    path.write_bytes(b"one\n")
    followers = Followers([glob.escape(str(path))], FollowOptions())
    assert [chunk.file for chunk in followers.poll()] == [str(path)]
    followers.close()


@pytest.mark.parametrize(
    "state", [{}, {"patterns": [], "next_stream": "x", "paths": {}}, {"paths": 1}]
)
def test_a_state_that_does_not_fit_is_refused(state: dict[str, object]):
    with pytest.raises((KeyError, TypeError, ValueError)):
        Followers(["log"], FollowOptions(), state)
