"""A service as a program: its command line and its exit codes."""

import logging
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, generate_latest

from servicekit import (
    CommonSettings,
    Service,
    ServiceFailed,
    SettingsError,
    Stop,
    Stopped,
    parsers,
    setting,
)

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Settings(CommonSettings):
    """Settings of the sample service."""

    path: Path = setting(
        "/var/log/x.log", help="100% of the log", parse=Path, flags=("-p", "--path")
    )
    port: int = setting("80", help="where", parse=parsers.port, flags=("--port",))


def nothing_wrong(_settings: Settings) -> Iterable[str]:
    return ()


def sample(
    run: Callable[[Settings, Stop], None] = lambda _settings, _stop: None,
    check: Callable[[Settings], Iterable[str]] = nothing_wrong,
) -> Service[Settings]:
    """Return a service with a command, ``tell``, and a reader, ``--count``."""

    def tell(settings: Settings, _stop: Stop) -> int:
        sys.stdout.write(f"told {settings.path}\n")
        return 7

    def count(settings: Settings, files: Sequence[str], _stop: Stop) -> int:
        logging.getLogger().info("counting")
        sys.stdout.write(f"{len(files)} files beside {settings.path}\n")
        return 8

    return Service(
        *("sample", "A sample.", Settings, run, check),
        commands={"tell": tell},
        readers={"--count": ("100% of the files", count)},
    )


def raising(error: Exception) -> Callable[[Settings, Stop], None]:
    """Return a ``run`` that ends with this error."""

    def run(_settings: Settings, _stop: Stop) -> None:
        raise error

    return run


def test_a_service_that_ends_by_itself_exits_0():
    assert sample().main([], {}) == 0


def test_a_counter_comes_without_a_gauge_of_its_beginning():
    registry = CollectorRegistry()

    def run(_settings: Settings, _stop: Stop) -> None:
        Counter("sample_things_total", "Things", registry=registry)

    assert sample(run).main([], {}) == 0
    assert b"_created" not in generate_latest(registry)


def test_being_stopped_in_a_wait_exits_0():
    assert sample(raising(Stopped("mysql"))).main([], {}) == 0


def test_a_failure_that_cannot_heal_exits_1_with_a_last_line(
    capsys: pytest.CaptureFixture[str],
):
    assert sample(raising(ServiceFailed("disk is full"))).main([], {}) == 1
    captured = capsys.readouterr()
    assert captured.out.endswith(" -> disk is full\n")
    assert captured.out.startswith("CRITICAL @ ")
    assert captured.err == ""


def test_wrong_settings_exit_2_with_all_problems(capsys: pytest.CaptureFixture[str]):
    assert sample().main(["--port", "0"], {"LOG_LEVEL": "loud"}) == 2
    assert capsys.readouterr() == (
        "",
        'LOG_LEVEL: expected one of DEBUG, INFO, WARNING, ERROR, got "loud"\n'
        'PORT: expected a port 1-65535, got "0"\n',
    )


def test_wrong_settings_found_while_starting_exit_2(capsys: pytest.CaptureFixture[str]):
    run = raising(SettingsError(["config.yaml: checks: required", "second"]))
    assert sample(run).main([], {}) == 2
    assert capsys.readouterr().err == "config.yaml: checks: required\nsecond\n"


def test_a_log_file_that_cannot_be_opened_exits_2(capsys: pytest.CaptureFixture[str]):
    assert sample().main([], {"LOG_FILE": "/nowhere/at/all.log"}) == 2
    assert capsys.readouterr().err.startswith("LOG_FILE: cannot open the log: ")


def test_a_bug_shows_its_traceback():
    with pytest.raises(ZeroDivisionError):
        sample(raising(ZeroDivisionError())).main([], {})


def test_a_flag_wins_over_its_variable():
    seen: list[Settings] = []
    service = sample(lambda settings, _stop: seen.append(settings))
    service.main(["-p", "/flag.log"], {"PATH": "/variable.log", "PORT": "81"})
    assert seen[0].path == Path("/flag.log")
    assert seen[0].port == 81


@pytest.mark.parametrize("argument", ["--unknown", "--por", "unknown"])
def test_an_unknown_argument_exits_2(argument: str):
    with pytest.raises(SystemExit) as caught:
        sample().main([argument], {})
    assert caught.value.code == 2


def test_help_lists_every_setting_with_its_default(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as caught:
        sample().main(["--help"], {})
    assert caught.value.code == 0
    told = capsys.readouterr().out
    assert "usage: python -m sample " in told
    assert "A sample." in told
    assert re.search(r"^  -p(?: PATH)?, --path PATH ", told, re.MULTILINE)
    assert "100% of the log" in told
    assert ["PATH", "/var/log/x.log"] in [
        line.split()[:2] for line in told.splitlines()
    ]
    for name in ("LOG_LEVEL", "LOG_FORMAT", "LOG_FILE"):
        assert name in told


def test_check_says_that_all_is_well(capsys: pytest.CaptureFixture[str]):
    assert sample(run=raising(AssertionError())).main(["--check"], {}) == 0
    assert capsys.readouterr() == ("sample: all is well\n", "")


def test_check_tells_every_problem_and_exits_1(capsys: pytest.CaptureFixture[str]):
    service = sample(check=lambda settings: [f"{settings.path}: missing", "no mysql"])
    assert service.main(["--check"], {}) == 1
    assert capsys.readouterr() == ("", "/var/log/x.log: missing\nno mysql\n")


def test_check_of_wrong_settings_exits_2():
    def check(_settings: Settings) -> Iterable[str]:
        raise SettingsError(["config.yaml: wrong"])

    assert sample(check=check).main(["--check"], {}) == 2
    assert sample().main(["--check"], {"PORT": "x"}) == 2


def test_a_command_returns_its_own_exit_code(capsys: pytest.CaptureFixture[str]):
    assert sample(raising(AssertionError())).main(["tell"], {"PATH": "/a.log"}) == 7
    assert capsys.readouterr().out == "told /a.log\n"


def test_a_reader_gets_its_files_and_has_stdout_to_itself(
    capsys: pytest.CaptureFixture[str],
):
    assert sample(raising(AssertionError())).main(["--count", "a", "-"], {}) == 8
    told = capsys.readouterr()
    assert told.out == "2 files beside /var/log/x.log\n"
    assert told.err.endswith(" -> counting\n")


def test_what_is_required_may_be_replaced_by_a_reader():
    @dataclass(frozen=True, kw_only=True)
    class Required(CommonSettings):
        path: Path | None = setting(help="the log", parse=Path, unless=("--count",))

    def count(settings: Required, _files: Sequence[str], _stop: Stop) -> int:
        return 0 if settings.path is None else 1

    service = Service(
        *("sample", "", Required, lambda *_: None, lambda _: ()),
        readers={"--count": ("", count)},
    )
    assert service.main(["--count", "a"], {}) == 0
    assert service.main([], {}) == 2


PROGRAM = """
import sys
from servicekit import CommonSettings, Service

def run(settings, stop):
    print("started", flush=True)
    stop.wait(30)
    print("stopped in order", flush=True)

sys.exit(Service("sample", "", CommonSettings, run, lambda settings: []).main())
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_in_order_with_0(number: signal.Signals):
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "started\n"
        asked = time.monotonic()
        process.send_signal(number)
        assert process.stdout.read() == "stopped in order\n"
        assert process.wait(10) == 0
        assert time.monotonic() - asked < 5
