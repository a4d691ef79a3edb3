"""The same news is told seldom, and very much of it not at all."""

from exporter_proxy.told import TOLD_AT_ONCE, Told


def test_the_same_news_is_told_once_a_minute():
    now = 0.0
    told = Told(lambda: now)

    assert [told.is_due("a"), told.is_due("a"), told.is_due("b")] == [True, False, True]
    now = 59.9
    assert not told.is_due("a")
    now = 60
    assert told.is_due("a")


def test_very_much_news_is_neither_kept_nor_told():
    now = 0.0
    told = Told(lambda: now)

    assert sum(map(told.is_due, range(5 * TOLD_AT_ONCE))) == TOLD_AT_ONCE
    now = 60
    assert told.is_due("something else")
