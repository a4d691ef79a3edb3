"""`--once FILE...`: whole files in, an exposition out, and nothing beside it."""

import gzip
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from rsync_exporter.tests.running import ROOT

DATA = Path(__file__).parent / "data"
RECORDED = DATA / "rsyncd_default_raw.log"
CONNECTIONS = 53


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


def test_a_file():
    metrics = counted(done := once(RECORDED))
    assert metrics["rsync_connections_total"] == CONNECTIONS
    size = RECORDED.stat().st_size
    assert metrics[f"rsync_exporter_read_bytes_total {RECORDED}"] == size
    assert done.stderr == b""


def test_packed_files_and_standard_input_in_their_order(tmp_path: Path):
    content = RECORDED.read_bytes()
    packed = tmp_path / "rsyncd.log.1.gz"
    packed.write_bytes(gzip.compress(content))
    metrics = counted(once(packed, RECORDED, "-", given=content))
    assert metrics["rsync_connections_total"] == 3 * CONNECTIONS
    assert metrics["rsync_exporter_read_bytes_total -"] == len(content)
    packed_input = once("-", given=packed.read_bytes())
    assert counted(packed_input)["rsync_connections_total"] == CONNECTIONS


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


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("missing", None, "No such file or directory"),
        (".", None, "Is a directory"),
        ("cut.gz", gzip.compress(RECORDED.read_bytes())[:-20], "Compressed file ended"),
        ("damaged.gz", b"\x1f\x8b\x08\x00" + b"x" * 99, "error="),
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
