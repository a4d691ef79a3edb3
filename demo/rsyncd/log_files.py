"""Rotation of the daemon's log files."""

from collections.abc import Iterable
from pathlib import Path


def rotate(logs: Iterable[Path], max_bytes: int) -> None:
    """Rename each log that is too large; ``.1`` replaces the one before.

    That needs no signal: each session of the daemon opens its log anew.
    """
    for log in logs:
        if log.exists() and log.stat().st_size > max_bytes:
            log.replace(f"{log}.1")
