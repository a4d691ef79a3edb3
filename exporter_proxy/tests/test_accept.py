import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter_proxy.serve.accept import (
    Element,
    elements,
    wants_gzip,
    wants_open_metrics,
)

PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
    "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
PROMETHEUS_TEXT_ONLY = "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "open_metrics"),
    [
        (PROMETHEUS, True),
        (PROMETHEUS_TEXT_ONLY, False),
        (FIREFOX, False),
        ("", False),
        ("*/*", False),
        ("application/openmetrics-text", True),
        ("Application/OpenMetrics-Text; Version=1.0.0", True),
        ('application/openmetrics-text; version="1.0.0"', True),
        ("application/openmetrics-text; version=0.0.1", False),
        ("application/openmetrics-text; version=2.0.0", False),
        ("application/openmetrics-text, text/plain", False),
        ("application/openmetrics-text, text/plain;q=0.9", True),
        ("application/openmetrics-text;q=0.1, text/plain;q=0.9", False),
        ("application/*", True),
        ("application/*, application/openmetrics-text;q=0", False),
        ("*/*;q=0.5, text/plain;q=0", True),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;q=2", False),
        ("application/openmetrics-text;q=nan", False),
        ("application/openmetrics-text;q=", False),
        ('text/plain;x="a,application/openmetrics-text"', False),
        ('"application/openmetrics-text', False),
        (",;,=;q,", False),
    ],
)
def test_open_metrics_is_served_to_whoever_likes_it_better(
    accept: str, open_metrics: bool
):
    assert wants_open_metrics(accept) is open_metrics


@pytest.mark.parametrize(
    ("accept_encoding", "gzip"),
    [
        ("gzip", True),
        ("deflate, gzip, br, zstd", True),
        ("GZip;q=0.5", True),
        ("x-gzip", True),
        ("*", True),
        ("", False),
        ("identity", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("gzip;q=0.5, identity", False),
        ("gzip;q=0.5, identity;q=0.5", True),
        ("gzip;q=x", False),
    ],
)
def test_gzip_is_served_to_whoever_takes_it(accept_encoding: str, gzip: bool):
    assert wants_gzip(accept_encoding) is gzip


def test_a_quoted_parameter_may_hold_what_separates_others():
    assert list(elements(r'text/plain; x="a,b;c\"d"; q=0.3, b/c')) == [
        Element("text/plain", {"x": r"a,b;c\"d"}, 0.3),
        Element("b/c", {}, 1),
    ]


HEADERS = st.text() | st.lists(
    st.sampled_from(
        [
            *("text/plain", "application/openmetrics-text", "*/*", "gzip", "identity"),
            *(",", ";", "=", "q=", "version=", "1.0.0", "0", "0.5", '"', "\\", " "),
        ]
    )
).map("".join)


@given(header=HEADERS)
def test_no_header_is_too_odd(header: str):
    assert all(0 <= each.weight <= 1 for each in elements(header))
    assert wants_open_metrics(header) in (True, False)
    assert wants_gzip(header) in (True, False)


@given(nonsense=st.text(alphabet=" ,;=*q01.x\\\0"))
def test_what_makes_no_sense_does_not_change_what_follows(nonsense: str):
    assert wants_open_metrics(f"{nonsense},application/openmetrics-text")
    assert wants_gzip(f"{nonsense},gzip")


def test_a_long_header_is_read_at_once():
    assert not wants_open_metrics('"' * 8000 + ";" * 8000 + "," * 8000)
