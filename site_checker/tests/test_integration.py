"""Checkers between real sites, a real Redis and a real Kafka."""

import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from site_checker.leases import Leases, connect
from site_checker.slots import following, latest
from site_checker.tests.stack import KAFKA, Gate, Program, Topic, eventually
from site_checker.tests.website import Website
from sites.config import Check
from sites.result import check_key, decode

pytestmark = pytest.mark.integration

DELIVERED = "site_checker_results_delivered_total"
MODE = "site_checker_redis_mode"

PAGES = {"/": (200, b"All systems are go"), "/moved": (302, b"")}


@pytest.fixture
def website() -> Iterator[Website]:
    """Serve pages of the test's own."""
    site = Website(PAGES)
    yield site
    site.close()


@pytest.fixture
def topic() -> Iterator[Topic]:
    """Name a topic that is not there yet, and remove it afterwards."""
    made = Topic(f"test_site_checker_{uuid.uuid4()}")
    yield made
    made.delete()


@pytest.fixture
def prefix() -> Iterator[str]:
    """Give the test keys of its own in Redis."""
    name = f"test_site_checker_{uuid.uuid4()}"
    yield name
    with connect("redis://redis") as server:
        for key in server.scan_iter(f"{{{name}:*"):
            server.delete(key)


type Start = Callable[..., Program]


