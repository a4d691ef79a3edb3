import os
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rsync_exporter.rsyncd.log_time import LogTime

BERLIN = ZoneInfo("Europe/Berlin")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
ZONES = [
    UTC,
    BERLIN,
    LORD_HOWE,
    ZoneInfo("America/St_Johns"),
    ZoneInfo("Africa/Monrovia"),
]

YEARS = st.datetimes(
    datetime(1970, 1, 2),  # noqa: DTZ001 - local, of any zone
    datetime(9999, 12, 30),  # noqa: DTZ001
)


def stamp(time: datetime) -> bytes:
    return f"{time.year:4d}{time:/%m/%d %H:%M:%S}".encode()


def read(zone: tzinfo | None, *stamps: bytes) -> list[int | None]:
    log_time = LogTime(zone)
    return [log_time.epoch(stamp) for stamp in stamps]


def utc(*date: int) -> int:
    return int(datetime(*date, tzinfo=UTC).timestamp())  # type: ignore[arg-type,misc]  # tzinfo is last


@pytest.fixture
def process_in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


def test_a_time_of_the_zone():
    assert read(BERLIN, b"2026/11/21 20:51:58") == [utc(2026, 11, 21, 19, 51, 58)]
    assert read(UTC, b"2026/11/21 20:51:58") == [utc(2026, 11, 21, 20, 51, 58)]


@pytest.mark.usefixtures("process_in_berlin")
def test_without_a_zone_it_is_that_of_the_process():
    assert os.environ["TZ"] == "Europe/Berlin"
    stamps = [b"2026/07/21 20:51:58", b"2026/10/25 02:59:59", b"2026/10/25 02:00:01"]
    assert read(None, *stamps) == read(BERLIN, *stamps)
    assert read(None, b"9998/12/31 23:59:59") == read(BERLIN, b"9998/12/31 23:59:59")


@given(st.sampled_from(ZONES), YEARS)
def test_any_time_is_what_datetime_takes_it_for(zone: tzinfo, local: datetime):
    local = local.replace(microsecond=0)
    expected = local.replace(tzinfo=zone).timestamp()
    assert read(zone, stamp(local)) == [expected]


@given(st.sampled_from(ZONES), YEARS, st.lists(st.integers(-300, 900), max_size=20))
def test_a_log_that_is_not_quite_in_order(
    zone: tzinfo, start: datetime, steps: list[int]
):
    moment = start.replace(microsecond=0, tzinfo=UTC)
    log_time = LogTime(zone)
    log_time.epoch(stamp(moment.astimezone(zone) - timedelta(hours=3)))
    read_before = log_time.epoch(stamp(moment.astimezone(zone)))
    if read_before != moment.timestamp():  # began within an hour that comes twice
        return
    for step in steps:
        moment += timedelta(seconds=step)
        local = moment.astimezone(zone)
        assert log_time.epoch(stamp(local)) == moment.timestamp()


@given(st.sampled_from([BERLIN, LORD_HOWE]), st.integers(1990, 2100), st.data())
def test_every_second_of_an_autumn_night(zone: tzinfo, year: int, data: st.DataObject):
    """Sessions write every few minutes, up to two seconds out of order."""
    month = 10 if zone is BERLIN else 4
    moment = datetime(year, month, 1, tzinfo=UTC)
    step = timedelta(hours=1)
    while (
        moment.astimezone(zone).utcoffset()
        == (moment + step).astimezone(zone).utcoffset()
    ):
        moment += step
    log_time = LogTime(zone)
    moment -= 2 * step
    for _ in range(30):
        moment += timedelta(seconds=data.draw(st.integers(-2, 600)))
        assert log_time.epoch(stamp(moment.astimezone(zone))) == moment.timestamp()


def test_the_hour_that_comes_twice():
    stamps = [
        *(b"2026/10/25 01:59:59", b"2026/10/25 02:00:00", b"2026/10/25 02:59:58"),
        *(b"2026/10/25 02:59:59", b"2026/10/25 02:00:00", b"2026/10/25 02:59:59"),
        *(b"2026/10/25 02:00:01", b"2026/10/25 02:31:00", b"2026/10/25 02:59:59"),
        *(b"2026/10/25 03:00:00", b"2026/10/25 02:59:59"),
    ]
    second = utc(2026, 10, 25, 1)  # when it begins again
    expected = [-3601, -3600, -2, -1, 0, -1, 1, 1860, 3599, 3600, 3599]
    assert read(BERLIN, *stamps) == [second + offset for offset in expected]


def test_the_half_hour_that_comes_twice_on_lord_howe():
    stamps = [b"2026/04/05 01:59:59", b"2026/04/05 01:30:00", b"2026/04/05 01:59:58"]
    second = utc(2026, 4, 4, 15)
    assert read(LORD_HOWE, *stamps) == [second - 1, second, second - 2]


