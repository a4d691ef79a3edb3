"""Bodies of requests: bounded in size, in time, and in what all of them hold together.

When they hold too much, the one that was silent longest has to go, so slow clients
cannot keep others out, whatever their number.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from aiohttp import web

from exporter_proxy.config.sections import Receiver
from exporter_proxy.refusals import Reason, Refused
from exporter_proxy.store.intake import INLINE_BYTES

# How many of the largest bodies all requests together may hold.
LARGEST_BODIES = 2

# What unpacks to no more needs no turn: even as many as there may be are no burden.
SMALL_BYTES = 256 * 1024


class Upload:
    """One request's body."""

    def __init__(self, request: web.Request, group: "Uploads") -> None:
        self.size = 0
        self.crowded = False
        self.has_turn = False
        self._request = request
        self._group = group
        self._deadline: asyncio.Timeout | None = None

    @property
    def is_coming(self) -> bool:
        """Whether some of it is there, and some of it is not."""
        return self._deadline is not None and self.size > 0

    async def read(self) -> bytes:
        """Return the body, still in its content encoding.

        Raises Refused when it is too large or too slow, when the client broke off, and
        when room is needed.
        """
        self._group.check_size(self._request.content_length or 0)
        try:
            async with asyncio.timeout(self._group.seconds) as self._deadline:
                return await self._read()
        except TimeoutError:
            self._check_crowded()
            what = f"the body was not there within {self._group.seconds:g} s"
            raise Refused(Reason.TIMEOUT, what) from None
        except (web.RequestPayloadError, ConnectionError) as error:
            what = "the client broke off before the body's end"
            raise Refused(Reason.CUT_OFF, what) from error
        finally:
            self._deadline = None

    async def unpack(
        self,
        unpacked: Callable[[bytes, int], bytes],
        body: bytes,
        limit: int,
        executor: Executor | None = None,
    ) -> bytes:
        """Return what a body unpacks to, which is no longer than the limit.

        A large one waits for its turn, which lasts until its request is answered: a
        few bytes may become very many. Raises Refused.
        """
        if len(body) <= INLINE_BYTES:
            try:
                return unpacked(body, min(limit, SMALL_BYTES))
            except Refused as refused:
                if refused.reason is not Reason.TOO_LARGE or limit <= SMALL_BYTES:
                    raise
        await self._take_turn()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(executor, unpacked, body, limit)

    async def _take_turn(self) -> None:
        if not self.has_turn:
            await self._group.one_large.acquire()
            self.has_turn = True

    def interrupt(self) -> None:
        """Let the read fail, which makes room for others."""
        self.crowded = True
        if self._deadline and not self._deadline.expired():
            self._deadline.reschedule(asyncio.get_running_loop().time())

    async def _read(self) -> bytes:
        chunks = []
        while chunk := await self._request.content.readany():
            chunks.append(chunk)
            self._group.grown(self, len(chunk))
            self._group.check_size(self.size)
            self._check_crowded()
        return b"".join(chunks)

    def _check_crowded(self) -> None:
        if self.crowded:
            raise Refused(Reason.CROWDED, "too much is being pushed, try again")


class Uploads:
    """Those that are open, the one that was silent longest first.

    seconds: how long one may take.
    """

    def __init__(self, config: Receiver) -> None:
        self._open: OrderedDict[Upload, None] = OrderedDict()
        self._held_bytes = 0
        # Whoever unpacks a large body has it until that is done with.
        self.one_large = asyncio.Lock()
        self.follow(config)

    def follow(self, config: Receiver) -> None:
        """Do from now on as this configuration says."""
        self.seconds = config.message_timeout
        self._max_body_bytes = config.max_message_bytes
        self._max_bytes = LARGEST_BODIES * config.max_message_bytes

    @contextmanager
    def open(self, request: web.Request) -> Iterator[Upload]:
        """Yield a request's body, to be read; what it holds counts until the end."""
        upload = Upload(request, self)
        self._open[upload] = None
        try:
            yield upload
        finally:
            self._forget(upload)
            if upload.has_turn:
                self.one_large.release()

    def grown(self, upload: Upload, by_bytes: int) -> None:
        """Note that more of a body came."""
        if upload not in self._open:
            return
        self._open.move_to_end(upload)
        upload.size += by_bytes
        self._held_bytes += by_bytes
        while self._held_bytes > self._max_bytes:
            oldest = next((each for each in self._open if each.is_coming), None)
            if oldest is None:  # those that are there whole stay, if too many by now
                return
            self._forget(oldest)
            oldest.interrupt()

    def check_size(self, size: int) -> None:
        """Raise Refused when a body is too large."""
        if size > self._max_body_bytes:
            limit = self._max_body_bytes
            raise Refused(Reason.TOO_LARGE, f"a body of more than {limit} bytes")

    def _forget(self, upload: Upload) -> None:
        if upload in self._open:
            del self._open[upload]
            self._held_bytes -= upload.size
