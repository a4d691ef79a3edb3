from pathlib import Path

import pytest

from esnet_collector.env_file import assignments, with_env_file
from esnet_collector.settings import Settings
from servicekit import SettingsError
from servicekit.settings import load

REQUIRED = {
    "NETBEAM_URL": "http://netbeam/api/",
    "MYSQL_PASSWORD": "secret",
    "RMQ_USER": "esnet",
    "RMQ_PASS": "secret",
}

ENV_FILE_OF_OLD = """\
[rabbitmq]

rmq-user = esnet-data
rmq-pass = "two words"
rmq-host = bus.example
rmq-vhost = osg
rmq-exchange = osg.esdata.raw
rmq-interface-key = interfaces
# a comment
export rmq-traffic-key = 'traffic'
SOMEBODY_ELSES = 1
"""


def test_defaults_are_the_names_the_consumers_know() -> None:
    settings = load(Settings, REQUIRED)
    assert settings.rmq_exchange == "osg.psdata.raw"
    assert settings.rmq_interface_key == "esnet_interfaces"
    assert settings.rmq_traffic_key == "esnet_traffic"
    assert (settings.mysql_user, settings.mysql_db) == ("esnet_user", "esnet")
    assert settings.netbeam_url == "http://netbeam/api"
    assert settings.rmq_queue is None
    assert settings.settle_seconds == 900


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        load(
            Settings,
            {
                "NETBEAM_URL": "netbeam",
                "RMQ_PORT": "0",
                "MAX_MISSING_SHARE": "20%",
                "RMQ_TRAFFIC_KEY": "k" * 256,
                "MISSING_SNAPSHOTS": "none",
            },
        )
    problems = "\n".join(raised.value.problems)
    for variable in (
        "NETBEAM_URL: expected a URL starting with http:// or https://",
        "RMQ_PORT: expected a port 1-65535",
        "RMQ_USER: required",
        "RMQ_PASS: required",
        "MYSQL_PASSWORD: required",
        "MAX_MISSING_SHARE: expected a share between 0 and 1",
        "RMQ_TRAFFIC_KEY: expected at most 255 bytes",
        "MISSING_SNAPSHOTS: expected a whole number 1-1000",
    ):
        assert variable in problems
    assert len(raised.value.problems) == 8


def test_the_older_names_work_as_variables() -> None:
    settings = load(
        Settings,
        {
            "NETBEAM_URL": "http://netbeam/api",
            "MYSQL_PASSWORD": "secret",
            "rmq-user": "old",
            "rmq-pass": "old secret",
            "rmq-host": "bus.example",
            "rmq-vhost": "osg",
        },
    )
    assert (settings.rmq_user, settings.rmq_pass) == ("old", "old secret")
    assert (settings.rmq_host, settings.rmq_vhost) == ("bus.example", "osg")


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    path = tmp_path / "rabbitmq.env"
    path.write_text(ENV_FILE_OF_OLD)
    return path


def test_an_env_file_of_old_is_read(env_file: Path) -> None:
    environ = {
        "ENV_FILE": str(env_file),
        "NETBEAM_URL": "http://netbeam/api",
        "MYSQL_PASSWORD": "secret",
    }
    settings = load(Settings, with_env_file(environ))
    assert settings.rmq_user == "esnet-data"
    assert settings.rmq_pass == "two words"
    assert settings.rmq_host == "bus.example"
    assert settings.rmq_vhost == "osg"
    assert settings.rmq_exchange == "osg.esdata.raw"
    assert settings.rmq_interface_key == "interfaces"
    assert settings.rmq_traffic_key == "traffic"


def test_a_variable_of_either_spelling_wins_over_the_file(env_file: Path) -> None:
    environ = REQUIRED | {"ENV_FILE": str(env_file), "rmq-host": "other.example"}
    settings = load(Settings, with_env_file(environ))
    assert settings.rmq_user == "esnet"
    assert settings.rmq_host == "other.example"
    assert settings.rmq_vhost == "osg"


def test_a_secret_file_wins_over_the_password_in_the_env_file(
    env_file: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from the secret\n")
    environ = {key: value for key, value in REQUIRED.items() if key != "RMQ_PASS"}
    environ |= {"ENV_FILE": str(env_file), "RMQ_PASS_FILE": str(secret)}
    assert load(Settings, with_env_file(environ)).rmq_pass == "from the secret"


def test_a_misspelt_setting_in_the_env_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "env"
    path.write_text("rmq-usr = esnet\nRMQ_EXCHANG = osg\n")
    with pytest.raises(SettingsError) as raised:
        with_env_file({"ENV_FILE": str(path)})
    assert raised.value.problems == (
        f"ENV_FILE {path}: unknown setting rmq-usr",
        f"ENV_FILE {path}: unknown setting RMQ_EXCHANG",
    )


def test_a_named_env_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"ENV_FILE: cannot read .*absent"):
        with_env_file({"ENV_FILE": str(tmp_path / "absent")})


def test_an_env_file_in_the_working_directory_is_read_if_there_is_one(
    env_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert with_env_file({"A": "1"}) == {"A": "1"}
    env_file.rename(tmp_path / ".env")
    assert with_env_file({})["rmq-user"] == "esnet-data"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a=1", [("a", "1")]),
        ("  a = b = c  ", [("a", "b = c")]),
        ("a =", [("a", "")]),
        ("a = '", [("a", "'")]),
        ("# a = 1", []),
        ("[a = 1]", []),
        ("just words", []),
    ],
)
def test_lines_of_an_env_file(line: str, expected: list[tuple[str, str]]) -> None:
    assert list(assignments(line)) == expected
