"""`--once FILE...`: whole files in, an exposition out, and nothing beside it."""

import bz2
import fcntl
import gzip
import lzma
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from rsync_exporter.tests.running import ROOT, eventually

DATA = Path(__file__).parent / "data"
RECORDED = DATA / "rsyncd_default_raw.log"
CONNECTIONS = 53

type Pack = Callable[[bytes], bytes]

PACKERS: dict[str, Pack] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}
NOT_READ = {
    "zst": (b"\x28\xb5\x2f\xfd", "zstd"),
    "lz4": (b"\x04\x22\x4d\x18", "lz4"),
    "Z": (b"\x1f\x9d", "compress"),
}


def once(
    *names: str | Path, given: bytes = b""
) -> "subprocess.CompletedProcess[bytes]":
    """Run the program on these files, with something on its standard input."""
    return subprocess.run(
        [sys.executable, "-m", "rsync_exporter", "--once", *map(str, names)],
        cwd=ROOT,
        input=given,
        capture_output=True,
        timeout=30,
        check=False,
    )


def counted(done: "subprocess.CompletedProcess[bytes]") -> dict[str, float]:
    """Return each sample's value by its name and label values."""
    assert done.returncode == 0, done.stderr
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(done.stdout.decode())
        for sample in family.samples
    }


def waiting_bytes(pipe: int) -> int:
    """Return how much of what was written to a pipe nobody has read yet."""
    waiting = fcntl.ioctl(pipe, termios.FIONREAD, bytes(4))
    return int.from_bytes(waiting, sys.byteorder)


def test_a_file():
    metrics = counted(done := once(RECORDED))
    assert metrics["rsync_connections_total"] == CONNECTIONS
    size = RECORDED.stat().st_size
    for name in ("read_bytes_total", "file_size_bytes", "file_offset_bytes"):
        assert metrics[f"rsync_exporter_{name} {RECORDED}"] == size
    assert done.stderr == b""


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
@pytest.mark.parametrize("name", ["rsyncd.log.1.packed", "rsyncd.log.1"])
def test_a_packed_file_whatever_its_name(tmp_path: Path, pack: Pack, name: str):
    content = RECORDED.read_bytes()
    packed = tmp_path / name
    packed.write_bytes(pack(content[:1000]) + pack(content[1000:]))
    metrics = counted(once(packed))
    assert metrics["rsync_connections_total"] == CONNECTIONS
    assert metrics[f"rsync_exporter_read_bytes_total {packed}"] == len(content)


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_packed_standard_input(pack: Pack):
    metrics = counted(once("-", given=pack(RECORDED.read_bytes())))
    assert metrics["rsync_connections_total"] == CONNECTIONS


