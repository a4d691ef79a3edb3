"""When data is too old to be served, and when an application is forgotten."""

import asyncio
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from exporter_proxy.config import read
from exporter_proxy.config.values import Lifetime
from exporter_proxy.metrics import PREFIX, Metrics
from exporter_proxy.refusals import Reason, Refused
from exporter_proxy.store.applications import Application, Applications, State
from exporter_proxy.store.catalogue import Catalogue
from exporter_proxy.store.intake import Delivery, Intake, Origin
from exporter_proxy.store.policies import Policies
from exporter_proxy.store.staleness import Staleness, due
from exporter_proxy.tests.running import Exporter, Running, Start, wait_until

SHOP = Origin("shop", "json", "127.0.0.1:1")
TARGET = Origin("http://host/metrics", "poll", "external_poll: host")
GRACE = 100
TEN_SECONDS = Lifetime(10)


def application(
    state: State = State.OK,
    updated_at: float | None = 1000,
    lifetime: Lifetime = TEN_SECONDS,
    series: int = 1,
    failed_at: float | None = None,
) -> Application:
    return Application(
        "shop",
        "json",
        "here",
        state,
        updated_at,
        interval=5,
        lifetime=lifetime,
        series=series,
        failed_at=failed_at,
    )


def fate(each: Application, now: float, polled: tuple[str, ...] = ()) -> str:
    """Return what is decided about one application."""
    found = due([each], now, GRACE, polled)
    assert not (found.stale and found.forgotten)
    return "stale" if found.stale else "forgotten" if found.forgotten else "stays"


@pytest.mark.parametrize(
    ("each", "now", "expected"),
    [
        (application(), 1009, "stays"),
        (application(), 1010, "stale"),
        (application(series=0), 1010, "stale"),
        (application(lifetime=Lifetime()), 10**9, "stays"),
        (application(lifetime=Lifetime(intervals=3)), 1014, "stays"),
        (application(lifetime=Lifetime(intervals=3)), 1015, "stale"),
        (application(State.WAITING, None, series=0), 10**9, "stays"),
        (application(State.STALE, series=0), 1109, "stays"),
        (application(State.STALE, series=0), 1110, "forgotten"),
        (application(State.STALE, series=0, failed_at=1090), 1189, "stays"),
        (application(State.FAILING, failed_at=1090), 1100, "stale"),
        (application(State.FAILING, failed_at=1090, series=0), 1100, "stays"),
        (application(State.FAILING, failed_at=1090, series=0), 1190, "forgotten"),
        (application(State.FAILING, None, series=0, failed_at=1000), 1099, "stays"),
        (application(State.FAILING, None, series=0, failed_at=1000), 1100, "forgotten"),
        (
            application(State.FAILING, lifetime=Lifetime(), failed_at=1000),
            10**9,
            "stays",
        ),
    ],
)
def test_the_clock_decides(each: Application, now: float, expected: str):
    assert fate(each, now) == expected


def test_a_target_that_is_polled_is_never_forgotten():
    stale = application(State.STALE, series=0)

    assert fate(stale, 10**9, ("shop",)) == "stays"
    assert fate(application(), 10**9, ("shop",)) == "stale"


@given(
    updated_at=st.floats(0, 10**9),
    seconds=st.floats(0.1, 10**6),
    now=st.floats(0, 2 * 10**9),
)
def test_data_goes_at_its_time_and_not_before(
    updated_at: float, seconds: float, now: float
):
    each = application(updated_at=updated_at, lifetime=Lifetime(seconds))

    assert (fate(each, now) == "stale") == (now >= updated_at + seconds)


