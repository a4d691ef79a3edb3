"""Snapshots: a restart serves the same; a damaged file is kept aside, and said."""

import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter_proxy.store.record import Record
from exporter_proxy.store.snapshot_file import (
    FIRST_LINE,
    KEPT_DAMAGED,
    Damaged,
    Writer,
    clean,
    keep_aside,
    problem,
    read,
)
from exporter_proxy.tests.running import Running, free_port, wait_until

ROOT = Path(__file__).parents[2]

RECORDS = tuple(
    Record(f"app{number}", "json", "a test", 1.7e9 + number, b"a %d\n" % number)
    for number in range(3)
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def write(path: Path, records: tuple[Record, ...] = RECORDS) -> None:
    writer = Writer(path)
    writer.add(records)
    writer.finish()


def with_checksum(content: bytes) -> bytes:
    return content + sha256(content).digest()


def test_what_was_written_is_read(path: Path):
    write(path)
    assert read(path) == RECORDS
    write(path, ())
    assert read(path) == ()
    assert list(path.parent.iterdir()) == [path]


def test_no_file_is_no_records(path: Path):
    assert read(path) == ()


def test_an_unfinished_one_changes_nothing(path: Path):
    write(path)
    writer = Writer(path)
    writer.add(RECORDS * 1000)
    assert read(path) == RECORDS
    writer.abandon()
    assert list(path.parent.iterdir()) == [path]


def test_what_a_killed_process_left_is_removed(path: Path):
    write(path)
    path.with_name(".kept.abc.tmp").touch()
    other = path.with_name(".other.abc.tmp")
    other.touch()
    assert len(list(path.parent.iterdir())) == 3
    clean(path)
    assert sorted(path.parent.iterdir()) == [other, path]


def test_a_full_disk_changes_nothing(path: Path):
    write(path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        writer = Writer(path)
        with pytest.raises(OSError, match="File too large"):
            writer.add(replace(RECORDS[0], text=os.urandom(2**20)) for _ in range(9))
        writer.abandon()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert read(path) == RECORDS
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is empty"),
        (b"garbage", "it is no snapshot"),
        (b"exporter_proxy snapshot 9\n" + bytes(99), "it is of another version: 9"),
        (FIRST_LINE, "its checksum is wrong"),
        (with_checksum(FIRST_LINE + b"abc"), "a record is cut"),
        (with_checksum(FIRST_LINE + bytes(7) + b"\x09abc"), "a record is cut"),
        (with_checksum(FIRST_LINE + bytes(7) + b"\x04abcd"), "not a record"),
    ],
)
def test_a_damaged_file_is_told_from_a_whole_one(path: Path, content: bytes, why: str):
    path.write_bytes(content)
    with pytest.raises(Damaged, match=why):
        read(path)


def test_every_cut_and_every_flipped_bit_is_noticed(path: Path):
    write(path, RECORDS[:1])
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(Damaged):
            read(path)
    for place in range(len(whole)):
        for bit in range(8):
            flipped = bytes([whole[place] ^ 1 << bit])
            path.write_bytes(whole[:place] + flipped + whole[place + 1 :])
            with pytest.raises(Damaged):
                read(path)


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "kept"


@given(content=st.binary() | st.binary().map(lambda some: FIRST_LINE + some))
def test_no_bytes_do_more_than_that(scratch: Path, content: bytes):
    for each in (content, with_checksum(content)):
        scratch.write_bytes(each)
        with suppress(Damaged):
            assert read(scratch) == ()


def test_only_the_newest_damaged_files_are_kept(path: Path):
    for second in range(KEPT_DAMAGED + 2):
        path.write_bytes(b"damaged %d" % second)
        aside = keep_aside(path, datetime(2026, 1, 2, 3, 4, second, tzinfo=UTC))
    assert aside.name == "kept.corrupt-20260102T030404Z"
    kept = sorted(path.parent.iterdir())
    assert len(kept) == KEPT_DAMAGED
    assert kept[-1] == aside
    assert aside.read_bytes() == b"damaged 4"


def test_a_path_that_cannot_be_is_told(path: Path):
    assert problem(path) is None
    path.mkdir()
    assert problem(path) == f"expected a file, {path} is something else"
    missing = path / "no" / "file"
    assert (
        problem(missing)
        == f"cannot write in {missing.parent}: No such file or directory"
    )
    assert problem(Path("/proc/kept")) is not None


