"""Runs the named benchmarks, or all: a table and one line of JSON of each."""

import argparse
import logging
import sys
from collections.abc import Mapping
from typing import Protocol

import benchmarks
from benchmarks import exporter_proxy, machine, rsync_exporter
from benchmarks.failure import Failed
from benchmarks.report import Report, json_line, markdown

# For ten thousand connections and whatever else a server wants.
OPEN_FILES = 12_000


class Benchmark(Protocol):
    """What measures something."""

    def __call__(self, *, small: bool) -> Report:
        """Return what was found; a small run is soon over, but proves no figure."""


BENCHMARKS: Mapping[str, Benchmark] = {
    "exporter_proxy": exporter_proxy.run,
    "rsync_exporter": rsync_exporter.run,
}


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks", description=benchmarks.__doc__
    )
    parser.add_argument("name", nargs="*", help=f"of {', '.join(BENCHMARKS)}")
    parser.add_argument(
        "--small", action="store_true", help="a short run, which proves no figure"
    )
    arguments = parser.parse_args()
    if unknown := set(arguments.name) - set(BENCHMARKS):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    machine.allow_open_files(OPEN_FILES)
    for name in arguments.name or BENCHMARKS:
        try:
            _run(name, small=arguments.small)
        except (Failed, OSError) as error:
            sys.exit(f"error: {name}: {error}")


def _run(name: str, *, small: bool) -> None:
    where, date = machine.description(), machine.today()
    report = BENCHMARKS[name](small=small)
    sys.stdout.write(markdown(report, where, date))
    sys.stdout.write(f"{json_line(report, where, date)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
