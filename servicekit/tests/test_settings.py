"""Settings: read from variables, every problem told at once, secrets never shown."""

from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from servicekit import CommonSettings, SettingsError, parsers, setting
from servicekit.settings import load, table


@dataclass(frozen=True, kw_only=True)
class Settings(CommonSettings):
    """A service's settings with one field of each kind."""

    host: str = setting("localhost", help="who to ask")
    password: str = setting(help="how to get in", secret=True)
    port: int = setting("80", help="where", parse=parsers.port, flags=("-p", "--port"))
    folder: Path | None = setting(help="where to keep", parse=Path, optional=True)
    key: str = setting("raw", help="routing key", env="RMQ_KEY", aliases=("OLD_KEY",))


def problems(**source: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load(Settings, source)
    return caught.value.problems


def test_defaults_stand_in_for_what_is_not_set():
    settings = load(Settings, {"PASSWORD": "x"})
    assert settings.host == "localhost"
    assert settings.port == 80
    assert settings.folder is None
    assert settings.log_level == "INFO"
    assert settings.log_format == "text"
    assert settings.log_file is None


def test_variables_are_parsed():
    source = {"PASSWORD": "x", "PORT": "8080", "FOLDER": "/data", "LOG_LEVEL": "debug"}
    settings = load(Settings, source)
    assert settings.port == 8080
    assert settings.folder == Path("/data")
    assert settings.log_level == "DEBUG"


def test_all_problems_are_told_at_once():
    assert problems(PORT="abc", LOG_FORMAT="xml") == (
        'LOG_FORMAT: expected one of text, json, got "xml"',
        "PASSWORD: required: how to get in",
        'PORT: expected a port 1-65535, got "abc"',
    )


def test_an_empty_variable_counts_as_not_set():
    assert load(Settings, {"PASSWORD": "x", "HOST": ""}).host == "localhost"
    assert problems(PASSWORD="") == ("PASSWORD: required: how to get in",)


def test_a_required_setting_with_a_flag_names_the_flag_too():
    @dataclass(frozen=True, kw_only=True)
    class WithPath(CommonSettings):
        path: Path = setting(help="the log", parse=Path, flags=("-p", "--path"))

    with pytest.raises(SettingsError) as caught:
        load(WithPath, {})
    assert caught.value.problems == ("PATH (-p): required: the log",)


@dataclass(frozen=True, kw_only=True)
class WithFile(CommonSettings):
    """Settings of which one names a file, and another is needed without that one."""

    @staticmethod
    def read(text: str) -> str:
        raise SettingsError([f"{text} line 1: wrong", f"{text} line 2: wrong too"])

    log: str | None = setting(help="the log", unless=("CONF", "--once"))
    conf: str | None = setting(help="the file", parse=read, optional=True)


def test_a_setting_is_not_required_where_another_stands_in():
    assert load(WithFile, {"--once": "yes"}).log is None
    with pytest.raises(SettingsError) as caught:
        load(WithFile, {"CONF": ""})
    assert caught.value.problems == ("LOG: required: the log",)


def test_all_problems_of_a_file_are_told_among_the_others():
    with pytest.raises(SettingsError) as caught:
        load(WithFile, {"CONF": "/c", "LOG_FORMAT": "xml"})
    assert caught.value.problems == (
        'LOG_FORMAT: expected one of text, json, got "xml"',
        "/c line 1: wrong",
        "/c line 2: wrong too",
    )


def test_an_alias_works_and_the_proper_name_wins():
    assert load(Settings, {"PASSWORD": "x", "OLD_KEY": "old"}).key == "old"
    both = {"PASSWORD": "x", "OLD_KEY": "old", "RMQ_KEY": "new"}
    assert load(Settings, both).key == "new"


def test_a_problem_names_the_variable_that_was_used():
    @dataclass(frozen=True, kw_only=True)
    class WithAlias(CommonSettings):
        port: int = setting("1", help="", parse=parsers.port, aliases=("OLD_PORT",))

    with pytest.raises(
        SettingsError, match='OLD_PORT: expected a port 1-65535, got "x"'
    ):
        load(WithAlias, {"OLD_PORT": "x"})


def test_a_secret_is_read_from_the_file_that_is_named(tmp_path: Path):
    file = tmp_path / "password"
    file.write_text(" kept as it is \n")
    assert load(Settings, {"PASSWORD_FILE": str(file)}).password == " kept as it is "


def test_a_secret_s_file_wins_over_a_default_beside_it(tmp_path: Path):
    file = tmp_path / "password"
    file.write_text("from the file")
    source = {"PASSWORD": "itself", "PASSWORD_FILE": str(file)}
    assert load(Settings, source).password == "from the file"


@pytest.mark.parametrize("contents", [None, b"", b"\n", b"\xff\xfe"])
def test_an_unusable_secret_file_is_a_problem(tmp_path: Path, contents: bytes | None):
    file = tmp_path / "password"
    if contents is not None:
        file.write_bytes(contents)
    [problem] = problems(PASSWORD_FILE=str(file))
    assert problem.startswith(f'PASSWORD_FILE: cannot read "{file}": ')


def test_only_secrets_are_read_from_files(tmp_path: Path):
    file = tmp_path / "host"
    file.write_text("example.org")
    settings = load(Settings, {"PASSWORD": "x", "HOST_FILE": str(file)})
    assert settings.host == "localhost"


def test_a_secret_is_never_shown():
    @dataclass(frozen=True, kw_only=True)
    class Secretive(CommonSettings):
        pin: int = setting("1234", help="", parse=parsers.integer(0, 9), secret=True)

    with pytest.raises(SettingsError) as caught:
        load(Secretive, {"PIN": "5678"})
    shown = f"{caught.value} {table(Secretive)}"
    assert "5678" not in shown
    assert "1234" not in shown


def test_settings_print_without_their_secrets():
    assert "hunter2" not in repr(load(Settings, {"PASSWORD": "hunter2"}))


def test_a_dataclass_may_check_its_fields_against_each_other():
    @dataclass(frozen=True, kw_only=True)
    class Range(CommonSettings):
        low: int = setting("1", help="", parse=parsers.integer(0, 9))
        high: int = setting("2", help="", parse=parsers.integer(0, 9))

        def __post_init__(self) -> None:
            if self.low > self.high:
                raise ValueError("LOW: more than HIGH")

    with pytest.raises(SettingsError) as caught:
        load(Range, {"LOW": "3"})
    assert caught.value.problems == ("LOW: more than HIGH",)


def test_the_table_has_a_line_for_each_setting_with_its_default():
    lines = table(Settings).splitlines()
    assert len(lines) == len(fields(Settings))
    assert ["HOST", "localhost", "who", "to", "ask"] in [line.split() for line in lines]
    assert ["PASSWORD", "(required)", "how", "to", "get", "in"] in [
        line.split() for line in lines
    ]
    assert ["FOLDER", "-", "where", "to", "keep"] in [line.split() for line in lines]