class Program:
    """The program with a snapshot, started again and again."""

    def __init__(self, folder: Path) -> None:
        self.running = Running(free_port(), free_port(), folder / "receiver.sock")
        self.snapshot = folder / "data" / "kept"
        self.snapshot.parent.mkdir()
        self.snapshot.parent.chmod(0o777)
        self.config = folder / "config.toml"
        self.process: subprocess.Popen[str] | None = None
        self.output = folder / "output"
        self.configure("")

    def configure(self, more: str) -> None:
        self.config.write_text(
            f'{self.running.file()}snapshot.path = "{self.snapshot}"\n'
            f"snapshot.interval = 0.1\n{more}"
        )

    def start(self, *more: str, user: int | None = None) -> None:
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "exporter_proxy", "-c", self.config, *more],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                text=True,
                user=user,
                env={**os.environ, "TMPDIR": str(self.config.parent)},
            )

    def serve(self) -> None:
        self.start()
        wait_until(self.running.answers)

    def end(self, number: int = signal.SIGTERM) -> str:
        """Stop it; return what it said."""
        assert self.process
        self.process.send_signal(number)
        return self.ended()[1]

    def ended(self) -> tuple[int, str]:
        assert self.process
        code = self.process.wait(20)
        self.process = None
        return code, self.output.read_text()

    def kept(self) -> tuple[Record, ...]:
        return read(self.snapshot)

    def metric(self, name: str) -> float:
        lines = self.running.get("/metrics/self")[1]
        found = re.search(rf"^exporter_proxy_{name} (\S+)$", lines, re.MULTILINE)
        assert found, name
        return float(found[1])

    def state(self) -> tuple[list[str], list[str]]:
        """Return the body without the proxy's own, and when each was updated."""
        updates = "exporter_proxy_application_last_update_timestamp_seconds{"
        metrics = self.running.metrics()
        return (
            [line for line in metrics if "exporter_proxy_" not in line],
            [line for line in metrics if line.startswith(updates)],
        )


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    made = Program(tmp_path)
    yield made
    if made.process:
        made.process.kill()
        made.process.wait()


def push_some(running: Running) -> None:
    running.push(
        b'{"z": "# HELP shared text\\n# TYPE shared counter\\nshared{n=\\"z\\"} 1"}'
    )
    running.push(b'{"a": "shared{n=\\"a\\"} 1\\nown 2\\n# TYPE shared counter"}')
    running.push(
        b'{"h": "# TYPE h histogram\\nh_bucket{le=\\"+Inf\\"} 1\\nh_sum 1\\nh_count 1"}'
    )
    running.push(b'{"a": "shared{n=\\"a\\"} 2\\nown 3\\n# TYPE shared counter"}')


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_serves_the_same_body_with_the_same_ages(
    program: Program, number: int
):
    program.serve()
    push_some(program.running)
    before = program.state()
    assert len(before[0]) == 10
    if number == signal.SIGKILL:  # what counts then is what was saved before
        wait_until(lambda: any(b"own 3" in kept.text for kept in program.kept()))
    program.end(number)

    program.serve()
    assert program.state() == before
    assert "restored snapshot=" in program.end()


def test_what_is_over_is_left_out(program: Program):
    program.configure('[[application]]\nname = "brief"\nttl = "0.1"\n')
    program.serve()
    program.running.push(b'{"brief": "a 1", "lasting": "b 1"}')
    program.end()

    program.serve()
    assert program.running.served() == ["b 1"]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "emptied": lambda whole: whole[:0],
    "cut": lambda whole: whole[:-1],
    "a flipped bit": lambda whole: whole[:99] + bytes([whole[99] ^ 1]) + whole[100:],
    "another version": lambda whole: whole.replace(b"snapshot 1", b"snapshot 2"),
    "garbage": lambda whole: whole[::-1],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_snapshot_is_one_line_an_empty_start_and_kept_aside(
    program: Program, damage: Callable[[bytes], bytes]
):
    program.serve()
    program.running.push(b'{"shop": "a 1"}')
    program.end()
    damaged = damage(program.snapshot.read_bytes())
    program.snapshot.write_bytes(damaged)

    program.serve()
    assert program.running.served() == []
    (aside,) = program.snapshot.parent.glob("kept.corrupt-*")
    assert aside.read_bytes() == damaged
    output = program.end()
    assert output.count("snapshot is damaged, starting empty") == 1
    assert "Traceback" not in output


def test_a_snapshot_that_may_not_be_read_is_kept_aside_too(program: Program):
    user = 65534 if os.geteuid() == 0 else None
    program.snapshot.write_bytes(b"secret")
    program.snapshot.chmod(0)
    for folder in program.config.parents:
        if folder == Path(tempfile.gettempdir()):
            break
        folder.chmod(0o777)
    program.start(user=user)
    wait_until(program.running.answers)
    assert "cannot be read: Permission denied" in program.end()
    assert next(program.snapshot.parent.glob("kept.corrupt-*"))


def test_a_folder_that_is_gone_is_said_once_and_counted(program: Program):
    program.serve()
    moved = program.snapshot.parent.rename(program.snapshot.parent.with_name("moved"))
    program.running.push(b'{"shop": "a 1"}')
    wait_until(lambda: program.metric("snapshot_failures_total") >= 3)
    assert program.running.served() == ["a 1"]
    moved.rename(program.snapshot.parent)
    wait_until(lambda: "written again" in program.output.read_text())
    output = program.end()
    assert output.count("snapshot cannot be written") == 1
    assert "No such file or directory" in output
    assert len(program.kept()) == 1


@pytest.mark.parametrize("more", [(), ("--check",)])
def test_a_path_that_cannot_be_is_a_wrong_setting(
    program: Program, more: tuple[str, ...]
):
    program.snapshot.mkdir()
    program.start(*more)
    code, output = program.ended()
    assert code == 2
    assert "snapshot.path: expected a file" in output
    assert "Traceback" not in output


def test_nothing_is_written_while_nothing_changes(program: Program):
    program.serve()
    program.running.push(b'{"shop": "a 1"}')
    wait_until(program.snapshot.exists)
    written = program.snapshot.stat().st_mtime_ns
    program.running.push(b'{"shop": "a 2"}')
    wait_until(lambda: program.snapshot.stat().st_mtime_ns != written)
    written = program.snapshot.stat().st_mtime_ns
    program.end()
    assert program.snapshot.stat().st_mtime_ns == written
