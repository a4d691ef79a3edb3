"""The machine that the figures are of."""

import os
import platform
import resource
from datetime import UTC, datetime
from pathlib import Path


def description() -> str:
    """Return processors, memory and versions, and how busy the machine is already."""
    gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return (
        f"{os.cpu_count()} x {_processor()}, {gib:.0f} GiB, "
        f"Linux {platform.release()}, Python {platform.python_version()}, "
        f"load average {os.getloadavg()[0]:.1f} at the start"
    )


def today() -> str:
    """Return the date in UTC."""
    return datetime.now(UTC).date().isoformat()


def allow_open_files(wanted: int) -> None:
    """Let this process and its children have so many files open.

    Raises SystemExit where that is not allowed.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if wanted > hard:
        raise SystemExit(f"needs {wanted} open files, but ulimit -Hn is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="ascii").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
