"""What is to be saved later: bounded, and no more than is needed."""

import logging

import pytest
from prometheus_client import CollectorRegistry

from exporter_proxy.metrics import StoreMetrics
from exporter_proxy.store.link import Link
from exporter_proxy.store.table import Away, Version
from exporter_proxy.store.unsaved import Unsaved
from exporter_proxy.store.versions import Versions

FIRST, SECOND = Version(1, "a"), Version(2, "a")


def families(unsaved: Unsaved) -> set[bytes] | None:
    change = unsaved.get("shop")
    assert change
    return None if change.families is None else set(change.families)


def test_merged_pushes_add_up_until_a_whole_one():
    unsaved = Unsaved(9)
    unsaved.taken("shop", FIRST, {b"a"})
    unsaved.taken("shop", SECOND, {b"b"})
    assert families(unsaved) == {b"a", b"b"}
    unsaved.taken("shop", SECOND, None)
    unsaved.taken("shop", SECOND, {b"c"})
    assert families(unsaved) is None


def test_what_comes_after_a_deletion_is_all_there_is():
    unsaved = Unsaved(9)
    unsaved.deleted("shop", FIRST)
    unsaved.taken("shop", SECOND, {b"a"})
    assert families(unsaved) is None


def test_of_too_many_the_oldest_goes():
    unsaved = Unsaved(2)
    for name in ("a", "b", "a", "c"):
        unsaved.taken(name, FIRST, None)
    assert list(unsaved) == ["a", "c"]


def test_what_cannot_be_saved_lets_the_others_go_first():
    unsaved = Unsaved(9)
    for name in ("a", "b", "c"):
        unsaved.taken(name, FIRST, None)
    unsaved.postpone("a")
    unsaved.postpone("gone")
    assert list(unsaved) == ["b", "c", "a"]


def test_a_version_is_newer_than_all_before_even_when_a_clock_is_set_back():
    now = [100.0]
    versions = Versions(lambda: now[0])
    first = versions.next("shop", None)
    versions.set("shop", first)
    now[0] = 50.0
    second = versions.next("shop", None)
    third = versions.next("shop", second)
    assert first < second < third


def test_a_slow_answer_says_little_about_a_clock():
    now = [0.0]
    versions = Versions(lambda: now[0])
    now[0] = 10.002
    versions.compare_clocks(asked_at=10.0, told=7.001)
    assert versions.offset == pytest.approx(3)
    now[0] = 13.0
    versions.compare_clocks(asked_at=11.0, told=8.0)
    assert versions.offset == pytest.approx(3)


def test_each_change_of_state_is_one_line(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    now = [0.0]
    registry = CollectorRegistry()
    link = Link(StoreMetrics(registry), lambda: now[0])
    for _ in range(5):
        link.failed("read", Away("refused"))
        link.failed("write", Away("refused"))
    assert not link.works("read")
    assert 0 < link.wait("read") <= 10
    assert registry.get_sample_value("exporter_proxy_store_up") == 0
    link.worked("read")
    assert len(caplog.records) == 1
    link.worked("write")
    assert link.works("read", "write")
    assert link.wait("write") == 0
    assert registry.get_sample_value("exporter_proxy_store_up") == 1
    assert [record.getMessage() for record in caplog.records] == [
        "shared store does not work, going on without operation=read error=refused",
        "shared store works again",
    ]
