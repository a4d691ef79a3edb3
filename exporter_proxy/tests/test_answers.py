"""The lines that pushes are acknowledged with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter_proxy.push.answers import accepted_line, refused_line
from exporter_proxy.refusals import Reason, Refused
from exporter_proxy.store.intake import Taken


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("shop", "ok shop 13"),
        ("my shop", r"ok my\x20shop 13"),
        ("my\\x20shop", r"ok my\\x20shop 13"),
        ("caf\u00e9", "ok caf\u00e9 13"),
    ],
)
def test_what_was_taken_is_told_by_name_and_series(name: str, line: str):
    assert accepted_line(name, Taken(13, 0, None)) == line


def test_lines_that_were_dropped_are_told():
    refused = Refused(Reason.SYNTAX, "nonsense").at(2, b"bad line")

    assert accepted_line("shop", Taken(13, 3, refused)) == (
        "ok shop 13 dropped 3 line 2: nonsense: bad line"
    )


def test_families_that_are_left_out_are_told():
    assert accepted_line("shop", Taken(13, 0, None, ("a", "b"))) == (
        "ok shop 13 left out a,b"
    )


def test_what_was_refused_is_told_by_name_place_and_reason():
    refused = Refused(Reason.SYNTAX, "nonsense").at(2, b"bad\xff \x00\x1b[2J\r")

    assert refused_line("shop", refused) == (
        r"refused shop line 2: nonsense: bad\xff \x00\x1b[2J\r"
    )


@pytest.mark.parametrize(
    ("name", "word"), [(None, "-"), ("", "-"), ("-", r"\x2d"), ("--", "--")]
)
def test_what_is_no_application_s_is_told_so(name: str | None, word: str):
    line = refused_line(name, Refused(Reason.JSON, "no JSON"))

    assert line == f"refused {word} no JSON"


@given(name=st.text(), text=st.text(), raw=st.binary())
def test_whatever_is_sent_an_answer_is_one_line_with_one_word_of_a_name(
    name: str, text: str, raw: bytes
):
    refused = Refused(Reason.JSON, text).at(1, raw)

    for line in (
        refused_line(name, refused),
        accepted_line(name, Taken(1, 1, refused)),
    ):
        assert line.isprintable()
        assert len(line.splitlines()) == 1
        line.encode()
    assert len(accepted_line(name, Taken(1, 0, None)).split()) == (3 if name else 2)
