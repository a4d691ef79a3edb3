"""Health: a part is unwell while it is down, and when its promised progress stops."""

from servicekit import Health


class Clock:
    """A clock that a test turns forward."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_new_service_is_healthy():
    assert Health().problems() == {}


def test_a_part_is_unwell_from_down_until_up():
    health = Health()
    health.down("mysql", "connection refused")
    health.down("kafka", "no answer")
    assert health.problems() == {"mysql": "connection refused", "kafka": "no answer"}
    health.up("mysql")
    assert health.problems() == {"kafka": "no answer"}


def test_the_latest_reason_counts():
    health = Health()
    health.down("mysql", "connection refused")
    health.down("mysql", "access denied")
    assert health.problems() == {"mysql": "access denied"}


def test_a_part_that_was_never_down_may_be_called_up():
    health = Health()
    health.up("mysql")
    assert health.problems() == {}


def test_promised_progress_must_come_in_time():
    clock = Clock()
    health = Health(clock)
    health.expect("loop", within_seconds=30)
    clock.now += 30
    assert health.problems() == {}
    clock.now += 0.1
    assert health.problems() == {"loop": "no progress for more than 30 s"}


def test_a_beat_starts_the_time_again():
    clock = Clock()
    health = Health(clock)
    health.expect("loop", within_seconds=30)
    clock.now += 20
    health.beat("loop")
    clock.now += 30
    assert health.problems() == {}
    clock.now += 1
    health.beat("loop")
    assert health.problems() == {}


def test_a_known_reason_is_told_rather_than_the_missing_progress():
    clock = Clock()
    health = Health(clock)
    health.expect("mysql", within_seconds=1)
    health.down("mysql", "connection refused")
    clock.now += 5
    assert health.problems() == {"mysql": "connection refused"}


def test_what_is_forgotten_is_neither_expected_nor_unwell():
    clock = Clock()
    health = Health(clock)
    health.expect("loop", within_seconds=1)
    health.down("loop", "gone")
    health.forget("loop")
    clock.now += 5
    assert health.problems() == {}


def test_a_part_may_be_well_and_not_ready_yet():
    health = Health()
    health.unready("log", "catching up")
    assert health.problems() == {}
    assert health.not_ready() == {"log": "catching up"}
    health.down("log", "gone")
    assert health.not_ready() == {"log": "gone"}
    health.up("log")
    health.ready("log")
    health.ready("log")
    assert health.not_ready() == {}
