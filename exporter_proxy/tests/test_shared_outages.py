"""A Redis that stops, forgets, is full or of no use: what was accepted is served."""

import os
import uuid
from collections.abc import Iterator

import pytest

from exporter_proxy.config.values import Lifetime
from exporter_proxy.tests.sharing import (
    STACK,
    Server,
    eventually,
    on_a_loop,
    on_thread,
    side,
)

pytestmark = pytest.mark.integration


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
