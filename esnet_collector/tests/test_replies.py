import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esnet_collector.replies import (
    Interface,
    Json,
    Malformed,
    Point,
    parse_interfaces,
    parse_points,
)

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
POINT_LIKE = st.fixed_dictionaries(
    {
        "columns": st.lists(st.sampled_from(["time", "in", "out", "x"])),
        "points": st.lists(st.lists(JSON_VALUES, max_size=4)),
    }
)


def series(columns: list[str], points: list[object]) -> bytes:
    return json.dumps(
        {"name": "traffic", "columns": columns, "points": points}
    ).encode()


def test_points_are_read_by_the_names_of_their_columns() -> None:
    body = series(["out", "ignored", "time", "in"], [[2.5, 9, 1602043200000, 1.5]])
    assert parse_points(body) == [Point(1602043200000, 1.5, 2.5)]


def test_values_the_api_does_not_know_are_none() -> None:
    body = series(["time", "in", "out"], [[30000, None, 1], [60000, 2], [90000]])
    assert parse_points(body) == [
        Point(30000, None, 1),
        Point(60000, 2, None),
        Point(90000, None, None),
    ]


def test_a_time_may_be_written_as_a_float() -> None:
    assert parse_points(series(["time", "in", "out"], [[3e4, 0, 0]])) == [
        Point(30000, 0, 0)
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        b'{"columns": ["time", "in", "out"]}',
        b'{"columns": ["time", "in"], "points": []}',
        series(["time", "in", "out"], ["30000"]),
        series(["time", "in", "out"], [[]]),
        series(["time", "in", "out"], [[-1, 0, 0]]),
        series(["time", "in", "out"], [[1.5, 0, 0]]),
        series(["time", "in", "out"], [[True, 0, 0]]),
        series(["time", "in", "out"], [[30000, "0", 0]]),
        series(["time", "in", "out"], [[30000, False, 0]]),
        b'{"columns": ["time", "in", "out"], "points": [[30000, NaN, 0]]}',
        b'{"columns": ["time", "in", "out"], "points": [[30000, 1e999, 0]]}',
    ],
)
def test_what_is_not_a_series_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_points(body)


@given(st.binary() | (JSON_VALUES | POINT_LIKE).map(json.dumps).map(str.encode))
def test_any_body_is_points_or_malformed(body: bytes) -> None:
    try:
        points = parse_points(body)
    except Malformed:
        return
    for point in points:
        assert isinstance(point.time_ms, int)
        json.dumps(point, allow_nan=False)


def test_interfaces_keep_the_whole_object() -> None:
    element: dict[str, Json] = {
        "resource": "devices/a/interfaces/1%2F2",
        "extra": [1],
        "ifIndex": "10",
    }
    found, rejected = parse_interfaces(json.dumps([element]).encode())
    assert found == [Interface("devices/a/interfaces/1%2F2", element)]
    assert rejected == 0


@pytest.mark.parametrize(
    "resource",
    ["", "/a", "a b", "a?b", "a#b", "a\\b", "a\nb", "é", "a" * 129, None, 7, ["a"]],
)
def test_an_element_without_a_usable_resource_is_left_out(resource: object) -> None:
    elements = [{"resource": "fine"}, {"resource": resource}, {}, "text"]
    found, rejected = parse_interfaces(json.dumps(elements).encode())
    assert [interface.resource for interface in found] == ["fine"]
    assert rejected == 3


def test_a_resource_listed_twice_counts_once() -> None:
    elements = [{"resource": "a", "speed": 1}, {"resource": "a", "speed": 2}]
    found, _ = parse_interfaces(json.dumps(elements).encode())
    assert found == [Interface("a", {"resource": "a", "speed": 2})]


def test_an_empty_list_is_a_list() -> None:
    assert parse_interfaces(b"[]") == ([], 0)


@pytest.mark.parametrize("body", [b"", b"{}", b'"a"', b"[{", b"[1, 2]"])
def test_what_is_not_a_list_of_interfaces_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_interfaces(body)


@given(st.binary() | JSON_VALUES.map(json.dumps).map(str.encode))
def test_any_body_is_interfaces_or_malformed(body: bytes) -> None:
    try:
        found, _ = parse_interfaces(body)
    except Malformed:
        return
    for interface in found:
        assert interface.resource.isascii()
        json.dumps(interface.record, allow_nan=False)
