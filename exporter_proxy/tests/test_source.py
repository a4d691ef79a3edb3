"""Texts are compressed once a version, whoever asks and how often."""

import asyncio
import threading
import zlib
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from exporter_proxy.serve.segments import gzipped
from exporter_proxy.serve.source import (
    INLINE_BYTES,
    Absent,
    Compressed,
    Source,
    Workshop,
)


class Changing:
    """A text that a test changes; each reading of it is noted."""

    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self.version = 0
        self.readings: list[int] = []
        self.is_there = True
        self.source = Source(self.text, lambda: self.version, Workshop(executor))

    def text(self) -> bytes | None:
        self.readings.append(self.version)
        return self.of(self.version) if self.is_there else None

    @staticmethod
    def of(version: int) -> bytes:
        return b"%d" % version * (INLINE_BYTES + 1)


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest.fixture
def changing(executor: ThreadPoolExecutor) -> Changing:
    return Changing(executor)


def unpacked(compressed: Compressed) -> bytes:
    stream = b"".join(gzipped([compressed.segment]))
    return zlib.decompress(stream, zlib.MAX_WBITS | 16)


def run[T](work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def test_a_version_is_compressed_once(changing: Changing):
    async def asked_often() -> list[Compressed]:
        together = await asyncio.gather(
            *(changing.source.compressed() for _ in range(9))
        )
        return [*together, await changing.source.compressed()]

    answers = run(asked_often())

    assert len({id(each.segment) for each in answers}) == 1
    assert unpacked(answers[0]) == changing.of(0)


def test_a_new_version_is_compressed_anew(changing: Changing):
    first = run(changing.source.compressed())
    changing.version = 1
    second = run(changing.source.compressed())

    assert (first.version, second.version) == (0, 1)
    assert unpacked(second) == changing.of(1)


def test_who_asks_while_one_is_made_gets_a_newer_one_and_all_of_them_the_same(
    changing: Changing, executor: ThreadPoolExecutor
):
    go_on = threading.Event()

    async def asked_while_it_changes() -> tuple[Compressed, list[Compressed]]:
        executor.submit(go_on.wait)
        first = asyncio.create_task(changing.source.compressed())
        await asyncio.sleep(0)
        later = [asyncio.create_task(changing.source.compressed()) for _ in range(5)]
        await asyncio.sleep(0)
        changing.version = 1
        go_on.set()
        return await first, await asyncio.gather(*later)

    first, later = run(asked_while_it_changes())

    assert unpacked(first) == changing.of(0)
    assert {each.version for each in later} == {1}
    assert changing.readings == [0, 1]


def test_who_gives_up_leaves_the_others_their_answer(
    changing: Changing, executor: ThreadPoolExecutor
):
    go_on = threading.Event()

    async def given_up() -> Compressed:
        executor.submit(go_on.wait)
        first = asyncio.create_task(changing.source.compressed())
        second = asyncio.create_task(changing.source.compressed())
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait([first])
        go_on.set()
        return await second

    assert unpacked(run(given_up())) == changing.of(0)


def test_an_old_version_is_not_kept(changing: Changing):
    first = run(changing.source.compressed())
    assert run(changing.source.compressed()) is first
    changing.version = 1
    changing.source.plain()
    changing.version = 0

    assert run(changing.source.compressed()) is not first


def test_there_may_be_none(changing: Changing):
    changing.is_there = False

    with pytest.raises(Absent):
        changing.source.plain()
    with pytest.raises(Absent):
        run(changing.source.compressed())
