"""Parsers: whatever the text, a value within bounds or an error that says what fits."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicekit import parsers


def read[T](parse: Callable[[str], T], text: str, expected: str) -> T | None:
    """Return what the text was read as; None when it was refused in these words."""
    try:
        return parse(text)
    except ValueError as error:
        if str(error) != expected:
            raise
        return None


@given(st.integers(1, 65535))
def test_every_port_is_read_as_it_is_written(port: int):
    assert parsers.port(str(port)) == port


@pytest.mark.parametrize("text", ["0", "65536", "-1", "8080.0", "", " 80", "٣", "1e3"])
def test_what_is_no_port_is_refused(text: str):
    with pytest.raises(ValueError, match=r"^a port 1-65535$"):
        parsers.port(text)


@given(st.text(max_size=20))
def test_any_text_is_a_whole_number_within_bounds_or_refused(text: str):
    value = read(parsers.integer(5, 500), text, "a whole number 5-500")
    assert value is None or (5 <= value <= 500 and int(text) == value)


def test_a_huge_number_is_refused_without_reading_it():
    with pytest.raises(ValueError, match="a whole number 0-9"):
        parsers.integer(0, 9)("9" * 1_000_000)


@given(st.lists(st.integers(1, 65535), min_size=1), st.sampled_from([",", " ", ", "]))
def test_a_list_of_ports_keeps_its_order_and_each_port_once(ports: list[int], by: str):
    assert parsers.ports(by.join(map(str, ports))) == tuple(dict.fromkeys(ports))


@pytest.mark.parametrize("text", ["", ",", "80,http", "80;443", "0"])
def test_a_list_with_anything_but_ports_is_refused(text: str):
    with pytest.raises(ValueError, match="a list of ports 1-65535"):
        parsers.ports(text)


@given(st.text(max_size=20))
def test_any_text_is_seconds_within_bounds_or_refused(text: str):
    value = read(parsers.seconds(0.5, 60), text, "seconds between 0.5 and 60")
    assert value is None or 0.5 <= value <= 60


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "0.4999", "1m", ""])
def test_what_is_no_duration_is_refused(text: str):
    with pytest.raises(ValueError, match="seconds between"):
        parsers.seconds(0.5, 60)(text)


@pytest.mark.parametrize("text", ["1", "true", "YES", "On"])
def test_words_for_yes(text: str):
    assert parsers.boolean(text) is True


@pytest.mark.parametrize("text", ["0", "False", "no", "OFF"])
def test_words_for_no(text: str):
    assert parsers.boolean(text) is False


def test_any_other_word_is_neither():
    with pytest.raises(ValueError, match="yes or no"):
        parsers.boolean("maybe")


def test_a_choice_is_told_as_it_was_declared():
    assert parsers.choice("text", "json")("JSON") == "json"
    with pytest.raises(ValueError, match="one of text, json"):
        parsers.choice("text", "json")("xml")


def test_an_url_loses_only_its_closing_slash():
    url = parsers.url("http", "https")
    assert url("https://example.org:8443/api/") == "https://example.org:8443/api"
    assert url("http://[::1]:8080") == "http://[::1]:8080"


@pytest.mark.parametrize(
    "text",
    ["example.org", "ftp://example.org", "http://", "http://[::1", "http://a:99999"],
)
def test_what_is_no_url_is_refused(text: str):
    with pytest.raises(ValueError, match="a URL starting with http:// or https://"):
        parsers.url("http", "https")(text)


@given(st.text())
def test_any_text_is_an_url_or_refused(text: str):
    found = read(parsers.url("http"), text, "a URL starting with http://")
    assert found is None or text.startswith(found)
