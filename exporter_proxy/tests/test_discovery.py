import json

from exporter_proxy.serve.discovery import target_groups
from exporter_proxy.store.applications import Application
from exporter_proxy.tests.scraping import Held, scraping

SHOP = Application("shop", "json", "127.0.0.1:5")


def test_every_application_is_a_target_of_its_own():
    polled = Application("http://host:1/a?b=c", "poll", "external_poll: host:1")

    assert target_groups([SHOP, polled], "proxy:6555", "http") == [
        {
            "targets": ["proxy:6555"],
            "labels": {
                "__metrics_path__": "/metrics/app/shop",
                "__meta_exporter_proxy_channel": "json",
                "app": "shop",
            },
        },
        {
            "targets": ["proxy:6555"],
            "labels": {
                "__metrics_path__": "/metrics/app/http://host:1/a?b=c",
                "__meta_exporter_proxy_channel": "poll",
                "app": "http://host:1/a?b=c",
            },
        },
    ]


def test_who_asks_over_tls_is_sent_back_over_tls():
    [group] = target_groups([SHOP], "proxy:6555", "https")

    assert group["labels"]["__scheme__"] == "https"


def test_prometheus_gets_the_content_type_that_it_insists_on():
    held = Held()
    held.put("shop", "shop_a 1")

    with scraping(held) as scraper:
        answer = scraper.ask("/sd", headers={"Host": "proxy.example:80"})
        head = scraper.ask("/sd", "HEAD")

    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    [group] = json.loads(answer.body)
    assert group["targets"] == ["proxy.example:80"]
    assert (head.status, head.body) == (200, b"")


def test_no_applications_are_no_targets():
    with scraping(Held()) as scraper:
        assert json.loads(scraper.ask("/sd").body) == []
