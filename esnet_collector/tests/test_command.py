import os
import subprocess
import sys


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, "-m", "esnet_collector", *arguments],
        env=environ | variables,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_help_lists_every_setting_and_the_command() -> None:
    result = run("--help")
    assert result.returncode == 0
    for word in ("once", "--check", "NETBEAM_URL", "RMQ_QUEUE", "SETTLE_SECONDS"):
        assert word in result.stdout


def test_wrong_settings_end_with_2_and_a_line_each() -> None:
    result = run(RMQ_PORT="many", LOG_LEVEL="loud")
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    lines = result.stderr.splitlines()
    names = {line.split(":")[0] for line in lines}
    assert names == {
        "LOG_LEVEL",
        "MYSQL_PASSWORD",
        "NETBEAM_URL",
        "RMQ_PASS",
        "RMQ_PORT",
        "RMQ_USER",
    }


def test_a_missing_env_file_ends_with_2() -> None:
    result = run("--check", ENV_FILE="/nowhere/env")
    assert result.returncode == 2
    assert result.stderr.startswith('ENV_FILE: cannot read "/nowhere/env"')
    assert "Traceback" not in result.stderr


def test_check_names_each_server_that_does_not_answer() -> None:
    result = run(
        "--check",
        NETBEAM_URL="http://127.0.0.1:1/api",
        RMQ_HOST="127.0.0.1",
        RMQ_PORT="1",
        RMQ_USER="esnet",
        RMQ_PASS="hush",
        MYSQL_HOST="127.0.0.1",
        MYSQL_PORT="1",
        MYSQL_PASSWORD="hush",
    )
    assert result.returncode == 1
    netbeam, rabbitmq, mysql = result.stderr.splitlines()
    assert netbeam.startswith("NETBEAM_URL http://127.0.0.1:1/api: ConnectionError")
    assert rabbitmq == "RMQ_HOST 127.0.0.1: [Errno 111] Connection refused"
    assert mysql.startswith("MYSQL_HOST 127.0.0.1: (2003,")
    assert "hush" not in result.stderr + result.stdout
