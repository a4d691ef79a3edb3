"""Due times: a check is due at its slots, which every checker computes alike.

A slot is a whole number of milliseconds since 1970. A check's first one follows from
its key, so that checks of one period are spread over it, and stay spread.
"""

from dataclasses import dataclass

from sites.config import Check


@dataclass(frozen=True)
class Run:
    """One check for one due time."""

    check: Check
    slot: int


def period(check: Check) -> int:
    """Return the milliseconds between two slots of the check."""
    return round(check.check_period * 1000)


def latest(check: Check, now: int) -> int:
    """Return the check's last slot that is not after ``now``."""
    phase = int(check.key, 16) % period(check)
    return now - (now - phase) % period(check)


def following(check: Check, now: int) -> int:
    """Return the check's first slot after ``now``."""
    return latest(check, now) + period(check)
