import re

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.exporter_proxy.applications import PUSHES, copies, different
from benchmarks.exporter_proxy.bodies import FAMILIES, SERIES, body, first_name


def content(request: bytes) -> bytes:
    return request.partition(b"\r\n\r\n")[2]


def series(text: bytes) -> set[str]:
    return set(re.findall(r"^(\w.*) ", text.decode(), re.MULTILINE))


def test_body_has_a_thousand_series_as_long_as_real_ones():
    text = body("app0001", 1).decode()
    families = list(text_string_to_metric_families(text))
    assert len(families) == FAMILIES
    assert sum(len(family.samples) for family in families) == SERIES == 1000
    assert all(len(sample.labels) == 4 for f in families for sample in f.samples)
    assert 105 < len(text) / SERIES < 120


def test_pushes_differ_in_their_values_only():
    one, other = body("shop", 1), body("shop", 2)
    assert series(one) == series(other)
    assert not set(one.splitlines()) & set(other.splitlines()) - comments(one)


def comments(text: bytes) -> set[bytes]:
    return {line for line in text.splitlines() if line.startswith(b"#")}


def test_first_series_says_which_push_it_was():
    assert f"{first_name('shop')}{{" in body("shop", 7).decode()
    assert re.search(
        rf"^{first_name('shop')}\{{.*\}} 7$", body("shop", 7).decode(), re.MULTILINE
    )


def test_pushes_of_new_series_have_none_in_common():
    (application,) = copies(1)
    first, second = application.pushes_of_new_series()[:2]
    assert not series(content(first)) & series(content(second))


def test_no_push_is_sent_twice_in_a_row():
    (application,) = different(1)
    assert len(set(application.pushes())) == PUSHES
