"""Log lines: a shape that people search for, and that nobody can forge."""

import io
import json
import logging
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicekit.logs import (
    TEXT_FORMAT,
    JsonFormatter,
    TextFormatter,
    configure_logging,
)

# 2026-11-21 13:52:14.138 UTC
MOMENT = 1795269134.138


def record(message: str, *args: object, level: int = logging.INFO) -> logging.LogRecord:
    """Return a log record made at MOMENT."""
    made = logging.LogRecord("test", level, __file__, 1, message, args, None)
    made.created, made.msecs = MOMENT, 138.0
    return made


def failed(text: str) -> logging.LogRecord:
    """Return the record of an exception with this text."""
    made = record("failed")
    made.exc_info = (RuntimeError, RuntimeError(text), None)
    return made


def text_line(made: logging.LogRecord) -> str:
    return TextFormatter(TEXT_FORMAT).format(made)


def json_line(made: logging.LogRecord) -> str:
    return JsonFormatter().format(made)


@pytest.fixture(params=["UTC0", "America/New_York"])
def _any_zone(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Run the test in more than one time zone of the process."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def _own_logging() -> Iterator[None]:
    """Give the root logger back its handlers after the test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


@pytest.mark.usefixtures("_any_zone")
def test_a_line_has_the_shape_that_people_search_for():
    assert text_line(record("Succesfully connected to database")) == (
        "INFO @ 2026-11-21 13:52:14,138 -> Succesfully connected to database"
    )


@given(st.text(st.characters()))
def test_no_message_ever_makes_a_second_line(message: str):
    line = text_line(record("host=%s", message))
    assert len(line.splitlines()) == 1
    line.encode()


@given(st.text(st.characters()))
def test_no_exception_ever_makes_a_line_that_looks_like_a_record(text: str):
    first, *others = text_line(failed(text)).splitlines()
    assert first == "INFO @ 2026-11-21 13:52:14,138 -> failed"
    assert others
    assert all(line.startswith("  ") for line in others)


def test_a_forged_record_in_an_exception_is_seen_to_be_none():
    lines = text_line(failed("x\nINFO @ 2026-01-01 00:00:00,000 -> all is well"))
    assert not re.search("^INFO.*all is well", lines, re.MULTILINE)


def test_what_is_not_printable_is_made_visible():
    line = text_line(record("a\nb\x1b[2Jc\u2028d\udcff"))
    assert line.endswith(r"-> a\nb\x1b[2Jc\u2028d\udcff")


def test_other_alphabets_are_left_alone():
    assert text_line(record("Zürich 東京")).endswith("-> Zürich 東京")


@pytest.mark.usefixtures("_any_zone")
def test_a_json_line_has_the_same_in_fields():
    assert json.loads(json_line(record("tick=%d", 1, level=logging.WARNING))) == {
        "time": "2026-11-21T13:52:14.138Z",
        "level": "WARNING",
        "logger": "test",
        "message": "tick=1",
    }


@given(st.text(st.characters()))
def test_a_json_record_is_one_line_whatever_it_holds(text: str):
    line = json_line(failed(text))
    assert len(line.splitlines()) == 1
    line.encode()
    assert "RuntimeError" in json.loads(line)["exception"]


@pytest.mark.usefixtures("_own_logging")
def test_the_log_goes_to_stdout_and_to_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    stdout, file = io.StringIO(), tmp_path / "service.log"
    monkeypatch.setattr(sys, "stdout", stdout)
    configure_logging("INFO", "text", file)
    logging.getLogger("anything").debug("not this")
    logging.getLogger("anything").info("this")
    assert re.fullmatch(r"INFO @ [\d :,-]{23} -> this\n", stdout.getvalue())
    assert file.read_text() == stdout.getvalue()


@pytest.mark.usefixtures("_own_logging")
def test_a_log_file_that_cannot_be_opened_is_an_os_error(tmp_path: Path):
    with pytest.raises(OSError, match="No such file"):
        configure_logging("INFO", "text", tmp_path / "missing" / "service.log")
