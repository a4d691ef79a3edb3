"""Other programs for the same work, from Debian's packages, with their defaults."""

import re
import subprocess

from benchmarks.process import Program


def pushgateway(*options: str) -> Program:
    """Return the Prometheus Pushgateway."""
    command = "prometheus-pushgateway"
    return Program(
        " ".join(("Pushgateway", _version(command), *options)),
        "/-/ready",
        (command, "--web.listen-address=127.0.0.1:{port}", *options),
    )


def _version(command: str) -> str:
    done = subprocess.run(  # noqa: S603 - one of the programs above
        (command, "--version"), check=True, capture_output=True, text=True, timeout=30
    )
    found = re.search(r"version (\S+)", done.stdout + done.stderr)
    if not found:
        raise ValueError(f"{command} does not say its version: {done.stdout}")
    return found[1]
