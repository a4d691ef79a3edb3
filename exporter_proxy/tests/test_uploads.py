"""Bodies that are read side by side, of requests that need no network."""

import asyncio
import time
from dataclasses import replace
from typing import cast

import pytest
from aiohttp import web

from exporter_proxy.config import read
from exporter_proxy.config.sections import Receiver
from exporter_proxy.push.uploads import Uploads
from exporter_proxy.refusals import Reason, Refused

SECONDS = 0.05


class Body:
    """A request's body whose pieces come when a test says so."""

    content_length = None

    def __init__(self) -> None:
        self.content = self
        self.come: asyncio.Queue[bytes] = asyncio.Queue()

    async def readany(self) -> bytes:
        return await self.come.get()

    def request(self) -> web.Request:
        return cast(web.Request, self)


def settings(max_message_bytes: int, seconds: float = 10) -> Receiver:
    receiver = read(None).receiver
    return replace(
        receiver, max_message_bytes=max_message_bytes, message_timeout=seconds
    )


def test_room_is_made_at_the_moment_when_the_time_of_the_oldest_is_over():
    """Whoever needs the room is not the one that fails."""

    async def run() -> None:
        group = Uploads(settings(10, SECONDS))
        late, silent, needs_room = Body(), Body(), Body()
        with (
            group.open(late.request()) as first,
            group.open(silent.request()) as second,
            group.open(needs_room.request()) as third,
        ):
            for each in late, silent:
                each.come.put_nowait(b"123456789")
            readers = [asyncio.create_task(each.read()) for each in (first, second)]
            await asyncio.sleep(SECONDS / 2)
            group.follow(settings(10))
            readers.append(asyncio.create_task(third.read()))
            loop = asyncio.get_running_loop()
            for piece in b"123456789", b"":
                loop.call_later(SECONDS / 4, needs_room.come.put_nowait, piece)
            await asyncio.sleep(0)
            time.sleep(SECONDS)  # noqa: ASYNC251 - so that all of it is due at once
            *refused, taken = await asyncio.gather(*readers, return_exceptions=True)

        assert taken == b"123456789"
        assert all(isinstance(each, Refused) for each in refused)

    asyncio.run(run())


def test_who_comes_after_the_room_became_smaller_is_turned_away():
    async def run() -> None:
        group = Uploads(settings(1000))
        with group.open(held.request()) as whole, group.open(new.request()) as late:
            assert await whole.read() == b"1" * 900
            group.follow(settings(100))
            with pytest.raises(Refused) as refused:
                await late.read()
        assert refused.value.reason is Reason.CROWDED

    held, new = Body(), Body()
    for piece in b"1" * 900, b"":
        held.come.put_nowait(piece)
    new.come.put_nowait(b"1" * 50)
    asyncio.run(run())