class Clock:
    """Goes on when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Store:
    """The parts that hold data, by a clock that a test moves."""

    intake: Intake
    applications: Applications
    catalogue: Catalogue
    staleness: Staleness
    registry: CollectorRegistry
    clock: Clock

    def deliver(self, origin: Origin, body: bytes, lifetime: Lifetime) -> None:
        asyncio.run(self.intake.take(Delivery(origin, body, lifetime)))

    def state(self, name: str = "shop") -> State | None:
        known = self.applications.get(name)
        return known.state if known else None

    def counted(self, outcome: str) -> float | None:
        name = f"{PREFIX}expired_applications_total"
        return self.registry.get_sample_value(name, {"outcome": outcome})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    path = tmp_path / "config.toml"
    path.write_text(f"applications.grace = {GRACE}")
    config, registry, clock = read(path), CollectorRegistry(), Clock()
    metrics, catalogue = Metrics(registry), Catalogue(config.exposition)
    applications = Applications(10, clock)
    with ThreadPoolExecutor(1) as parsers:
        intake = Intake(catalogue, applications, metrics, Policies(config), parsers)
        polled = {TARGET.application}
        staleness = Staleness(applications, intake, metrics, polled, config)
        yield Store(intake, applications, catalogue, staleness, registry, clock)


def test_an_application_s_way_from_fresh_to_forgotten(
    store: Store, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    store.deliver(SHOP, b"shop_a 1\n", Lifetime(10))

    store.clock.now += 9.9
    store.staleness.sweep()
    assert store.state() is State.OK
    store.clock.now += 0.1
    for _ in range(3):
        store.staleness.sweep()
    assert store.state() is State.STALE
    assert store.catalogue.text() == b""
    store.clock.now += GRACE
    store.staleness.sweep()
    assert store.state() is None

    assert (store.counted("stale"), store.counted("forgotten")) == (1, 1)
    lines = [each.getMessage() for each in caplog.records]
    assert lines[-2:] == ["stale app=shop age=10.0", "forgotten app=shop"]


def test_new_data_ends_the_staleness(store: Store):
    store.deliver(SHOP, b"shop_a 1\n", Lifetime(10))
    store.clock.now += 10
    store.staleness.sweep()

    store.deliver(SHOP, b"shop_a 2\n", Lifetime(10))
    store.staleness.sweep()

    assert store.state() is State.OK
    assert b"shop_a 2\n" in store.catalogue.text()


def test_a_target_that_keeps_failing_becomes_stale_once(store: Store):
    store.deliver(TARGET, b"polled 1\n", Lifetime(10))
    for _ in range(20):
        store.clock.now += 1
        store.intake.refuse(TARGET, Refused(Reason.TIMEOUT, "no full answer"))
        store.staleness.sweep()

    assert store.counted("stale") == 1
    assert store.catalogue.text() == b""
    store.clock.now += 10 * GRACE
    store.staleness.sweep()
    assert store.state(TARGET.application) is not None


def row(proxy: Running, name: str) -> str:
    lines = proxy.get("/apps")[1].splitlines()
    return next((line for line in lines if line.startswith(f"| {name} ")), "")


def test_pushed_data_goes_after_its_seconds_and_the_others_stay(start: Start):
    proxy = start(
        'applications.ttl = "0.5"\napplications.grace = 0.5\n'
        '[[application]]\nname = "kept"\nttl = "never"\n'
    )
    proxy.push(b'{"shop": "shop_a 1", "kept": "kept_a 1"}')
    assert proxy.served() == ["kept_a 1", "shop_a 1"]

    wait_until(lambda: proxy.served() == ["kept_a 1"])
    wait_until(lambda: not row(proxy, "shop"))
    assert " ok " in row(proxy, "kept")
    assert proxy.get("/healthz")[0].status == 200


def test_pushed_data_goes_when_two_of_its_own_intervals_were_missed(start: Start):
    proxy = start('applications.ttl = "2x"\n')
    for value in range(4):
        proxy.push(f'{{"shop": "shop_a {value}"}}'.encode())
    assert proxy.served() == ["shop_a 3"]

    wait_until(lambda: " stale " in row(proxy, "shop"))
    assert proxy.served() == []


def test_a_target_that_is_away_is_no_longer_served_but_still_shown(
    start: Start, exporter: Exporter
):
    proxy = start(
        f'poll_external.other_scrape_endpoints = ["{exporter.url}"]\n'
        'poll_external.poll_interval = 0.2\npoll_external.ttl = "0.6"\n'
        "applications.grace = 0\n"
    )
    wait_until(lambda: proxy.served() == ["polled 1"])

    exporter.status = 500

    wait_until(lambda: proxy.served() == [])
    assert "answered HTTP 500" in row(proxy, exporter.url)
    exporter.status = 200
    wait_until(lambda: proxy.served() == ["polled 1"])
