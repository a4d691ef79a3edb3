"""Bodies: the same in every encoding, and made no more often than need be."""

import asyncio
import gzip
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client import Counter
from prometheus_client.openmetrics import parser as open_metrics

from exporter_proxy.metrics import ScrapeMetrics
from exporter_proxy.serve.accept import OPEN_METRICS_TYPE, TEXT_TYPE, Wish
from exporter_proxy.serve.output import Body, Output
from exporter_proxy.tests import strict_reader
from exporter_proxy.tests.scraping import Held

TEXT = Wish(open_metrics=False, gzip=False)
TEXT_GZIP = Wish(open_metrics=False, gzip=True)
NEWER = Wish(open_metrics=True, gzip=False)
NEWER_GZIP = Wish(open_metrics=True, gzip=True)


@pytest.fixture
def held() -> Held:
    held = Held()
    held.put("shop", "# TYPE shop_orders_total counter\nshop_orders_total 1\n")
    held.put("mailer", "# HELP mailer_a What\n# TYPE mailer_a gauge\nmailer_a 2\n")
    return held


@pytest.fixture
def output(held: Held) -> Iterator[Output]:
    with ThreadPoolExecutor(1) as executor:
        metrics = ScrapeMetrics(held.scrape_registry)
        yield Output(held.catalogue, held.own(), metrics, executor)


def everything(output: Output, wish: Wish) -> Body:
    return asyncio.run(output.everything(wish))


def unpacked(body: Body) -> bytes:
    whole = b"".join(body.pieces)
    assert len(whole) == body.size
    return gzip.decompress(whole) if body.is_gzip else whole


@pytest.mark.parametrize(("plain", "packed"), [(TEXT, TEXT_GZIP), (NEWER, NEWER_GZIP)])
def test_everything_is_the_same_bytes_in_both_encodings(
    output: Output, plain: Wish, packed: Wish
):
    assert unpacked(everything(output, plain)) == unpacked(everything(output, packed))
    assert everything(output, packed).is_gzip


def test_everything_is_the_applications_and_then_the_proxy_s_own(
    held: Held, output: Output
):
    body = unpacked(everything(output, TEXT))

    assert body.startswith(held.catalogue.text())
    own = held.own()
    assert body.endswith(own.applications.text() + own.rest())
    assert {"shop_orders_total", "mailer_a"} < strict_reader.read(body).keys()


def test_open_metrics_ends_as_it_has_to_and_holds_the_same(output: Output):
    body = everything(output, NEWER)

    assert body.content_type == OPEN_METRICS_TYPE
    text = unpacked(body).decode()
    samples = {
        sample.name: sample.value
        for family in open_metrics.text_string_to_metric_families(text)  # type: ignore[no-untyped-call]  # has no annotations
        for sample in family.samples
    }
    assert samples["shop_orders_total"] == 1
    assert samples["mailer_a"] == 2
    assert "exporter_proxy_application_up" in samples


def test_what_has_no_form_in_open_metrics_is_served_as_text(held: Held, output: Output):
    held.put("shop", "# TYPE shop_orders counter\nshop_orders 1\n")
    assert held.catalogue.open_metrics() is None

    for wish in (NEWER, NEWER_GZIP):
        body = everything(output, wish)
        assert body.content_type == TEXT_TYPE
        assert b"shop_orders 1\n" in unpacked(body)


def test_a_tag_stays_as_long_as_the_bytes(output: Output):
    assert everything(output, TEXT).tag == everything(output, TEXT).tag
    assert everything(output, TEXT_GZIP).tag == everything(output, TEXT_GZIP).tag


def test_every_form_has_a_tag_of_its_own(output: Output):
    wishes = (TEXT, TEXT_GZIP, NEWER, NEWER_GZIP)

    assert len({everything(output, wish).tag for wish in wishes}) == len(wishes)


@pytest.mark.parametrize("wish", [TEXT, TEXT_GZIP])
def test_a_tag_changes_with_what_is_served(held: Held, output: Output, wish: Wish):
    tags = [everything(output, wish).tag]
    held.put("shop", "shop_a 2\n")
    tags.append(everything(output, wish).tag)
    held.refuse("shop", "line 1")
    tags.append(everything(output, wish).tag)
    Counter("exporter_proxy_some_total", "Our own", registry=held.registry)
    tags.append(everything(output, wish).tag)

    assert len(set(tags)) == len(tags)


def test_two_runs_never_share_a_tag(held: Held, output: Output):
    with ThreadPoolExecutor(1) as executor:
        metrics = ScrapeMetrics(Held().scrape_registry)
        other = Output(held.catalogue, held.own(), metrics, executor)
        assert everything(other, TEXT).tag != everything(output, TEXT).tag


def test_the_proxy_s_own_can_be_had_alone(held: Held, output: Output):
    own = held.own()

    assert unpacked(asyncio.run(output.own(TEXT))) == (
        own.applications.text() + own.rest()
    )
    assert unpacked(asyncio.run(output.own(NEWER_GZIP))).endswith(b"# EOF\n")


def alone(held: Held, output: Output, name: str, wish: Wish) -> Body:
    return asyncio.run(output.alone(lambda: held.catalogue.families(name), wish))


@pytest.mark.parametrize("wish", [TEXT, TEXT_GZIP])
def test_one_application_is_a_body_of_its_own(held: Held, output: Output, wish: Wish):
    assert unpacked(alone(held, output, "mailer", wish)) == (
        b"# HELP mailer_a What\n# TYPE mailer_a gauge\nmailer_a 2\n"
    )


@pytest.mark.parametrize("wish", [TEXT, TEXT_GZIP])
def test_a_large_application_is_a_body_too(held: Held, output: Output, wish: Wish):
    lines = "".join(f'large_a{{n="{number}"}} 1\n' for number in range(10_000))
    held.put("large", lines)

    body = unpacked(alone(held, output, "large", wish))

    assert body.decode() == f"# TYPE large_a untyped\n{lines}"


def test_the_same_data_of_one_application_has_the_same_tag(held: Held, output: Output):
    def tag() -> str:
        return alone(held, output, "shop", TEXT).tag

    before = tag()
    held.put("shop", "shop_orders_total 1\n")
    different = tag()
    held.put("shop", "# TYPE shop_orders_total counter\nshop_orders_total 1\n")

    assert tag() == before != different


def test_scrapes_are_counted_and_measured(held: Held, output: Output):
    body = everything(output, TEXT_GZIP)
    everything(output, NEWER)

    assert held.counted("scrapes_total", format="text", encoding="gzip") == 1
    assert held.counted("scrapes_total", format="openmetrics", encoding="identity") == 1
    assert held.counted("scrape_size_bytes", encoding="gzip") == body.size
    assert held.counted("scrape_preparation_seconds_count", encoding="gzip") == 1
