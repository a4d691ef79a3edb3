"""Several proxies on one Redis: push to any, scrape any, whatever becomes of Redis."""

import asyncio
import functools
import os
import subprocess
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace

import pytest
import redis as driver
import uvloop
from prometheus_client import CollectorRegistry

from exporter_proxy.config import read
from exporter_proxy.config.values import Lifetime
from exporter_proxy.metrics import Metrics, StoreMetrics
from exporter_proxy.store.applications import Applications
from exporter_proxy.store.catalogue import Catalogue
from exporter_proxy.store.intake import Delivery, Intake, Origin
from exporter_proxy.store.policies import Policies
from exporter_proxy.store.record import Record
from exporter_proxy.store.shared import Shared
from exporter_proxy.store.table import Table

pytestmark = pytest.mark.integration

DEADLINE_SECONDS = 20


def on_a_loop(test: Callable[..., Coroutine[None, None, None]]) -> Callable[..., None]:
    """Let a test be a coroutine."""

    @functools.wraps(test)
    def run(**fixtures: object) -> None:
        uvloop.run(test(**fixtures))

    return run


@dataclass
class Clock:
    """A clock that is wrong by some seconds."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return asyncio.get_running_loop().time() + 1.7e9 + self.ahead


class Side:
    """One proxy without its sockets."""

    def __init__(self, url: str, prefix: str, ahead: float) -> None:
        config = read(None)
        self.registry = CollectorRegistry()
        self.catalogue = Catalogue(config.exposition)
        self.clock = Clock(ahead)
        self.applications = Applications(100, self.clock)
        self.parser = ThreadPoolExecutor(1)
        self.intake = Intake(
            self.catalogue,
            self.applications,
            Metrics(self.registry),
            Policies(config),
            self.parser,
        )
        self.shared = Shared(
            Table(url, prefix, 1),
            self.intake,
            self.applications,
            StoreMetrics(self.registry),
        )
        self.intake.keeper = self.shared

    async def push(self, name: str, body: str, **more: object) -> None:
        """Push as a client does; returning stands for the answer."""
        origin = Origin(name, "json", "a test")
        await self.intake.take(Delivery(origin, body.encode(), **more))  # type: ignore[arg-type]  # of the test's choice

    async def scraped(self) -> str:
        """Return what a scraper is answered."""
        await self.shared.catch_up()
        return self.text()

    def text(self) -> str:
        """Return the samples that are served now, an application's after another's."""
        lines = self.catalogue.text().decode().splitlines()
        return " | ".join(line for line in lines if not line.startswith("#"))

    def metric(self, name: str, **labels: str) -> float:
        value = self.registry.get_sample_value(f"exporter_proxy_store_{name}", labels)
        assert value is not None
        return value


@dataclass
class Server:
    """A Redis and what one may do to it."""

    url: str
    container: str = ""

    def do(self, *words: str) -> None:
        subprocess.run(["docker", *words], check=True, capture_output=True, timeout=30)

    def command(self, *words: str | bytes) -> object:
        with driver.Redis.from_url(self.url, socket_timeout=5) as client:
            return client.execute_command(*words)

    def answers(self) -> bool:
        with suppress(driver.RedisError):
            return bool(self.command("PING"))
        return False


@pytest.fixture
def prefix() -> Iterator[str]:
    """Return a name for keys of the test's own, in the stack's Redis."""
    name = f"test-{uuid.uuid4().hex}"
    yield name
    with driver.Redis.from_url("redis://redis:6379/0") as client:
        for key in client.scan_iter(f"*{name}*"):
            client.delete(key)


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """Start a Redis that no one else uses."""
    name = f"belfry_test_redis_{uuid.uuid4().hex[:8]}"
    server = Server(f"redis://{name}:6379/0", name)
    server.do(
        *("run", "--detach", "--name", name, "--network", "belfry_default"),
        *(
            os.environ["REDIS_IMAGE"],
            "redis-server",
            "--save",
            "",
            "--appendonly",
            "no",
        ),
    )
    try:
        yield server
    finally:
        server.do("rm", "--force", name)


@pytest.fixture
def server(own_server: Server) -> Server:
    """Return that Redis, working and empty."""
    deadline = 200
    while not own_server.answers() and deadline:
        deadline -= 1
    own_server.command("CONFIG", "SET", "maxmemory", "0")
    own_server.command("FLUSHALL")
    return own_server


STACK = Server("redis://redis:6379/0")


@asynccontextmanager
async def side(
    server: Server, prefix: str, ahead: float = 0, restored: Record | None = None
) -> AsyncIterator[Side]:
    """Run a proxy's share; a record is what a snapshot had."""
    made = Side(server.url, prefix, ahead)
    if restored:
        await made.intake.restore(restored)
    await made.shared.start()
    following = asyncio.create_task(made.shared.run())
    try:
        yield made
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        await made.shared.close()
        made.parser.shutdown()


