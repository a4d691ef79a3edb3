"""Every service as a program: how it explains itself, refuses, runs and stops."""

import importlib
import json
import time
from typing import Any

import pytest

from servicekit.settings import declared
from tests.stack import SERVICES, compose, execute

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]


def run(service: str, *arguments: str, environment: tuple[str, ...] = ()):
    """Run the image of a service without any network or setting of the stack."""
    settings = [word for setting in environment for word in ("--env", setting)]
    return execute(
        *("docker", "run", "--rm", "--network", "none", *settings),
        *(f"belfry/{service}", "python", "-m", service, *arguments),
    )


def inspect(container: str) -> dict[str, Any]:
    """Return what Docker knows of a container."""
    (description,) = json.loads(execute("docker", "inspect", container).stdout)
    return description


@pytest.mark.parametrize("service", SERVICES)
def test_help_lists_every_setting_with_its_own_dependencies_only(service: str):
    done = run(service, "--help")
    assert done.returncode == 0
    settings = importlib.import_module(f"{service}.settings").Settings
    for _, details in declared(settings):
        assert f"  {details.env} " in done.stdout
    assert "--check" in done.stdout


@pytest.mark.parametrize("service", SERVICES)
def test_wrong_settings_are_all_named_at_once_without_a_traceback(service: str):
    done = run(service, environment=("LOG_LEVEL=loud", "LOG_FORMAT=prose"))
    assert done.returncode == 2
    assert (
        'LOG_LEVEL: expected one of DEBUG, INFO, WARNING, ERROR, got "loud"'
        in done.stderr
    )
    assert "LOG_FORMAT" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_runs_unprivileged_on_a_read_only_root(service: str):
    container = inspect(compose("ps", "-q", service).strip())
    assert container["Config"]["User"] not in ("", "root", "0")
    assert container["HostConfig"]["ReadonlyRootfs"]
    assert container["HostConfig"]["CapDrop"] == ["ALL"]


@pytest.mark.parametrize("service", SERVICES)
def test_check_says_that_all_is_well_in_the_running_stack(service: str):
    done = execute(
        *("docker", "compose", "exec", "-T", service),
        *("python", "-m", service, *options(service), "--check"),
    )
    assert done.returncode == 0, done.stderr
    assert "all is well" in done.stdout


def options(service: str) -> list[str]:
    """Return the command line options that the Compose file gives the service."""
    container = inspect(compose("ps", "-q", service).strip())
    return container["Config"]["Cmd"][3:]


@pytest.mark.parametrize("service", SERVICES)
def test_sigterm_ends_it_cleanly_in_ten_seconds(service: str):
    container = compose("ps", "-q", service).strip()
    started = time.monotonic()
    assert execute("docker", "stop", "--time", "20", container).returncode == 0
    seconds = time.monotonic() - started
    exit_code = inspect(container)["State"]["ExitCode"]
    try:
        assert seconds < 10
        assert exit_code == 0
    finally:
        compose("up", "--detach", "--no-build", "--no-recreate", "--wait", service)