def test_the_hour_that_is_skipped():
    stamps = [b"2026/03/29 01:59:59", b"2026/03/29 03:00:00", b"2026/03/29 02:30:00"]
    begins = utc(2026, 3, 29, 1)
    assert read(BERLIN, *stamps) == [begins - 1, begins, begins + 1800]


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"2026/02/29 00:00:00",
        b"2026/13/01 00:00:00",
        b"2026/00/01 00:00:00",
        b"2026/11/31 00:00:00",
        b"2026/11/21 24:00:00",
        b"2026/11/21 20:60:00",
        b"2026/11/21 20:51:60",
        b"2026/11/21 20:51:5",
        b"2026/11/21 20:51:588",
        b"2026/11/21 20:51:-1",
        b"2026/11/21 20:51: 1",
        b"2026-11-21 20:51:58",
        b"2026/11/21T20:51:58",
        b" 970/11/21 20:51:58",
        b"0000/11/21 20:51:58",
        b"1969/12/31 23:59:59",
        b"20260/1/21 20:51:58",
        b"2026/11/21 20:51:58\n",
        b"\xff" * 19,
    ],
)
def test_what_is_no_time(wrong: bytes):
    right = b"2026/11/21 20:51:58"
    time = utc(2026, 11, 21, 20, 51, 58)
    assert read(UTC, right, wrong, right) == [time, None, time]
    assert LogTime(UTC).syslog_epoch(wrong, time) is None


@given(st.binary(max_size=40), st.floats(0, 4e9))
@example(b"2000/01/01 00:00:00", 0.0)
def test_any_bytes_are_read_without_error(text: bytes, now: float):
    is_date = re.fullmatch(rb"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d", text)
    assert LogTime(BERLIN).epoch(text) is None or is_date
    is_syslog_date = re.search(rb"\d\d:\d\d:\d\d", text)
    assert LogTime(BERLIN).syslog_epoch(text, now) is None or is_syslog_date


@pytest.mark.parametrize(
    ("text", "now", "expected"),
    [
        (b"Nov 21 20:58:51", (2026, 11, 21, 20, 58, 53), (2026, 11, 21, 19, 58, 51)),
        (b"Dec 31 23:59:59", (2027, 1, 1, 0, 0, 1), (2026, 12, 31, 22, 59, 59)),
        (b"Jan  1 01:00:00", (2026, 12, 31, 22, 59), (2027, 1, 1)),
        (b"Feb 29 12:00:00", (2025, 3, 1), (2024, 2, 29, 11)),
        (b"Feb 29 12:00:00", (2099, 3, 1), (2096, 2, 29, 11)),
        (b"Oct 25 02:30:00", (2026, 10, 25, 0, 30, 5), (2026, 10, 25, 0, 30)),
        (b"Oct 25 02:30:00", (2026, 10, 25, 1, 30, 5), (2026, 10, 25, 1, 30)),
        (b"2026-11-21T20:58:51Z", (2020, 1, 1), (2026, 11, 21, 20, 58, 51)),
        (b"2026-11-21T20:58:51+0100", (2020, 1, 1), (2026, 11, 21, 19, 58, 51)),
        (b"2026-11-21T20:58:51.003+01:00", (2020, 1, 1), (2026, 11, 21, 19, 58, 51)),
        (b"2026-11-21T20:58:51.999999-03:30", (2020, 1, 1), (2026, 11, 22, 0, 28, 51)),
    ],
)
def test_times_of_syslog(text: bytes, now: tuple[int, ...], expected: tuple[int, ...]):
    assert LogTime(BERLIN).syslog_epoch(text, utc(*now)) == utc(*expected)


@pytest.mark.parametrize(
    "text",
    [
        b"-",
        b"Nov 31 20:58:51",
        b"nov 21 20:58:51",
        b"Abc 21 20:58:51",
        b"Nov 1 20:58:51",
        b"2026-11-31T20:58:51Z",
        b"2026-11-21T20:58:51",
        b"2026-11-21T20:58:51+99:00",
    ],
)
def test_what_is_no_time_of_syslog(text: bytes):
    assert LogTime(BERLIN).syslog_epoch(text, utc(2026, 11, 21)) is None


@given(
    st.sampled_from(ZONES), st.integers(10**8, 4 * 10**9), st.integers(-(10**7), 10**7)
)
def test_syslog_needs_no_year(zone: tzinfo, now: int, age: int):
    local = datetime.fromtimestamp(now - age, zone)
    log_time = LogTime(zone)
    times = [
        log_time.syslog_epoch(
            f"{local:%b} {local.day:2} {local:%H:%M:%S}".encode(), moment
        )
        for moment in (now, now + 1)
    ]
    candidates = {local.replace(fold=fold).timestamp() for fold in (0, 1)}
    assert times[0] == times[1]
    assert times[0] in candidates


def test_a_stamp_that_comes_again_a_year_later():
    log_time = LogTime(UTC)
    text = b"Nov 21 20:58:51"
    assert log_time.syslog_epoch(text, utc(2026, 11, 22)) == utc(
        2026, 11, 21, 20, 58, 51
    )
    assert log_time.syslog_epoch(text, utc(2027, 11, 22)) == utc(
        2027, 11, 21, 20, 58, 51
    )