async def eventually(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110 - what happens outside has no event
            await asyncio.sleep(0.01)


async def on_thread(work: Callable[..., object], *arguments: str) -> None:
    await asyncio.to_thread(work, *arguments)


@on_a_loop
async def test_what_one_takes_the_other_serves_at_once(prefix: str):
    async with side(STACK, prefix) as one, side(STACK, prefix) as other:
        for number in range(20):
            await one.push("shop", f"a {number}")
            assert await other.scraped() == f"a {number}"
            await other.push("shop", f"a {number}.5")
            assert await one.scraped() == f"a {number}.5"


@on_a_loop
async def test_without_a_scrape_it_takes_a_second(prefix: str):
    async with side(STACK, prefix) as one, side(STACK, prefix) as other:
        await one.push("shop", "a 1")
        await eventually(lambda: other.text() == "a 1")


@on_a_loop
async def test_a_new_proxy_has_all_of_it_before_it_serves(prefix: str):
    async with side(STACK, prefix) as one:
        for number in range(50):
            await one.push(f"app{number}", f"a{number} 1")
        await one.push("app1", "a1 2", lifetime=Lifetime(60.0))
        async with side(STACK, prefix) as other:
            assert other.catalogue.text() == one.catalogue.text()
            known, same = one.applications.get("app1"), other.applications.get("app1")
            assert known
            assert same
            assert same.updated_at == pytest.approx(known.updated_at, abs=0.05)
            assert same.interval == known.interval
            assert same.lifetime == known.lifetime
            assert same.source == known.source


@on_a_loop
async def test_what_is_deleted_at_one_is_gone_at_the_other(prefix: str):
    async with side(STACK, prefix) as one, side(STACK, prefix) as other:
        await one.push("shop", "a 1")
        await one.push("bank", "b 1")
        await other.scraped()
        assert await other.intake.delete("shop")
        assert await one.scraped() == "b 1"
        assert one.applications.get("shop") is None
        await one.push("shop", "a 2")
        assert await other.scraped() == "a 2 | b 1"


@on_a_loop
async def test_merged_pushes_to_both_at_once_are_all_there(prefix: str):
    async with side(STACK, prefix) as one, side(STACK, prefix) as other:
        await asyncio.gather(
            *(one.push("shop", f"a{n} 1", merge=True) for n in range(20)),
            *(other.push("shop", f"b{n} 1", merge=True) for n in range(20)),
        )
        served = (await one.scraped()).split(" | ")
        assert len(served) == 40
        assert (await other.scraped()).split(" | ") == served


@on_a_loop
async def test_whole_pushes_to_both_at_once_end_the_same_everywhere(prefix: str):
    async with side(STACK, prefix) as one, side(STACK, prefix) as other:
        await asyncio.gather(
            *(one.push("shop", f"a {n}") for n in range(50)),
            *(other.push("shop", f"b {n}") for n in range(50)),
        )
        served = await one.scraped()
        assert await other.scraped() == served
        assert served in ("a 49", "b 49")


@on_a_loop
async def test_clocks_that_differ_by_hours_change_neither_order_nor_age(prefix: str):
    async with (
        side(STACK, prefix, ahead=3600) as fast,
        side(STACK, prefix, ahead=-3600) as slow,
    ):
        await fast.push("shop", "a 1")
        await slow.push("shop", "a 2")
        assert await fast.scraped() == "a 2"
        ages = []
        for each in (fast, slow):
            application = each.applications.get("shop")
            assert application
            assert application.updated_at
            ages.append(each.applications.clock() - application.updated_at)
        assert ages[0] == pytest.approx(ages[1], abs=0.1)
        assert fast.metric("clock_offset_seconds") - slow.metric(
            "clock_offset_seconds"
        ) == pytest.approx(7200, abs=0.5)


@on_a_loop
async def test_a_snapshot_that_is_newer_than_redis_counts(prefix: str):
    async with side(STACK, prefix) as one:
        await one.push("shop", "a 1")
        kept = one.intake.record("shop")
        assert kept
        newer = replace(kept, text=b"a 2\n", updated_at=kept.updated_at + 9)
        other = replace(kept, name="bank", text=b"b 1\n")
        async with side(STACK, prefix, restored=newer) as two:
            assert two.text() == "a 2"
            assert await one.scraped() == "a 2"
        async with side(STACK, prefix, restored=other):
            assert await one.scraped() == "a 2 | b 1"


@on_a_loop
async def test_a_snapshot_that_is_older_than_redis_does_not(prefix: str):
    async with side(STACK, prefix) as one:
        await one.push("shop", "a 1")
        kept = one.intake.record("shop")
        await one.push("shop", "a 2")
        async with side(STACK, prefix, restored=kept) as two:
            assert two.text() == await one.scraped() == "a 2"
        await one.intake.delete("shop")
        async with side(STACK, prefix, restored=kept) as three:
            assert three.text() == await one.scraped() == ""


@on_a_loop
async def test_what_is_over_is_not_taken_over(prefix: str):
    async with side(STACK, prefix) as one:
        await one.push("shop", "a 1", lifetime=Lifetime(0.001))
        await one.push("bank", "b 1")
        async with side(STACK, prefix) as other:
            assert other.text() == "b 1"


@on_a_loop
async def test_garbage_in_redis_is_said_and_harms_nobody(
    prefix: str, caplog: pytest.LogCaptureFixture
):
    async with side(STACK, prefix) as one:
        await one.push("shop", "a 1")
        await one.push("bank", "b 1")
        key = f"{{{prefix}}}:records"
        await on_thread(STACK.command, "HSET", key, "shop", "garbage")
        async with side(STACK, prefix) as other:
            assert other.text() == "b 1"
            assert other.metric("changes_total", outcome="not_readable") == 1
    assert "not taken over from the shared store app=shop error=not a" in caplog.text


@on_a_loop
async def test_garbage_among_versions_harms_nobody(prefix: str):
    async with side(STACK, prefix) as one:
        await one.push("shop", "a 1")
        keys = f"{{{prefix}}}"
        for words in (
            ("HSET", f"{keys}:versions", "shop", "garbage"),
            ("ZADD", f"{keys}:changes", "1", b"\xff"),
        ):
            await asyncio.to_thread(STACK.command, *words)
        async with side(STACK, prefix) as other:
            await one.push("bank", "b 1")
            assert await other.scraped() == "b 1"
            await one.push("shop", "a 2")
            assert await other.scraped() == "a 2 | b 1"


@on_a_loop
async def test_keys_of_somebody_else_are_an_outage(
    prefix: str, caplog: pytest.LogCaptureFixture
):
    await on_thread(STACK.command, "SET", f"{{{prefix}}}:meta", "mine")
    async with side(STACK, prefix) as one:
        await one.push("shop", "a 1")
        assert one.text() == "a 1"
        assert one.metric("up") == 0
    assert "WRONGTYPE" in caplog.text


@pytest.mark.parametrize("outage", ["pause", "kill"])
@on_a_loop
async def test_an_outage_costs_nothing_that_was_accepted(
    server: Server, prefix: str, outage: str, caplog: pytest.LogCaptureFixture
):
    """Both serve what they have, and have the rest when Redis is back, even empty."""
    caplog.set_level("INFO")
    async with side(server, prefix) as one, side(server, prefix) as other:
        await one.push("before", "before 1")
        await one.push("both", "both_z 0")
        assert await other.scraped() == "before 1 | both_z 0"
        await on_thread(server.do, outage, server.container)
        try:
            for number in range(10):
                await one.push(f"one{number}", f"one{number} 1")
                await other.push(f"other{number}", f"other{number} 1")
            await one.push("both", "both_x 1", merge=True)
            await other.push("both", "both_y 1", merge=True)
            assert one.metric("up") == 0
            assert one.metric("unsaved_applications") == 11
            assert len((await one.scraped()).split(" | ")) == 13
            assert len((await other.scraped()).split(" | ")) == 13
        finally:
            back = {"pause": "unpause", "kill": "start"}[outage]
            await on_thread(server.do, back, server.container)
        await eventually(lambda: len(one.text().split(" | ")) == 24)
        await eventually(lambda: len(other.text().split(" | ")) == 24)
        assert "both_x 1 | both_y 1 | both_z 0" in one.text()
        assert "both_x 1 | both_y 1 | both_z 0" in other.text()
        await eventually(lambda: one.metric("unsaved_applications") == 0)
        await eventually(lambda: one.metric("up") == 1)
        await eventually(lambda: other.metric("up") == 1)
    assert caplog.text.count("shared store does not work") == 2
    assert caplog.text.count("shared store works again") == 2


@on_a_loop
async def test_the_newest_of_an_outage_wins(server: Server, prefix: str):
    async with side(server, prefix) as one, side(server, prefix) as other:
        await on_thread(server.do, "kill", server.container)
        await one.push("shop", "a 1")
        await other.push("shop", "a 2")
        await one.push("bank", "b 2")
        other.clock.ahead = 1
        await other.intake.delete("shop")
        one.clock.ahead = 2
        await one.push("shop", "a 3")
        await on_thread(server.do, "start", server.container)
        await eventually(lambda: other.text() == "a 3 | b 2")
        await eventually(lambda: one.text() == "a 3 | b 2")


@on_a_loop
async def test_an_emptied_redis_is_filled_again(server: Server, prefix: str):
    async with side(server, prefix) as one, side(server, prefix) as other:
        for number in range(10):
            await one.push(f"one{number}", f"one{number} 1")
            await other.push(f"other{number}", f"other{number} 1")
        everything = await one.scraped()
        await on_thread(server.command, "FLUSHALL")
        await eventually(lambda: server.command("DBSIZE"))
        async with side(server, prefix) as third:
            await eventually(lambda: third.text() == everything)
            await eventually(lambda: other.text() == everything)
            assert one.text() == everything


@on_a_loop
async def test_a_full_redis_serves_what_it_has_and_says_so(
    server: Server, prefix: str, caplog: pytest.LogCaptureFixture
):
    async with side(server, prefix) as one, side(server, prefix) as other:
        await one.push("before", "before 1")
        await on_thread(server.command, "CONFIG", "SET", "maxmemory", "1")
        await one.push("shop", "a 1")
        await one.push("shop", "a 2")
        assert one.text() == "a 2 | before 1"
        assert await other.scraped() == "before 1"
        assert one.metric("up") == 0
        assert "not allowed when used memory" in caplog.text
        await on_thread(server.command, "CONFIG", "SET", "maxmemory", "0")
        await eventually(lambda: other.text() == "a 2 | before 1")
        assert one.metric("unsaved_applications") == 0


@on_a_loop
async def test_redis_away_from_the_start_is_one_line(
    prefix: str, caplog: pytest.LogCaptureFixture
):
    async with side(Server("redis://redis:1/0"), prefix) as one:
        await one.push("shop", "a 1")
        assert await one.scraped() == "a 1"
    assert caplog.text.count("shared store does not work") == 1
    assert "stopped with data that other proxies do not have applications=1" in (
        caplog.text
    )


@on_a_loop
async def test_a_wrong_password_is_said_without_it(
    prefix: str, caplog: pytest.LogCaptureFixture
):
    async with side(Server("redis://me:hidden@redis:6379/0"), prefix) as one:
        await one.push("shop", "a 1")
        assert one.text() == "a 1"
    assert "invalid username-password pair" in caplog.text
    assert "hidden" not in caplog.text


@on_a_loop
async def test_what_is_over_is_dropped_from_redis(server: Server, prefix: str):
    async with side(server, prefix) as one:
        await one.push("shop", "a 1", lifetime=Lifetime(1.0))
        key = f"{{{prefix}}}:ends"
        await on_thread(server.command, "ZADD", key, "1", "shop")
        async with side(server, prefix):
            assert server.command("HLEN", f"{{{prefix}}}:records") == 0
            assert server.command("HLEN", f"{{{prefix}}}:versions") == 0
