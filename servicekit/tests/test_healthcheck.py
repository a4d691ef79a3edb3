"""The container's health check: exit status 0 only for a healthy service."""

import socket
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from servicekit import Health, healthcheck, serve


@pytest.fixture
def port_file(tmp_path: Path) -> Path:
    """Return where the test's service announces its port."""
    return tmp_path / "port"


def test_a_healthy_service_passes(port_file: Path, capsys: pytest.CaptureFixture[str]):
    with serve("sample", "", 0, CollectorRegistry(), Health()) as port:
        port_file.write_text(str(port))
        assert healthcheck.main(port_file) == 0
    assert '"healthy": true' in capsys.readouterr().out


def test_an_unwell_service_fails_with_its_reasons(
    port_file: Path, capsys: pytest.CaptureFixture[str]
):
    health = Health()
    health.down("mysql", "connection refused")
    with serve("sample", "", 0, CollectorRegistry(), health) as port:
        port_file.write_text(str(port))
        assert healthcheck.main(port_file) == 1
    assert "connection refused" in capsys.readouterr().out


def test_a_service_that_never_started_fails(
    port_file: Path, capsys: pytest.CaptureFixture[str]
):
    assert healthcheck.main(port_file) == 1
    assert "no answer from the service" in capsys.readouterr().out


def test_a_service_that_is_gone_fails(port_file: Path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port_file.write_text(str(server.getsockname()[1]))
    assert healthcheck.main(port_file) == 1


def test_a_service_that_does_not_answer_fails(
    port_file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(healthcheck, "TIMEOUT_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port_file.write_text(str(server.getsockname()[1]))
        assert healthcheck.main(port_file) == 1


def test_nonsense_in_the_port_file_fails(port_file: Path):
    port_file.write_text("eighty")
    assert healthcheck.main(port_file) == 1


def test_the_port_is_announced_by_serve():
    with serve("sample", "", 0, CollectorRegistry(), Health()):
        assert healthcheck.main() == 0
