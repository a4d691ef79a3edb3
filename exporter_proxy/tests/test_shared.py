"""Several proxies on one Redis: push to any, scrape any, and all serve the same."""

import asyncio
from dataclasses import replace

import pytest

from exporter_proxy.config.values import Lifetime
from exporter_proxy.tests.sharing import STACK, eventually, on_a_loop, on_thread, side

pytestmark = pytest.mark.integration


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
