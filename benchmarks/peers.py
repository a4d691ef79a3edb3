"""Other programs for the same work, from Debian's packages, with their defaults."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from benchmarks.process import Program


def pushgateway(*options: str) -> Program:
    """Return the Prometheus Pushgateway."""
    command = "prometheus-pushgateway"
    return Program(
        " ".join(("Pushgateway", _version(command), *options)),
        "/-/ready",
        (command, "--web.listen-address=127.0.0.1:{port}", *options),
    )


def mtail(program: Path, log: Path) -> Program:
    """Return mtail with one of its programs, following a log.

    It passes over what is in the log already.
    """
    return Program(
        f"mtail {_version('mtail')} {program.name}",
        "/metrics",
        (*_mtail(program, log), "--log_dir={folder}", "--port={port}"),
    )


def mtail_once(program: Path, log: Path) -> Sequence[str]:
    """Return the command that prints the metrics of a whole log."""
    return (
        *_mtail(program, log),
        "--one_shot",
        "--one_shot_format=prometheus",
        "--logtostderr",
        "--port=0",
    )


def _mtail(program: Path, log: Path) -> Sequence[str]:
    return ("mtail", f"--progs={program}", f"--logs={log}", "--address=127.0.0.1")


def _version(command: str) -> str:
    done = subprocess.run(  # noqa: S603 - one of the programs above
        (command, "--version"), check=True, capture_output=True, text=True, timeout=30
    )
    found = re.search(r"version (\S+)", done.stdout + done.stderr)
    if not found:
        raise ValueError(f"{command} does not say its version: {done.stdout}")
    return found[1]
