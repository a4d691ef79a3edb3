import time
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from interceptor.backlog import Backlog
from interceptor.capture import Capture
from interceptor.settings import Settings
from servicekit import Health, Stop
from servicekit.settings import load

SAMPLES = Path(__file__).parent / "data" / "tcpdump_samples.txt"


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def backlog() -> Backlog:
    return Backlog(limit_rows=1000)


@pytest.fixture
def capture(backlog: Backlog, registry: CollectorRegistry, health: Health) -> Capture:
    """Return a capture of an interface that is not there."""
    settings = load(Settings, {"MYSQL_PASSWORD": "secret", "INTERFACE": "nosuch0"})
    return Capture(settings, backlog, registry, health, Stop())


def test_every_line_is_queued_or_counted(
    capture: Capture, backlog: Backlog, registry: CollectorRegistry
):
    lines = SAMPLES.read_bytes().splitlines(keepends=True)
    capture.read(lines)
    captured = backlog.counts().captured
    unparsed = registry.get_sample_value("interceptor_lines_unparsed_total")
    assert captured == 6  # two recordings, of 3 connections each, are made with -tt
    assert unparsed == len(lines) - captured


def test_tcpdumps_failure_is_told_everywhere(
    capture: Capture,
    registry: CollectorRegistry,
    health: Health,
    caplog: pytest.LogCaptureFixture,
):
    caplog.set_level("INFO")
    deadline = time.monotonic() + 20
    with capture:
        while not registry.get_sample_value("interceptor_tcpdump_restarts_total"):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        capture.request_statistics()  # harmless while nothing listens
        reason = health.problems()["tcpdump"]
    assert reason.startswith("exit code 1: ")
    messages = [record.message for record in caplog.records]
    assert messages[0].startswith("tcmdump command running: tcpdump -i nosuch0 ")
    assert any(message.startswith("tcpdump says: nosuch0: ") for message in messages)


def test_a_missing_capability_is_named(
    capture: Capture,
    health: Health,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """The same refusal as the kernel's: a program that may not be executed."""
    (tmp_path / "tcpdump").touch(mode=0o600)
    monkeypatch.setenv("PATH", str(tmp_path))
    deadline = time.monotonic() + 20
    with capture:
        while "NET_RAW" not in health.problems()["tcpdump"]:
            assert time.monotonic() < deadline
            time.sleep(0.01)