@pytest.fixture
def start(topic: Topic, prefix: str, tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a checker of the given checks."""
    programs: list[Program] = []

    def make(
        checks: list[dict[str, Any]], *arguments: str, **environment: str
    ) -> Program:
        config = tmp_path / "config.yaml"
        contents = {
            "kafka": {"connect": {"bootstrap_servers": KAFKA}, "topic": topic.name},
            "redis_uri": "redis://redis:6379/0",
            "checks": checks,
        }
        config.write_text(yaml.safe_dump(contents))
        environment = {"REDIS_PREFIX": prefix} | environment
        programs.append(Program(config, *arguments, **environment))
        return programs[-1]

    yield make
    for program in programs:
        program.kill()


def pages(website: Website, count: int, period: int = 1) -> list[dict[str, Any]]:
    """Return checks of a period of so many seconds, each of another page."""
    return [
        {
            "url": f"{website.url}/?{number}",
            "check_period": period,
            "timeout_seconds": 1,
        }
        for number in range(count)
    ]


def events(topic: Topic) -> Counter[str]:
    """Return how many messages there are of each event."""
    return Counter(value["event_id"] for _, value in topic.messages())


def test_once_checks_everything_once_and_tells_of_the_down_site_too(
    website: Website, topic: Topic, start: Start
) -> None:
    checks: list[dict[str, Any]] = [
        {"url": f"{website.url}/"},
        {"url": f"{website.url}/", "regexp": "All systems are (go|well)"},
        {"url": f"{website.url}/", "regexp": "All systems are down"},
        {"url": f"{website.url}/moved", "expected_code": 302},
        {"url": "http://127.0.0.1:1/"},
    ]
    program = start(checks, "--once", TOPIC_PARTITIONS="3")
    assert program.wait() == 0
    assert topic.partitions() == 3
    assert website.requests == {"/": 3, "/moved": 1}
    messages = topic.messages()
    got = {(value["url"], value["regexp"]): value["reason"] for _, value in messages}
    assert list(map(got.get, [(c["url"], c.get("regexp", "")) for c in checks])) == [
        "ok",
        "ok",
        "no_match",
        "ok",
        "connect",
    ]
    for key, value in messages:
        assert key == check_key(value["url"], value["expected_code"], value["regexp"])
    assert "stopped delivered=5 handed_back=0" in program.log[-1]


def test_the_message_is_what_the_contract_says(
    website: Website, topic: Topic, start: Start
) -> None:
    assert start([{"url": f"{website.url}/"}], "--once").wait() == 0
    [(_, value)] = topic.messages()
    assert value["success"] is True
    assert (value["response_code"], value["response_length"]) == (200, 18)
    assert 0 < value["response_time"] < 1
    assert value["created"].endswith("Z")
    result = decode(json.dumps(value).encode())
    assert str(result.event_id) == value["event_id"]
    assert result.scheduled_at <= result.created


def test_two_checkers_share_the_checks_and_run_none_twice(
    website: Website, topic: Topic, start: Start
) -> None:
    checks = pages(website, 20)
    programs = [start(checks), start(checks)]
    for program in programs:
        program.has(DELIVERED, 20)
        assert program.stop() == 0
    assert {value["reason"] for _, value in topic.messages()} == {"ok"}
    found = events(topic)
    assert set(found.values()) == {1}
    assert website.requests.total() == found.total()
    assert len(website.requests) == 20


def test_a_checker_that_stops_leaves_its_checks_to_the_other_at_once(
    website: Website, start: Start
) -> None:
    held = [{"url": f"{website.url}/hold", "check_period": 1, "timeout_seconds": 60}]
    first = start(held)
    eventually(lambda: website.requests["/hold"] == 1)
    assert first.stop() == 0
    assert "handed_back=1" in first.log[-1]
    start(held)
    eventually(lambda: website.requests["/hold"] == 2, within_seconds=5)


def test_a_checker_that_dies_in_the_middle_is_taken_over_when_its_lease_ends(
    website: Website, topic: Topic, start: Start
) -> None:
    held = [{"url": f"{website.url}/hold", "check_period": 60, "timeout_seconds": 1}]
    first = start(held)
    eventually(lambda: website.requests["/hold"] == 1)
    first.kill()
    second = start(held)
    second.has(DELIVERED)
    assert second.metric("site_checker_lease_takeovers_total") == 1
    [(_, value)] = topic.messages()
    assert value["reason"] == "timeout"


def test_without_redis_every_slot_is_run_by_each_checker_and_rows_stay_single(
    website: Website, topic: Topic, start: Start
) -> None:
    # A slot is left out when the next is due: the machine may pause for less than this.
    period = 3
    checks = pages(website, 3, period)
    with Gate() as gate:
        programs = [start(checks, REDIS_URI=gate.uri) for _ in range(2)]
        for program in programs:
            program.has(DELIVERED, 3)
            assert not program.problems()
        gate.shut()
        for program in programs:
            program.has(MODE, mode="alone")
            assert "redis" in program.problems()
        alone_since = datetime.now(UTC)
        before = events(topic)
        eventually(lambda: (events(topic) - before).total() > 12)
        gate.open()
        for program in programs:
            program.has(MODE, mode="shared")
            assert not program.problems()
        after = events(topic)
        eventually(lambda: (events(topic) - after).total() > 6)
        for program in programs:
            assert program.stop() == 0
    assert 2 in events(topic).values()
    results = [decode(json.dumps(value).encode()) for _, value in topic.messages()]
    for check in checks:
        slots = {r.scheduled_at for r in results if r.url == check["url"]}
        since = sorted(slot for slot in slots if slot > alone_since)
        assert {later - slot for slot, later in pairwise(since)} == {
            timedelta(seconds=period)
        }


def test_what_redis_forgets_is_made_again(
    website: Website, prefix: str, start: Start
) -> None:
    program = start(pages(website, 3))
    program.has(DELIVERED, 3)
    with connect("redis://redis") as server:
        server.delete(*server.scan_iter(f"{{{prefix}:*"))
    delivered = program.metric(DELIVERED)
    program.has(DELIVERED, delivered + 6)
    assert program.stop() == 0


def test_check_finds_both_servers(website: Website, start: Start) -> None:
    program = start(pages(website, 1), "--check")
    assert program.wait() == 0
    eventually(lambda: program.log == ["site_checker: all is well\n"])


class TestLeases:
    """The leases themselves."""

    CHECKS = tuple(
        Check(url=f"http://www.demo/{number}", check_period=60) for number in range(5)
    )

    @pytest.fixture
    def server(self) -> Iterator[redis.Redis]:
        with connect("redis://redis") as server:
            yield server

    def now(self, server: redis.Redis) -> int:
        """Return the server's time in milliseconds, which is what slots are made of."""
        seconds, microseconds = server.time()
        return int(seconds * 1000 + microseconds // 1000)

    def due(self, server: redis.Redis, prefix: str) -> str:
        """Make every check due now, and return the name of the sorted set."""
        (key,) = server.scan_iter(f"{{{prefix}:*:due")
        for check in self.CHECKS:
            server.zadd(key, {check.key: 1})
        return str(key)

    def test_each_due_check_is_claimed_by_one(
        self, server: redis.Redis, prefix: str
    ) -> None:
        first, second = (Leases(server, prefix, name, self.CHECKS) for name in "ab")
        assert not first.claim(10)
        self.due(server, prefix)
        claimed = [*first.claim(2), *second.claim(10), *first.claim(10)]
        assert {claim.run.check for claim in claimed} == set(self.CHECKS)
        assert len(claimed) == 5
        assert not any(claim.taken_over for claim in claimed)

    def test_a_settled_check_is_due_at_its_next_slot(
        self, server: redis.Redis, prefix: str
    ) -> None:
        leases = Leases(server, prefix, "a", self.CHECKS)
        leases.claim(10)
        key = self.due(server, prefix)
        before = self.now(server)
        runs = [claim.run for claim in leases.claim(10)]
        leases.settle(runs)
        after = self.now(server)
        for run in runs:
            check, due = run.check, server.zscore(key, run.check.key)
            assert due is not None
            # Not equal to one of both: a slot may begin between the two calls.
            assert latest(check, before) <= run.slot <= latest(check, after)
            assert following(check, before) <= due <= following(check, after)

    def test_a_released_check_is_due_at_once(
        self, server: redis.Redis, prefix: str
    ) -> None:
        first, second = (Leases(server, prefix, name, self.CHECKS) for name in "ab")
        first.claim(10)
        self.due(server, prefix)
        first.release([claim.run for claim in first.claim(3)])
        assert len(second.claim(10)) == 5

    def test_who_lost_the_lease_changes_nothing(
        self, server: redis.Redis, prefix: str
    ) -> None:
        first, second = (Leases(server, prefix, name, self.CHECKS) for name in "ab")
        first.claim(10)
        self.due(server, prefix)
        runs = [claim.run for claim in first.claim(10)]
        key = self.due(server, prefix)  # as if the leases had ended
        assert all(claim.taken_over for claim in second.claim(10))
        leased_to = server.zrange(key, 0, -1, withscores=True)
        first.settle(runs)
        first.release(runs)
        assert server.zrange(key, 0, -1, withscores=True) == leased_to

    def test_checkers_with_other_checks_share_nothing(
        self, server: redis.Redis, prefix: str
    ) -> None:
        Leases(server, prefix, "a", self.CHECKS).claim(10)
        Leases(server, prefix, "b", self.CHECKS[:2]).claim(10)
        names = list(server.scan_iter(f"{{{prefix}:*:due"))
        assert sorted(server.zcard(name) for name in names) == [2, 5]
