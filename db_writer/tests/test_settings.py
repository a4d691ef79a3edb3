"""Where the database is told: in the environment, else in the file."""

from pathlib import Path

import pytest

from db_writer.settings import Settings
from servicekit import SettingsError
from servicekit.settings import load
from sites.config import Config, parse

URI = "postgresql://user:hunter2@host/database"


def config(**more: str) -> Config:
    """Return a file's contents."""
    kafka = {"connect": {"bootstrap_servers": "kafka:9092"}, "topic": "site_checks"}
    checks = [{"url": "https://www.example/"}]
    return parse({"kafka": kafka, "checks": checks, **more}, "config.yaml")


def test_the_environment_wins_over_the_file():
    settings = load(Settings, {"POSTGRESQL_URI": URI})
    assert settings.database(config(postgresql_uri="postgresql://other")) == URI


def test_the_uri_may_be_in_a_file_of_its_own(tmp_path: Path):
    file = tmp_path / "uri"
    file.write_text(f"{URI}\n")
    settings = load(Settings, {"POSTGRESQL_URI_FILE": str(file)})
    assert settings.database(config()) == URI


def test_the_configuration_file_is_enough():
    assert load(Settings, {}).database(config(postgresql_uri=URI)) == URI


def test_no_database_at_all_is_a_problem():
    problem = "^/app/config.yaml: postgresql_uri: required, or set POSTGRESQL_URI$"
    with pytest.raises(SettingsError, match=problem):
        load(Settings, {}).database(config())


@pytest.mark.parametrize(
    "uri", ["mysql://user:hunter2@host/", "hunter2", "postgresql://host/?hunter2=1"]
)
def test_a_wrong_uri_is_refused_without_being_shown(uri: str):
    with pytest.raises(SettingsError, match=r"expected .*postgresql://") as caught:
        load(Settings, {"POSTGRESQL_URI": uri})
    assert "hunter2" not in str(caught.value)


def test_a_wrong_uri_in_the_file_is_refused_without_being_shown():
    with pytest.raises(SettingsError, match="expected postgresql://") as caught:
        load(Settings, {}).database(config(postgresql_uri="postgresql://h?hunter2=1"))
    assert "hunter2" not in str(caught.value)


def test_bad_messages_have_a_topic_beside_the_results():
    assert load(Settings, {}).bad_message_topic(config()) == "site_checks-dead-letters"
    named = load(Settings, {"DEAD_LETTER_TOPIC": "bad"})
    assert named.bad_message_topic(config()) == "bad"
