"""What is measured of the exporter, and what it is to reach."""

from dataclasses import replace

from benchmarks.report import Measure

_MILLION = "1,000,000 lines"

READ = Measure(
    f"a log of {_MILLION}, from the program's start until all is printed",
    "lines/s",
    4,
    more_is_better=True,
)
READ_NET = Measure(
    "the same without the time that the program takes to start",
    "lines/s",
    4,
    more_is_better=True,
)
FOLLOW = Measure(
    f"{_MILLION}, written at once to a log that is followed",
    "lines/s",
    more_is_better=True,
)
FOLLOW_SOON = Measure(
    "the same, with both looking for lines every 0.25 s",
    "lines/s",
    4,
    more_is_better=True,
)
FOLLOW_CPU = Measure(f"processor time for {_MILLION} that are followed", "s", 4)
MEMORY = Measure(f"memory after {_MILLION}", "MB")
MEMORY_OPEN = Measure("memory with 10,000 open sessions", "MB")
IDLE = Measure(f"idle after {_MILLION}, scraped every 5 s", "% of a core")
IDLE_OPEN = Measure(
    "idle with 10,000 open sessions, scraped every 5 s", "% of a core", 0.5
)

LONG = Measure("a log of 10,000,000 lines", "lines/s", 200_000, more_is_better=True)
LONG_MEMORY = Measure("memory after 10,000,000 lines", "MB", 60)
LONG_GROWTH = Measure(
    f"memory after ten times {_MILLION} at the same pace, of that after one",
    "times",
    1.1,
)
RESTART = Measure(
    "restart from a checkpoint after 10,000,000 lines, until 100,000 lines written"
    " meanwhile are counted",
    "s",
)

BESIDE_EXAMPLE = (
    *(READ, READ_NET, FOLLOW, FOLLOW_SOON, FOLLOW_CPU),
    *(MEMORY, MEMORY_OPEN, IDLE),
)
BESIDE_SIX = tuple(replace(measure, target=None) for measure in BESIDE_EXAMPLE)
ALONE = (
    replace(READ, target=200_000),
    replace(READ_NET, target=200_000),
    replace(FOLLOW, target=200_000),
    replace(MEMORY, target=60),
    replace(MEMORY_OPEN, target=60),
    replace(IDLE, target=0.5),
    IDLE_OPEN,
    LONG,
    LONG_MEMORY,
    LONG_GROWTH,
    RESTART,
)


def variants(measure: Measure) -> set[Measure]:
    """Return all that measure the same, each with a target of its own."""
    return {
        other
        for other in (*BESIDE_EXAMPLE, *BESIDE_SIX, *ALONE)
        if other.what == measure.what
    }
