"""What several proxies share in Redis: each application's newest record and version.

Five keys hold everything, so that they are easy to find and to delete: a hash of
records, a hash of their versions, a sorted set of names by the order of their last
changes, one by the time they may be dropped, and a hash with the number of the last
change and an epoch, a random word that is another one after Redis lost its data.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Iterable, Mapping
from typing import Any, NamedTuple

import redis
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

_CONNECTIONS = 8
_PAGE = 1000

_WRITE = """
local meta, versions, records, changes, ends = unpack(KEYS)
local epoch, name, condition, stamp, by, ending, record = unpack(ARGV)
stamp = tonumber(stamp)
local stored = redis.call('HGET', versions, name)
local at, author = string.match(stored or '', '^(%d+) (.*)$')
if at then
    at = tonumber(at)
    if author == by then return {1, stored} end
    local is_newer = at > stamp or (at == stamp and author > by)
    if condition == 'newest' and is_newer then return {0, stored} end
    if string.sub(condition, 1, 6) == 'after ' and condition ~= 'after ' .. stored then
        return {0, stored}
    end
    stamp = math.max(stamp, at + 1)
elseif record == '' then
    return {1, ''}
end
local version = string.format('%.0f %s', stamp, by)
redis.call('HSETNX', meta, 'epoch', epoch)
redis.call('HSET', versions, name, version)
if record == '' then
    redis.call('HDEL', records, name)
else
    redis.call('HSET', records, name, record)
end
redis.call('ZADD', changes, redis.call('HINCRBY', meta, 'changes', 1), name)
if ending == '' then
    redis.call('ZREM', ends, name)
else
    redis.call('ZADD', ends, ending, name)
end
return {1, version}
"""

_CHANGES = """
local meta, versions, records, changes, ends = unpack(KEYS)
local since, page = ARGV[1], ARGV[2]
local time = redis.call('TIME')
local epoch = redis.call('HGET', meta, 'epoch') or ''
local found = redis.call(
    'ZRANGE', changes, '(' .. since, '+inf', 'BYSCORE', 'LIMIT', 0, page, 'WITHSCORES')
local names, last = {}, since
for i = 1, #found, 2 do
    names[#names + 1] = found[i]
    last = found[i + 1]
end
local known = #names > 0 and redis.call('HMGET', versions, unpack(names)) or {}
return {time[1], time[2], epoch, last, names, known}
"""

_READ = """
local meta, versions, records, changes, ends = unpack(KEYS)
return {
    redis.call('HMGET', versions, unpack(ARGV)),
    redis.call('HMGET', records, unpack(ARGV))}
"""

# Frees memory, so it works in a Redis that is full.
_PURGE = """
local meta, versions, records, changes, ends = unpack(KEYS)
local now = redis.call('TIME')[1]
local over = redis.call('ZRANGE', ends, '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[1])
for _, name in ipairs(over) do
    redis.call('HDEL', records, name)
    redis.call('HDEL', versions, name)
    redis.call('ZREM', changes, name)
    redis.call('ZREM', ends, name)
end
return #over
"""


class Version(NamedTuple):
    """Which of two data of an application is newer: the greater one.

    stamp: microseconds since the epoch by Redis' clock, or more when a newer version
        was there already.
    by: which proxy, and which of its changes.
    """

    stamp: int
    by: str

    def __str__(self) -> str:
        return f"{self.stamp} {self.by}"


class Entry(NamedTuple):
    """What is stored of an application. No record: it was deleted."""

    version: Version
    packed: bytes


class Changes(NamedTuple):
    """What changed since some change.

    seconds: Redis' time. last: the number of the last change that is among these.
    versions: of what changed; None for what was dropped at the same moment.
    """

    seconds: float
    epoch: str
    last: int
    versions: Mapping[str, Version | None]


class Away(Exception):  # noqa: N818 - what Redis is
    """Redis did not do what it was asked to, and why."""


class Table:
    """Redis as the proxies use it. Each method tries once; raises Away."""

    def __init__(self, url: str, prefix: str, timeout: float) -> None:
        self._timeout = timeout
        # Each new one may be to a Redis that is another one than before.
        self.connections_made = 0
        self._server = Redis.from_pool(
            BlockingConnectionPool.from_url(
                url,
                max_connections=_CONNECTIONS,
                timeout=timeout,
                socket_timeout=timeout,
                socket_connect_timeout=timeout,
                # The caller knows better when to try again.
                retry=Retry(NoBackoff(), 0),
                redis_connect_func=self._connected,
            )
        )
        # The braces put all keys on one node of a cluster.
        names = ("meta", "versions", "records", "changes", "ends")
        self._keys = [f"{{{prefix}}}:{name}" for name in names]
        self._epoch = uuid.uuid4().hex
        register = self._server.register_script
        self._write, self._changes = register(_WRITE), register(_CHANGES)
        self._read, self._purge = register(_READ), register(_PURGE)

    async def write(
        self, name: str, entry: Entry, condition: str, end: float | None
    ) -> tuple[bool, Version | None]:
        """Store what is new of an application, or that it was deleted.

        condition: ``always``; ``newest``, unless something newer is there; or ``after``
            and a version, unless there is another one.
        end: when it may be dropped, in seconds since the epoch by Redis' clock.
        Returns whether it is stored, and which version is there now.
        """
        arguments = [
            *(self._epoch, name, condition, entry.version.stamp, entry.version.by),
            *("" if end is None else round(end), entry.packed),
        ]
        done, version = await self._ask(self._write(self._keys, arguments))
        return bool(done), _version(version)

    async def changes(self, since: int) -> Changes:
        """Return what changed after a change, at most a thousand applications."""
        seconds, micros, epoch, last, names, versions = await self._ask(
            self._changes(self._keys, [since, _PAGE])
        )
        return Changes(
            int(seconds) + int(micros) / 1e6,
            _text(epoch),
            int(last),
            dict(zip(map(_text, names), map(_version, versions), strict=True)),
        )

    async def read(self, names: Iterable[str]) -> dict[str, Entry]:
        """Return what is stored of applications; those that are not there left out."""
        asked = list(names)
        versions, records = await self._ask(self._read(self._keys, asked))
        return {
            name: Entry(version, record or b"")
            for name, told, record in zip(asked, versions, records, strict=True)
            if (version := _version(told))
        }

    async def purge(self) -> int:
        """Drop some of what may be dropped; return how many."""
        return int(await self._ask(self._purge(self._keys, [_PAGE])))

    async def close(self) -> None:
        """Close all connections."""
        await self._server.aclose()

    async def _connected(self, connection: AbstractConnection) -> None:
        self.connections_made += 1
        await connection.on_connect()

    async def _ask(self, answer: Awaitable[Any]) -> Any:  # noqa: ANN401 - by script
        try:
            async with asyncio.timeout(self._timeout):
                return await answer
        except TimeoutError as error:
            raise Away(f"no answer within {self._timeout:g} s") from error
        except (redis.RedisError, OSError) as error:
            raise Away(str(error) or type(error).__name__) from error


def _version(text: bytes | None) -> Version | None:
    """Return a version; None for what no proxy wrote."""
    stamp, _, by = _text(text or b"").partition(" ")
    return Version(int(stamp), by) if stamp.isdecimal() else None


def _text(text: bytes) -> str:
    return text.decode(errors="replace")
