"""Polling follows the configuration, and no target is in the way of another."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import uvloop
from prometheus_client import CollectorRegistry

from exporter_proxy.config import Config
from exporter_proxy.metrics import Metrics
from exporter_proxy.poll.poller import Parts, Polling
from exporter_proxy.store.applications import Applications, State
from exporter_proxy.store.catalogue import Catalogue
from exporter_proxy.store.intake import Intake
from exporter_proxy.store.policies import Policies
from exporter_proxy.tests.configuring import configured
from exporter_proxy.tests.merging import exposition
from exporter_proxy.tests.polling import BODY, ok, serving, silence
from exporter_proxy.tests.running import DEADLINE_SECONDS
from servicekit import Health


async def until(condition: Callable[[], object]) -> None:
    """Return once the condition holds; fail when it does not in time."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110 - what it waits for is seen from outside
            await asyncio.sleep(0.005)


class World:
    """The parts of a proxy that polling needs, all of them real."""

    def __init__(self, first: Config) -> None:
        self.applications = Applications(100)
        self.catalogue = Catalogue(exposition())
        self.registry = CollectorRegistry()
        self.health = Health()
        metrics = Metrics(self.registry)
        intake = Intake(
            self.catalogue,
            self.applications,
            metrics,
            Policies(first),
            ThreadPoolExecutor(1),
        )
        self.polling = Polling(Parts(intake, self.applications, metrics, self.health))

    def state(self, name: str) -> State | None:
        known = self.applications.get(name)
        return known.state if known else None

    def duration(self, name: str) -> float | None:
        sample = "exporter_proxy_poll_duration_seconds"
        return self.registry.get_sample_value(sample, {"target": name})


def polls(*urls: str, interval: float = 0.1) -> str:
    listed = ", ".join(f'"{url}"' for url in urls)
    return (
        f"poll_external.other_scrape_endpoints = [{listed}]\n"
        f"poll_external.poll_interval = {interval}\n"
    )


def test_polling_follows_the_configuration(tmp_path: Path):
    async def followed() -> None:
        async with serving(ok(b"a 1\n")) as first, serving(ok(b"b 1\n")) as second:
            before = configured(tmp_path, polls(first.url, second.url))
            after = configured(tmp_path, polls(second.url, second.url + "/new"))
            world = World(before)
            async with world.polling.running(before):
                await until(lambda: b"a 1" in world.catalogue.text())
                await until(lambda: b"b 1" in world.catalogue.text())
                assert first.url in world.polling

                await world.polling.apply(after)
                assert first.url not in world.polling
                assert world.applications.get(first.url) is None
                assert b"a 1" not in world.catalogue.text()
                assert b"b 1" in world.catalogue.text()
                assert world.duration(first.url) is None
                asked = len(first.requests)
                await until(lambda: world.state(second.url + "/new") is State.OK)
                seen = len(second.requests)
                await until(lambda: len(second.requests) > seen + 4)
                assert len(first.requests) == asked
            assert not world.health.problems()

    uvloop.run(followed())


def test_a_target_whose_settings_changed_keeps_its_data(tmp_path: Path):
    async def changed() -> None:
        async with serving(ok()) as server:
            before = configured(tmp_path, polls(server.url))
            after = configured(tmp_path, polls(server.url, interval=60))
            world = World(before)
            async with world.polling.running(before):
                await until(lambda: world.state(server.url) is State.OK)
                await world.polling.apply(after)
                assert world.state(server.url) is State.OK
                assert BODY in world.catalogue.text()

    uvloop.run(changed())


def test_a_target_that_did_not_change_is_not_disturbed(tmp_path: Path):
    async def applied_again() -> None:
        async with serving(silence, ok()) as server:
            same = configured(tmp_path, polls(server.url))
            world = World(same)
            async with world.polling.running(same):
                await until(lambda: server.requests)
                for _ in range(3):
                    await world.polling.apply(same)
                    await asyncio.sleep(0)
                assert len(server.requests) == 1

    uvloop.run(applied_again())


def test_a_bad_answer_costs_neither_the_last_data_nor_the_other_targets(
    tmp_path: Path,
):
    async def polled() -> None:
        async with (
            serving(ok(), ok(b"polled x\n")) as bad,
            serving(ok(b"b 1\n")) as good,
        ):
            both = configured(tmp_path, polls(bad.url, good.url))
            world = World(both)
            async with world.polling.running(both):
                await until(lambda: world.state(bad.url) is State.FAILING)
                seen = len(good.requests)
                await until(lambda: len(good.requests) > seen + 1)
            assert BODY in world.catalogue.text()
            assert world.state(good.url) is State.OK
            assert (world.duration(bad.url) or 0) > 0

    uvloop.run(polled())


def test_answers_that_change_each_time_are_each_taken(tmp_path: Path):
    async def polled() -> None:
        first = b"# TYPE a counter\na 1\n"
        second = b'# TYPE b gauge\nb{x="1"} 1\nb{x="2"} 2\n'
        async with serving(ok(first), ok(second), ok(first), ok(second)) as server:
            world = World(configured(tmp_path, polls(server.url)))
            async with world.polling.running(configured(tmp_path, polls(server.url))):
                await until(lambda: len(server.requests) > 4)
            assert b'b{x="2"} 2\n' in world.catalogue.text()
            assert b"a 1\n" not in world.catalogue.text()

    uvloop.run(polled())
