"""The program as a person meets it: help, wrong settings, missing servers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from site_checker.tests.stack import Program, eventually

CONFIG = """
kafka: {connect: {bootstrap_servers: "127.0.0.1:1"}, topic: sites}
redis_uri: redis://127.0.0.1:1
checks: [{url: "http://www.demo/"}]
"""


def site_checker(
    *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "site_checker", *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    return path


def test_help_names_every_setting() -> None:
    done = site_checker("--help")
    assert done.returncode == 0
    for word in ("--config", "--once", "--check", "REDIS_PREFIX", "CHECKS_AT_ONCE"):
        assert word in done.stdout


def test_every_wrong_setting_is_named_at_once() -> None:
    done = site_checker(
        CHECKS_AT_ONCE="0", REDIS_URI="http://redis", CA_BUNDLE="/absent"
    )
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "REDIS_URI: expected a URL starting with redis:// or rediss://, got (hidden)",
        'CHECKS_AT_ONCE: expected a whole number 1-1000, got "0"',
        'CA_BUNDLE: expected an existing file, got "/absent"',
    ]


@pytest.mark.parametrize("flags", [[], ["--check"], ["--once"]])
def test_every_problem_of_the_file_is_told_and_ends_with_2(
    config: Path, flags: list[str]
) -> None:
    config.write_text(CONFIG.replace("topic", "topik") + "check: 1\n")
    done = site_checker("-c", str(config), *flags)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"{config}: kafka.topic: required",
        f"{config}: kafka.topik: unknown key",
        f"{config}: check: unknown key",
    ]


def test_a_missing_file_is_named() -> None:
    done = site_checker("-c", "/absent.yaml")
    assert done.returncode == 2
    assert done.stderr == "/absent.yaml: cannot read: No such file or directory\n"


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("", "redis_uri: required, or set REDIS_URI"),
        ("redis_uri: redis://redis:port", "redis_uri: Port could not be cast"),
    ],
)
def test_an_unusable_redis_uri_is_told(config: Path, uri: str, problem: str) -> None:
    config.write_text(CONFIG.replace("redis_uri: redis://127.0.0.1:1", uri))
    done = site_checker("-c", str(config))
    assert done.returncode == 2
    assert problem in done.stderr
    assert "Traceback" not in done.stderr


def test_a_value_that_the_kafka_library_cannot_read_is_told(config: Path) -> None:
    config.write_text(CONFIG.replace('"127.0.0.1:1"', "5"))
    done = site_checker("-c", str(config), "--once")
    assert done.returncode == 2
    assert done.stderr == "kafka.connect: 'int' object is not iterable\n"


def test_without_kafka_it_says_so_waits_and_ends_when_asked(config: Path) -> None:
    program = Program(config)
    eventually(lambda: "Unable to bootstrap" in program.problems().get("kafka", ""))
    assert any(
        "kafka failed attempt=1 retry_in_seconds=" in line for line in program.log
    )
    assert program.stop() == 0
    assert not any("Traceback" in line for line in program.log)


def test_check_tells_of_each_server_that_is_away(config: Path) -> None:
    done = site_checker("-c", str(config), "--check")
    assert done.returncode == 1
    redis, kafka = done.stderr.splitlines()
    assert redis.startswith("redis_uri: Error 111 connecting to 127.0.0.1:1")
    assert kafka.startswith("kafka.connect: KafkaTimeoutError: Unable to bootstrap")