def test_standard_input_of_which_the_first_byte_comes_alone():
    packed = lzma.compress(RECORDED.read_bytes())
    with subprocess.Popen(
        [sys.executable, "-m", "rsync_exporter", "--once", "-"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    ) as program:
        assert program.stdin
        program.stdin.write(packed[:1])
        pipe = program.stdin.fileno()
        eventually(lambda: waiting_bytes(pipe) == 0, "the first byte to be read")
        output, _ = program.communicate(packed[1:], timeout=30)
    assert f"rsync_connections_total {CONNECTIONS}.0" in output.decode()


def test_files_and_standard_input_together(tmp_path: Path):
    content = RECORDED.read_bytes()
    packed = tmp_path / "rsyncd.log.1.gz"
    packed.write_bytes(gzip.compress(content))
    metrics = counted(once(packed, RECORDED, "-", given=content))
    assert metrics["rsync_connections_total"] == 3 * CONNECTIONS
    assert metrics["rsync_exporter_read_bytes_total -"] == len(content)


def test_a_file_that_is_named_more_than_once_counts_once(tmp_path: Path):
    log, link, second = (tmp_path / name for name in ("log", "link", "second"))
    log.write_bytes(RECORDED.read_bytes())
    link.symlink_to(log)
    second.hardlink_to(log)
    other_spelling = f"{tmp_path}/./log"
    given = RECORDED.read_bytes()
    metrics = counted(once(log, link, other_spelling, second, log, "-", given=given))
    assert metrics["rsync_connections_total"] == 2 * CONNECTIONS
    read = [name for name in metrics if "read_bytes_total" in name]
    assert read == [f"rsync_exporter_read_bytes_total {name}" for name in (log, "-")]


def test_a_session_that_goes_on_in_the_next_file(tmp_path: Path):
    lines = [
        b"2026/11/21 20:55:45 [7] connect from h (192.0.2.1)\n",
        b"2026/11/21 20:55:45 [7] rsync allowed access on module m from h (192.0.2.1)\n"
        b"2026/11/21 20:55:46 [7] rsync on m/ from h (192.0.2.1)\n",
        b"2026/11/21 20:55:49 [7] sent 5 bytes  received 3 bytes  total size 2",
    ]
    paths = [tmp_path / f"rsyncd.log.{number}" for number in range(3)]
    for path, line in zip(paths, lines, strict=True):
        path.write_bytes(line)
    metrics = counted(once(*paths))
    assert metrics["rsyncd_sessions_total pull m ok"] == 1
    assert metrics["rsyncd_session_duration_seconds_sum pull m"] == 4
    # The last line is whole, with a newline or without: nobody writes on.
    assert metrics["rsync_data_sent_bytes_total"] == 5


def test_a_module_with_a_log_of_its_own(tmp_path: Path):
    daemon, module = tmp_path / "rsyncd.log", tmp_path / "module.log"
    visits = [(b"2026/11/21 %02d:55:45 [7] " % hour) for hour in range(10)]
    daemon.write_bytes(
        b"".join(visit + b"connect from h (192.0.2.1)\n" for visit in visits)
    )
    module.write_bytes(
        b"".join(
            visit + b"rsync on m/ from h (192.0.2.1)\n"
            b"%bsent 5 bytes  received 3 bytes  total size 2\n" % visit
            for visit in visits
        )
    )
    metrics = counted(once(daemon, module, daemon))
    assert metrics["rsyncd_sessions_total pull m ok"] == len(visits)
    assert metrics[f"rsync_exporter_lines_total {daemon} matched"] == len(visits)


def test_a_format_that_names_come_first_in_is_warned_of(tmp_path: Path):
    file = tmp_path / "format"
    file.write_text("%f %l\n")
    done = once(RECORDED, "-f", file)
    assert counted(done)["rsync_connections_total"] == CONNECTIONS
    [warning] = done.stderr.decode().splitlines()
    assert f"{file}: its log format begins with a file's name" in warning


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("missing", None, "No such file or directory"),
        (".", None, "Is a directory"),
        *(
            (f"cut.{kind}", pack(RECORDED.read_bytes())[:-20], "Compressed file ended")
            for kind, pack in PACKERS.items()
        ),
        *((f"begun.{kind}", pack(b"")[:2], "cut") for kind, pack in PACKERS.items()),
        *((f"empty.{kind}", b"", "cut") for kind in PACKERS),
        *(
            (f"damaged.{kind}", pack(b"")[:10] + b"x" * 99, "error=")
            for kind, pack in PACKERS.items()
        ),
        *(
            (f"log.{kind}", magic + b"x" * 99, f"packed by {name}, which cannot")
            for kind, (magic, name) in NOT_READ.items()
        ),
    ],
)
def test_a_file_that_cannot_be_read(
    tmp_path: Path, name: str, content: bytes | None, problem: str
):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    done = once(RECORDED, path)
    assert done.returncode == 1
    assert done.stdout == b""
    [line] = done.stderr.decode().splitlines()
    assert line.startswith("CRITICAL @ ")
    assert f"cannot read file={path}" in line
    assert problem in line


def test_nobody_who_reads_to_the_end():
    program = f"{sys.executable} -m rsync_exporter --once {RECORDED} | true"
    done = subprocess.run(
        ["bash", "-c", f"{program}; exit ${{PIPESTATUS[0]}}"],
        cwd=ROOT,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.integration
def test_promtool_finds_no_fault():
    done = subprocess.run(
        [
            *("docker", "compose", "exec", "-T"),
            *("prometheus", "promtool", "check", "metrics"),
        ],
        input=once(*sorted(DATA.glob("*_raw.log"))).stdout,
        capture_output=True,
        timeout=60,
        check=False,
        cwd=ROOT,
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, b"", b"")
