from collections.abc import Mapping, Set

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esnet_collector.inventory import compare, is_mass_change

names = st.frozensets(st.sampled_from("abcdefgh"))


def test_a_new_interface_is_opened_at_once() -> None:
    changes = compare({"a"}, {"a", "b"}, {}, 3)
    assert (changes.opened, changes.closed, changes.missing) == ({"b"}, set(), {})


def test_an_interface_is_closed_only_after_enough_snapshots_in_a_row() -> None:
    missing: Mapping[str, int] = {}
    for expected in (1, 2):
        changes = compare({"a", "b"}, {"a"}, missing, 3)
        assert changes.closed == set()
        assert changes.absent == {"b"}
        missing = changes.missing
        assert missing == {"b": expected}
    assert compare({"a", "b"}, {"a"}, missing, 3).closed == {"b"}


def test_one_that_is_seen_in_between_starts_afresh() -> None:
    changes = compare({"a"}, {"a"}, {"a": 2}, 3)
    assert changes.missing == {}


@given(names, names, st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 2)))
def test_every_name_has_one_place(
    known: Set[str], listed: Set[str], missing: dict[str, int]
) -> None:
    changes = compare(known, listed, missing, 3)
    assert changes.opened == listed - known
    assert changes.closed | changes.missing.keys() == known - listed == changes.absent
    assert not changes.closed & changes.missing.keys()
    assert all(0 < count < 3 for count in changes.missing.values())


@pytest.mark.parametrize(
    ("known", "listed", "doubted"),
    [
        (set("abcde"), set("abcd"), False),
        (set("abcde"), set("abc"), True),
        (set("abcde"), set(), True),
        (set("abcde"), set("abcdefghij"), False),
        (set(), set(), False),
        (set(), set("abc"), False),
    ],
)
def test_a_snapshot_without_more_than_the_share_is_doubted(
    known: Set[str], listed: Set[str], doubted: bool
) -> None:
    assert is_mass_change(known, listed, 0.2) is doubted
