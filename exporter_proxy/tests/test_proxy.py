"""The whole proxy, over real sockets."""

import json
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from exporter_proxy.tests import strict_reader
from exporter_proxy.tests.receiving import as_capnp, as_json
from exporter_proxy.tests.running import Exporter, Running, Start, wait_until


def row(proxy: Running, application: str) -> str:
    """Return an application's line of /apps."""
    lines = proxy.get("/apps")[1].splitlines()
    return next((line for line in lines if line.startswith(f"| {application} ")), "")


def test_json_is_taken_as_text_and_as_lines_for_several_applications(proxy: Running):
    proxy.push(as_json(shop="shop_a 1\nshop_b 2\n", mailer=["mailer_a 3"]))

    assert proxy.served() == ["mailer_a 3", "shop_a 1", "shop_b 2"]


def test_capnp_messages_are_taken_one_after_another_on_one_connection(proxy: Running):
    with proxy.tcp() as connection:
        connection.sendall(as_capnp("shop", "shop_a 1") + as_capnp("mailer", "m_a 2"))
        wait_until(lambda: proxy.served() == ["m_a 2", "shop_a 1"])
        connection.sendall(as_capnp("shop", "shop_a 9"))
        wait_until(lambda: proxy.served() == ["m_a 2", "shop_a 9"])


def test_new_data_replaces_the_old(proxy: Running):
    proxy.push(as_json(shop="shop_a 1\nshop_b 1"))
    proxy.push(as_json(shop="shop_b 2"))

    assert proxy.served() == ["shop_b 2"]


def test_a_large_push_is_taken(proxy: Running):
    proxy.push(as_json(shop=[f'shop_a{{n="{n}"}} {n}' for n in range(20_000)]))

    wait_until(lambda: len(proxy.served()) == 20_000)


def test_a_bad_push_is_refused_whole_and_the_last_good_data_stays(
    proxy: Running, caplog: pytest.LogCaptureFixture
):
    proxy.push(as_json(shop="shop_a 1", mailer="mailer_a 1"))
    proxy.push(as_json(shop="shop_a 2\nshop_b one", mailer="mailer_a 2"))

    assert proxy.served() == ["mailer_a 2", "shop_a 1"]
    assert 'exporter_proxy_refusals_total{reason="value"} 1.0' in proxy.metrics()
    assert "failing" in row(proxy, "shop")
    assert "line 2: not a number that Prometheus reads: shop_b one" in row(
        proxy, "shop"
    )
    assert "reason=value error=line 2: not a number" in caplog.text


def test_metrics_are_what_prometheus_expects(proxy: Running):
    proxy.push(as_json(shop="# TYPE shop_a counter\nshop_a 1 1712345678901\n"))

    response, body = proxy.get("/metrics")

    assert response.headers["Content-Type"] == (
        "text/plain; version=0.0.4; charset=utf-8"
    )
    assert "# TYPE shop_a counter\nshop_a 1\n" in body
    strict_reader.read(body.encode())
    names = {family.name for family in text_string_to_metric_families(body)}
    assert {"exporter_proxy_deliveries", "exporter_proxy_build_info"} <= names


def test_own_metrics_can_be_had_alone(proxy: Running):
    proxy.push(as_json(shop="shop_a 1"))

    lines = proxy.get("/metrics/self")[1].splitlines()

    assert 'exporter_proxy_application_up{application="shop"} 1' in lines
    assert "shop_a 1" not in lines


@pytest.mark.parametrize(
    "path", ["/", "/metrics", "/metrics/self", "/apps", "/healthz"]
)
def test_every_page_answers_get_and_head_only(proxy: Running, path: str):
    assert proxy.get(path)[0].status == 200
    response, body = proxy.get(path, "HEAD")
    assert (response.status, body) == (200, "")
    assert proxy.get(path, "PUT")[0].status == 405


def polling(*urls: str) -> str:
    return (
        f"poll_external.other_scrape_endpoints = {json.dumps(urls)}\n"
        "poll_external.poll_interval = 0.1\n"
        "poll_external.client_timeout = 0.5\n"
    )


