"""Who has to go when there are too many connections, or they hold too much."""

import asyncio
import time
from contextlib import ExitStack

import pytest

from exporter_proxy.push.connections import Connection, Connections, Crowded, Slow
from exporter_proxy.push.sockets import HTTP_CONNECTIONS, RESERVED_FILES, share


def connect(
    group: Connections, idle_timeout: float = 10, message_timeout: float = 10
) -> Connection:
    return Connection(group, idle_timeout, message_timeout)


def group(maximum: int = 10, maximum_bytes: int = 100) -> Connections:
    made = Connections()
    made.limit(maximum, maximum_bytes)
    return made


def fed(data: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    if data:
        reader.feed_data(data)
    return reader


async def has_to_go(connection: Connection) -> bool:
    """Return whether reading on raises Crowded."""
    try:
        await connection.read(fed(b"x"))
    except Crowded:
        return True
    return False


def test_who_was_silent_longest_makes_room():
    async def run() -> None:
        connections = group(maximum=3)
        with ExitStack() as opened:
            first, second, third, fourth = (connect(connections) for _ in range(4))
            for each in (first, second, third):
                opened.enter_context(connections.admit(each))
            assert await first.read(fed(b"x")) == b"x"
            opened.enter_context(connections.admit(fourth))

            assert await has_to_go(second)
            assert not await has_to_go(first)
            assert not await has_to_go(third)

    asyncio.run(run())


def test_a_read_that_waits_is_interrupted():
    async def run() -> None:
        connections = group(maximum=1)
        first, second = connect(connections), connect(connections)
        with connections.admit(first):
            reading = asyncio.create_task(first.read(fed(b"")))
            await asyncio.sleep(0)
            with connections.admit(second), pytest.raises(Crowded):
                await reading

    asyncio.run(run())


def test_of_those_that_hold_anything_the_most_silent_makes_room():
    async def run() -> None:
        connections = group(maximum_bytes=100)
        with ExitStack() as opened:
            empty, first, second = (connect(connections) for _ in range(3))
            for each in (empty, first, second):
                opened.enter_context(connections.admit(each))
            first.hold(60)
            second.hold(40)
            assert not await has_to_go(first)
            second.hold(41)

            assert not await has_to_go(empty)
            assert not await has_to_go(first)
            assert await has_to_go(second)

    asyncio.run(run())


def test_who_holds_too_much_all_alone_has_to_go():
    async def run() -> None:
        connections = group(maximum_bytes=100)
        alone, later = connect(connections), connect(connections)
        with connections.admit(alone):
            alone.hold(101)
            assert await has_to_go(alone)
        with connections.admit(later):
            later.hold(100)
            assert not await has_to_go(later)

    asyncio.run(run())


def test_fewer_may_be_allowed_later():
    async def run() -> None:
        connections = group(maximum=3)
        with ExitStack() as opened:
            known = [connect(connections) for _ in range(4)]
            for each in known[:3]:
                opened.enter_context(connections.admit(each))
            connections.limit(2, 100)
            opened.enter_context(connections.admit(known[3]))

            assert [await has_to_go(each) for each in known] == [
                True,
                True,
                False,
                False,
            ]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("idle", "message", "held", "outcome"),
    [
        (0.01, 10, 0, TimeoutError),
        (0.01, 10, 5, TimeoutError),
        (10, 0.01, 5, Slow),
    ],
)
def test_silence_and_slowness_are_two_things(
    idle: float, message: float, held: int, outcome: type[Exception]
):
    async def run() -> None:
        connections = group()
        connection = connect(connections, idle, message)
        with connections.admit(connection):
            connection.hold(held)
            with pytest.raises(outcome):
                await connection.read(fed(b""))

    asyncio.run(run())


def cost(idle: int) -> float:
    """Return the seconds that 2,000 newcomers cost a full group of this many."""
    connections = group(idle, 2 * idle)
    with ExitStack() as opened:
        for _ in range(idle):
            known = connect(connections)
            opened.enter_context(connections.admit(known))
        known.hold(idle)
        start = time.thread_time()
        for _ in range(2_000):
            newcomer = connect(connections)
            with connections.admit(newcomer):
                newcomer.hold(2 * idle)
                newcomer.hold(0)
        return time.thread_time() - start


def test_a_newcomer_s_cost_does_not_depend_on_how_many_there_are():
    # Were each of them looked at, it would be a hundred times as much.
    assert cost(20_000) < 10 * max(cost(200), 0.005)


@pytest.mark.parametrize(
    ("files", "wanted", "receivers", "http"),
    [
        (10**6, 2048, 2048, 2048),
        (10**6, 100_000, 100_000, 100_000),
        (20_000, 10_000, 10_000, 9_488),
        (20_000, 100_000, 19_488 - HTTP_CONNECTIONS, HTTP_CONNECTIONS),
        (1024, 2048, 256, 256),
        (1024, 100, 100, 100),
        (0, 2048, 1, 1),
    ],
)
def test_files_are_shared_between_the_receivers_and_http(
    files: int, wanted: int, receivers: int, http: int
):
    assert share(files, wanted) == (receivers, http)
    if files > 2 * RESERVED_FILES:
        assert receivers + http + RESERVED_FILES <= files
