import pytest

from interceptor.settings import Settings
from servicekit import SettingsError
from servicekit.settings import load

PASSWORD = {"MYSQL_PASSWORD": "secret"}


def test_defaults():
    settings = load(Settings, PASSWORD)
    assert settings.ports == (80, 8080)
    assert settings.interface == "any"
    assert settings.heartbeat_inserts == 200
    assert settings.traffic_targets == ()
    assert (settings.mysql_user, settings.mysql_db) == ("interceptor", "interceptor")


def test_lists():
    settings = load(
        Settings,
        PASSWORD
        | {"PORTS": "443, 1 65535 443", "TRAFFIC_TARGETS": "http://a http://b:8080/x"},
    )
    assert settings.ports == (443, 1, 65535)
    assert settings.traffic_targets == ("http://a", "http://b:8080/x")


def test_every_problem_is_told_at_once():
    wrong = {
        "PORTS": "80 65536",
        "INTERFACE": "-w /tmp/x",
        "HEARTBEAT_INSERTS": "0",
        "QUEUE_ROWS": "many",
        "MYSQL_RETRY_SECONDS": "-1",
        "TRAFFIC_TARGETS": "http://ok ftp://site",
        "TRAFFIC_INTERVAL_SECONDS": "0",
    }
    with pytest.raises(SettingsError) as caught:
        load(Settings, wrong)
    problems = dict(problem.split(": ", 1) for problem in caught.value.problems)
    assert problems.keys() == {*wrong, "MYSQL_PASSWORD"}
    assert problems["PORTS"] == 'expected a list of ports 1-65535, got "80 65536"'
    assert problems["TRAFFIC_TARGETS"] == (
        "expected URLs starting with http://, separated by blanks,"
        ' got "http://ok ftp://site"'
    )
