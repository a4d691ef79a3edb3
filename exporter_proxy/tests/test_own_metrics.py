import gzip

import pytest
from prometheus_client import Counter
from prometheus_client.openmetrics import parser as open_metrics
from prometheus_client.parser import text_string_to_metric_families

from exporter_proxy.serve.own_metrics import COLUMNS
from exporter_proxy.tests import strict_reader
from exporter_proxy.tests.scraping import NOW, Held


@pytest.fixture
def held() -> Held:
    return Held()


def values(held: Held, application: str) -> dict[str, float]:
    """Return what is told of an application, as a strict reader reads it."""
    text = held.own().applications.text().decode()
    return {
        sample.name.removeprefix("exporter_proxy_application_"): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.labels == {"application": application}
    }


def test_an_application_s_data_is_described(held: Held):
    held.put("shop", "shop_a 1\nshop_b 2", ttl=30)

    assert values(held, "shop") == {
        "up": 1,
        "stale": 0,
        "last_update_timestamp_seconds": NOW,
        "expiry_timestamp_seconds": NOW + 30,
        "series": 2,
        "dropped_lines": 0,
        "left_out_families": 0,
        "left_out_series": 0,
    }


def test_who_never_delivered_is_there_all_the_same(held: Held):
    held.applications.expect("http://host/metrics", "poll", "external_poll: host:80")

    found = values(held, "http://host/metrics")

    assert found["up"] == found["last_update_timestamp_seconds"] == 0
    assert found["expiry_timestamp_seconds"] == float("inf")


def test_refused_and_stale_applications_are_not_up(held: Held):
    held.put("failing", "failing_a 1")
    held.refuse("failing", "line 1")
    held.put("stale", "stale_a 1")
    held.applications.stale("stale")

    assert values(held, "failing")["up"] == 0
    assert values(held, "failing")["stale"] == 0
    assert values(held, "stale")["up"] == 0
    assert values(held, "stale")["stale"] == 1


def test_what_is_left_out_is_told_and_changes_with_the_others(held: Held):
    held.put("first", "# TYPE a counter\na 1\nb 1")
    held.put("second", "# TYPE a histogram\na_sum 1\n# TYPE b gauge\nb 2\nc 3")

    assert values(held, "second")["left_out_families"] == 1
    assert values(held, "second")["left_out_series"] == 1

    held.put("first", "other 1")

    assert values(held, "second")["left_out_families"] == 0
    assert values(held, "second")["left_out_series"] == 0


@pytest.mark.parametrize("name", ['a"b', "a\\", "a\\n", "ä {}=,", '"} 1'])
def test_no_name_can_break_out_of_its_quotes(held: Held, name: str):
    held.put(name, "a 1")

    assert len(values(held, name)) == len(COLUMNS)


def test_groups_tell_when_they_were_pushed_to(held: Held):
    held.put("/job/shop/instance/a", "shop_a 1", channel="http")
    held.put("shop", "shop_b 1")

    lines = held.own().applications.text().decode().splitlines()

    assert f'push_time_seconds{{instance="a",job="shop"}} {NOW!r}' in lines
    assert 'push_failure_time_seconds{instance="a",job="shop"} 0' in lines
    assert sum(line.startswith("push_time_seconds") for line in lines) == 1


def test_groups_that_are_one_to_prometheus_have_one_time(held: Held):
    for name in "/job/shop", "/job/shop/instance@base64/=", "/job/shop/x@base64/=":
        held.put(name, "", channel="http")

    text = held.own().applications.text()

    strict_reader.read(text)
    assert text.count(b"\npush_time_seconds{") == 1


def test_the_text_is_written_once_a_change(held: Held):
    own = held.own().applications
    held.put("shop", "shop_a 1")
    first = own.text()

    assert own.text() is first
    held.put("shop", "shop_a 2\nshop_b 2")
    assert own.text() is not first


def test_the_same_text_is_valid_in_both_formats(held: Held):
    held.put("shop", "shop_a 1")
    Counter("some_total", "Something", registry=held.registry).inc()
    own = held.own()

    text = own.applications.text() + own.rest()
    newer = own.applications.text() + own.rest_in_open_metrics()

    strict_reader.read(text)
    named = {family.name for family in text_string_to_metric_families(text.decode())}
    again = {
        family.name
        for family in open_metrics.text_string_to_metric_families(newer.decode())  # type: ignore[no-untyped-call]  # has no annotations
    }
    assert {"exporter_proxy_application_up", "some"} <= named & again
    assert newer.endswith(b"# EOF\n")


def test_ten_thousand_applications_take_little_room(held: Held):
    for number in range(10_000):
        held.applications.expect(f"application-{number}", "json", "")

    text = held.own().applications.text()

    assert text.count(b"\n") == len(COLUMNS) * 10_002
    assert len(gzip.compress(text, 1)) < 400_000
