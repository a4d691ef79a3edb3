"""The checkpoint: whole or not there, ours or put aside, and of one exporter only."""

import json
import logging
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from rsync_exporter import keeper as module
from rsync_exporter.checkpoint import CheckpointFile, CheckpointInUse, pack, unpack
from rsync_exporter.keeper import Keeper
from servicekit import ServiceFailed

KEPT = {"account": {"sessions": [1, "é"]}, "sources": {}}


class Clock:
    """A clock that is turned by hand."""

    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Kept:
    """A keeper with its clock, its metrics and the file's path."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "checkpoint"
        self.clock = Clock()
        self.registry = CollectorRegistry()
        self.file = CheckpointFile(self.path)
        self.keeper = Keeper(self.file, self.registry, self.clock)

    def metric(self, name: str) -> float:
        value = self.registry.get_sample_value(f"rsync_exporter_checkpoint_{name}")
        assert value is not None
        return value


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    """Return a keeper of a file that is not there yet."""
    kept = Kept(tmp_path)
    yield kept
    kept.keeper.close()


@contextmanager
def no_room_for_files() -> Iterator[None]:
    """Let the system refuse every byte that is written to a file, as a full disk does.

    SIGXFSZ is ignored by Python, so that writing fails with an error.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_was_saved_is_loaded(kept: Kept, tmp_path: Path):
    assert kept.keeper.load() is None
    assert kept.keeper.save(KEPT)
    assert kept.metric("timestamp_seconds") > 1e9
    kept.keeper.close()
    again = Kept(tmp_path)
    assert again.keeper.load() == KEPT
    assert again.metric("timestamp_seconds") > 1e9
    again.keeper.close()
    assert not list(tmp_path.glob("*.new"))


def test_it_is_written_every_few_seconds(kept: Kept):
    kept.keeper.load()
    assert kept.keeper.is_due()
    kept.keeper.save(KEPT)
    assert not kept.keeper.is_due()
    kept.clock.seconds += module.INTERVAL_SECONDS
    assert kept.keeper.is_due()


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.integers())))
def test_what_is_packed_is_unpacked(state: dict[str, Any]):
    assert unpack(pack(state)) == state


@given(st.data())
def test_a_damaged_checkpoint_is_never_used(data: st.DataObject):
    content = bytearray(pack(KEPT))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(
        st.integers(0, 255).filter(lambda b: b != content[place])
    )
    # What no checksum covers is the head, where blanks mean nothing.
    with suppress(ValueError):
        assert unpack(bytes(content)) == KEPT


@given(st.integers(0, len(pack(KEPT)) - 1))
def test_a_truncated_checkpoint_is_never_used(size: int):
    with pytest.raises(ValueError, match="it is"):
        unpack(pack(KEPT)[:size])


@given(st.binary())
def test_any_other_file_is_never_used(content: bytes):
    with pytest.raises(ValueError, match=r"it is|its version"):
        unpack(content)


OLDER = json.dumps({"format": "rsync_exporter checkpoint", "version": 1}).encode()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"\0" * 4096, "it is empty"),
        (b"hello\n", "it is no checkpoint of rsync_exporter"),
        (b"[" * 100_000, "it is no checkpoint of rsync_exporter"),
        (b'{"version": 1}\n{}\n', "it is no checkpoint of rsync_exporter"),
        (OLDER + b"\n{}\n", "its version is 1, not 2"),
        (pack(KEPT)[:-9], "it is damaged: its checksum is wrong"),
        (pack(KEPT).replace(b"sessions", b"session5"), "it is damaged"),
    ],
    ids=["empty", "zeros", "text", "deep", "foreign", "older", "truncated", "changed"],
)
def test_a_file_that_cannot_be_used_is_put_aside(
    kept: Kept, caplog: pytest.LogCaptureFixture, content: bytes, reason: str
):
    kept.path.write_bytes(content)
    assert kept.keeper.load() is None
    [record] = caplog.records
    assert record.getMessage().startswith("checkpoint rejected, starting without one")
    assert reason in record.getMessage()
    assert not kept.path.exists()
    assert kept.path.with_name("checkpoint.rejected").read_bytes() == content
    assert kept.keeper.save(KEPT)


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_put_aside(
    kept: Kept, caplog: pytest.LogCaptureFixture, kind: str
):
    if kind == "folder":
        kept.path.mkdir()
    else:
        os.mkfifo(kept.path)
    assert kept.keeper.load() is None
    assert "checkpoint rejected" in caplog.text
    assert kept.keeper.save(KEPT)


def test_a_second_exporter_is_refused(kept: Kept, tmp_path: Path):
    kept.keeper.load()
    with pytest.raises(ServiceFailed, match="in use by another exporter file=") as told:
        Kept(tmp_path).keeper.load()
    assert str(kept.path) in str(told.value)


def test_who_is_killed_holds_the_file_no_more(tmp_path: Path):
    program = (
        "import os, pathlib; from rsync_exporter.checkpoint import CheckpointFile;"
        f"CheckpointFile(pathlib.Path({str(tmp_path / 'checkpoint')!r})).lock();"
        "os.kill(os.getpid(), 9)"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, check=False)
    assert done.returncode == -9
    CheckpointFile(tmp_path / "checkpoint").lock()


def test_a_full_disk_leaves_the_old_checkpoint_whole(
    kept: Kept, caplog: pytest.LogCaptureFixture
):
    kept.keeper.load()
    kept.keeper.save(KEPT)
    with no_room_for_files():
        assert not kept.keeper.save({"account": "newer"})
        assert not kept.keeper.save({"account": "newer"})
        kept.clock.seconds += module.WARNING_INTERVAL_SECONDS
        assert not kept.keeper.save({"account": "newer"})
    assert [record.getMessage() for record in caplog.records] == [
        f"checkpoint not written, trying again file={kept.path}"
        " error=[Errno 27] File too large"
    ] * 2
    assert kept.metric("failures_total") == 3
    assert unpack(kept.path.read_bytes()) == KEPT
    assert not list(kept.path.parent.glob("*.new"))
    assert kept.keeper.save({"account": "newer"})
    assert unpack(kept.path.read_bytes()) == {"account": "newer"}


def test_a_missing_folder_is_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.WARNING)
    kept = Kept(tmp_path / "later")
    assert kept.keeper.load() is None
    assert not kept.keeper.save(KEPT)
    assert len(caplog.records) == 1
    assert "No such file or directory" in caplog.text
    kept.path.parent.mkdir()
    assert kept.keeper.save(KEPT)
    kept.keeper.close()


def test_a_file_that_another_took_meanwhile_is_left_to_it(tmp_path: Path):
    late, early = Kept(tmp_path / "later"), Kept(tmp_path / "later")
    late.keeper.load()
    (tmp_path / "later").mkdir()
    assert early.keeper.save(KEPT)
    assert not late.keeper.save({"account": "mine"})
    assert unpack(early.path.read_bytes()) == KEPT
    with pytest.raises(CheckpointInUse):
        late.file.lock()
    early.keeper.close()