def test_a_target_is_polled_again_and_again(start: Start, exporter: Exporter):
    proxy = start(polling(exporter.url + "/metrics"))

    wait_until(lambda: proxy.served() == ["polled 1"])
    exporter.body = b"polled 2\n"
    wait_until(lambda: proxy.served() == ["polled 2"])
    port = exporter.url.rpartition(":")[2]
    assert f"external_poll: 127.0.0.1:{port}" in row(proxy, exporter.url + "/metrics")


def test_two_urls_of_one_host_are_two_targets(start: Start, exporter: Exporter):
    exporter.body = b""
    proxy = start(polling(exporter.url + "/a", exporter.url + "/b"))

    wait_until(lambda: " ok " in row(proxy, exporter.url + "/a"))
    wait_until(lambda: " ok " in row(proxy, exporter.url + "/b"))


@pytest.mark.parametrize(
    ("status", "content_type", "body", "remark"),
    [
        (500, "text/plain", b"polled 2\n", "answered HTTP 500"),
        (302, "text/plain", b"", "redirects more than 5 times"),
        (200, "text/html", b"polled 2\n", "expected text/plain, got text/html"),
        (200, "text/plain", b"polled two\n", "line 1: not a number"),
        (200, "text/plain", b"p 1\n" * 3000, "an answer of more than 10000 bytes"),
    ],
)
def test_a_target_that_answers_nonsense_is_marked_and_keeps_its_last_data(
    start: Start,
    exporter: Exporter,
    status: int,
    content_type: str,
    body: bytes,
    remark: str,
):
    proxy = start(polling(exporter.url) + "poll_external.max_body_bytes = 10000\n")
    wait_until(lambda: proxy.served() == ["polled 1"])

    exporter.status, exporter.content_type = status, content_type
    exporter.body = body

    wait_until(lambda: " failing " in row(proxy, exporter.url))
    assert remark in row(proxy, exporter.url)
    assert proxy.served() == ["polled 1"]


def test_targets_that_hang_or_are_away_hold_up_nobody(start: Start, exporter: Exporter):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hanging = f"http://127.0.0.1:{silent.getsockname()[1]}/metrics"
        away = "http://127.0.0.1:1/metrics"
        proxy = start(polling(hanging, away, exporter.url))

        wait_until(lambda: exporter.requests > 3)
        wait_until(lambda: "no full answer within 0.5 s" in row(proxy, hanging))
        wait_until(lambda: "cannot connect" in row(proxy, away))
        assert proxy.get("/healthz")[0].status == 200


def test_a_target_without_a_content_type_is_believed(start: Start, exporter: Exporter):
    exporter.content_type = None

    proxy = start(polling(exporter.url))

    wait_until(lambda: proxy.served() == ["polled 1"])


def test_a_password_in_a_url_is_used_and_shown_to_nobody(
    start: Start, exporter: Exporter, caplog: pytest.LogCaptureFixture
):
    exporter.status = 403
    proxy = start(polling(exporter.url.replace("//", "//user:secret@")))

    wait_until(lambda: "answered HTTP 403" in row(proxy, exporter.url))
    assert "secret" not in caplog.text + "".join(proxy.metrics())


BODIES = st.text() | st.lists(
    st.sampled_from(
        [
            *(
                "own_a",
                "own_h_bucket",
                "own_h",
                "# TYPE own_a ",
                "# TYPE own_h ",
                "other",
            ),
            *("gauge", "counter", "histogram", '{x="1"}', '{x="2"}', '{le="1"}'),
            *(" ", " ", "1", "2", "\n", "\n", "\0", "# HELP own_a "),
        ]
    ),
    max_size=30,
).map("".join)


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(body=BODIES, application=st.text(max_size=5), raw=st.binary())
def test_whatever_others_send_an_application_s_lines_stay(
    proxy: Running, body: str, application: str, raw: bytes
):
    own = ['own_a{x="1"} 1', 'own_h_bucket{le="1"} 3']
    proxy.push(as_json(own=["# TYPE own_a counter", "# TYPE own_h histogram", *own]))

    proxy.push(as_json(**{f"other {application}": body}))
    proxy.push(as_capnp("other", body.replace("\0", "")))
    proxy.push(raw if b"own" not in raw else b"")

    text = "\n".join(proxy.metrics()) + "\n"
    assert set(own) <= set(text.splitlines())
    assert "# TYPE own_a counter" in text
    strict_reader.read(text.encode())
