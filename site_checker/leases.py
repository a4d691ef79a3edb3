"""Leases in Redis: which check is due, and which checker runs it.

One sorted set holds every check's key with the time it is due next. Claiming a check
moves that time to the lease's end, so a checker that dies gives its checks back by
doing nothing. A hash holds who has the lease. All is derived: when Redis loses it, it
is made again, and a check that is run twice for one slot gives one row.

The names of both keys contain a hash of the configuration, so checkers with different
files never hand each other checks that the other does not know.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from site_checker.slots import Run, latest, period
from sites.config import Check

# A site has its time-out, and its result this long to reach Kafka, before another
# checker takes the check over.
MARGIN_SECONDS = 10

# Checks that are new to Redis run soon for the first time, but not all at once.
FIRST_RUN_WITHIN_MS = 10_000

_FORGET_AFTER_MS = 24 * 3_600_000

_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""

_CLAIM = f"""{_NOW}
local most, lease, checker, forget = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local due = redis.call(
    'ZRANGE', KEYS[1], '-inf', now, 'BYSCORE', 'LIMIT', 0, most, 'WITHSCORES')
local claimed = {{}}
for i = 1, #due, 2 do
    local holder = redis.call('HGET', KEYS[2], due[i])
    local taken_over = (holder and holder ~= checker) and 1 or 0
    redis.call('HSET', KEYS[2], due[i], checker)
    redis.call('ZADD', KEYS[1], now + lease, due[i])
    claimed[#claimed + 1] = {{due[i], math.max(0, now - due[i + 1]), taken_over}}
end
redis.call('PEXPIRE', KEYS[1], forget)
redis.call('PEXPIRE', KEYS[2], forget)
return {{now, redis.call('ZCARD', KEYS[1]), claimed}}
"""

# Whoever no longer has the lease changes nothing.
_SETTLE = f"""{_NOW}
for i = 2, #ARGV, 3 do
    local check, slot, period = ARGV[i], ARGV[i + 1], ARGV[i + 2]
    if redis.call('HGET', KEYS[2], check) == ARGV[1] then
        redis.call('HDEL', KEYS[2], check)
        local passed = math.max(0, math.floor((now - slot) / period))
        redis.call('ZADD', KEYS[1], 'XX', slot + (passed + 1) * period, check)
    end
end
"""

_RELEASE = f"""{_NOW}
for i = 2, #ARGV do
    if redis.call('HGET', KEYS[2], ARGV[i]) == ARGV[1] then
        redis.call('HDEL', KEYS[2], ARGV[i])
        redis.call('ZADD', KEYS[1], 'XX', now, ARGV[i])
    end
end
"""


@dataclass(frozen=True)
class Claim:
    """A run that is this checker's until the lease ends.

    late_seconds: since the check became due, or since the lease before this ended.
    taken_over: whether that was another checker's lease.
    """

    run: Run
    late_seconds: float
    taken_over: bool


class Leases:
    """One checker's leases. Each method tries once, and raises redis.RedisError."""

    def __init__(
        self, server: redis.Redis, prefix: str, checker: str, checks: Sequence[Check]
    ) -> None:
        self._server = server
        self._checker = checker
        self._checks: Mapping[str, Check] = {check.key: check for check in checks}
        self._keys = _key_names(prefix, checks)
        longest = max(check.timeout_seconds for check in checks)
        self.lease_seconds = longest + MARGIN_SECONDS
        self._claim = server.register_script(_CLAIM)
        self._settle = server.register_script(_SETTLE)
        self._release = server.register_script(_RELEASE)

    def claim(self, most: int) -> list[Claim]:
        """Return due checks, now leased; checks new to Redis become due soon."""
        lease = round(self.lease_seconds * 1000)
        now, known, claimed = self._claim(
            keys=self._keys, args=[most, lease, self._checker, _FORGET_AFTER_MS]
        )
        if known < len(self._checks):
            self._enrol(now)
        return [
            Claim(Run(check, latest(check, now)), late / 1000, bool(taken_over))
            for key, late, taken_over in claimed
            if (check := self._checks[key])
        ]

    def settle(self, runs: Sequence[Run]) -> None:
        """End the leases of runs whose results are safe, until the next slot."""
        if runs:
            described = [
                text
                for run in runs
                for text in (run.check.key, run.slot, period(run.check))
            ]
            self._settle(keys=self._keys, args=[self._checker, *described])

    def release(self, runs: Sequence[Run]) -> None:
        """Give up leases of runs that were not finished; others may run them now."""
        if runs:
            keys = [run.check.key for run in runs]
            self._release(keys=self._keys, args=[self._checker, *keys])

    def move_on(self, next_slots: Mapping[str, int]) -> None:
        """Let no check be due before its given slot, as after runs without Redis."""
        self._server.zadd(self._keys[0], next_slots, gt=True)

    def _enrol(self, now: int) -> None:
        soon = {
            key: now + int(key, 16) % min(period(check), FIRST_RUN_WITHIN_MS)
            for key, check in self._checks.items()
        }
        self._server.zadd(self._keys[0], soon, nx=True)


def connect(uri: str) -> redis.Redis:
    """Return a client that never tries twice: the caller knows better when to.

    The library would run a script again after a time-out, and lose the first's leases.
    Raises ValueError when the URI is none.
    """
    return redis.Redis.from_url(
        uri,
        decode_responses=True,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=1,
        socket_connect_timeout=1,
    )


def _key_names(prefix: str, checks: Sequence[Check]) -> tuple[str, str]:
    described = sorted(f"{check.key} {check.check_period}" for check in checks)
    fingerprint = hashlib.sha256("\n".join(described).encode()).hexdigest()[:16]
    # The braces put both keys on one node of a cluster.
    return f"{{{prefix}:{fingerprint}}}:due", f"{{{prefix}:{fingerprint}}}:leases"
