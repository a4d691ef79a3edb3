"""The program: its exit codes and last lines."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from exporter_proxy.tests.running import Running, free_port, wait_until

ROOT = Path(__file__).parents[2]


def program(*arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "exporter_proxy", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Return exit code and output."""
    output, _ = process.communicate(timeout=20)
    return process.returncode, output


@pytest.fixture
def running(tmp_path: Path) -> Running:
    return Running(free_port(), free_port(), tmp_path / "receiver.sock")


@pytest.fixture
def config(running: Running, tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(running.file(), encoding="utf-8")
    return path


def test_a_signal_ends_it_in_order_with_clients_connected(
    running: Running, config: Path
):
    process = program("-c", config)
    wait_until(running.answers)
    with running.tcp() as client:
        client.sendall(b'{"half": ')
        process.send_signal(signal.SIGTERM)
        code, output = ended(process)

    assert code == 0
    assert "INFO @ " in output
    assert output.rstrip().endswith("-> stopped applications=0")
    assert not running.unix_socket.exists()


def test_a_taken_port_is_one_clear_line(running: Running, config: Path):
    first = program("--config", config)
    wait_until(running.answers)

    code, output = ended(program("--config", config))
    first.terminate()
    ended(first)

    assert code == 1
    assert f"cannot listen on 127.0.0.1:{running.http_port}" in output
    assert "Traceback" not in output


def test_wrong_keys_exit_2(config: Path):
    config.write_text("exporter.colour = 1\nreceiver.format = 'xml'", encoding="utf-8")

    code, output = ended(program("-c", config))

    assert code == 2
    assert "exporter.colour: no such key" in output
    assert "receiver.format: expected one of any, json, capnp" in output
    assert "Traceback" not in output


def test_check_polls_every_target_once(config: Path):
    away = f"http://127.0.0.1:{free_port()}/metrics"
    config.write_text(f'poll_external.other_scrape_endpoints = ["{away}"]')

    code, output = ended(program("-c", config, "--check"))

    assert code == 1
    assert output.startswith(f"{away}: cannot connect")


def test_check_is_content_without_targets():
    assert ended(program("--check")) == (0, "exporter_proxy: all is well\n")
