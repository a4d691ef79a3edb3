"""Rotated logs that are packed: in the making, whole, damaged, or in an unknown way."""

import gzip
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsync_exporter.tail.place import HEAD_BYTES
from rsync_exporter.tail.search import SEARCH_SECONDS
from rsync_exporter.tests.following import Log

NUMBERED = [
    b"2026/11/22 04:40:00 [%d] %s" % (n, os.urandom(16).hex().encode())
    for n in range(50_000)
]
PACKED = gzip.compress(b"\n".join([*NUMBERED, b""]), 1)

# Enough for the first lines, by which it is known again.
KNOWN_BYTES = 2 * HEAD_BYTES


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
    assert f"path={log.path}.3.zst: packed by zstd, which" in caplog.text
    assert f"path={log.path}.4.gz: damaged: " in caplog.text


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


def test_a_damaged_file_from_before_the_first_start_stops_nothing(
    log: Log, caplog: pytest.LogCaptureFixture
):
    log.write(b"one")
    damaged = bytearray(PACKED)
    damaged[len(PACKED) // 2 :] = bytes(100)
    packed = Path(f"{log.path}.1.gz")
    packed.write_bytes(damaged)
    later_ns = log.path.stat().st_mtime_ns + 1
    os.utime(packed, ns=(later_ns, later_ns))
    assert log.read()[-1] == b"one"
    assert "rotated log cannot be read" in caplog.text
