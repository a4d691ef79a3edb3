"""Wait until Prometheus reports every active target up; name those that are not."""

import json
import sys
import time
import urllib.error
import urllib.request

PATIENCE_SECONDS = 120


def main(prometheus: str) -> int:
    """Poll until all is up or patience is out."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while troubles := find_troubles(prometheus):
        if time.monotonic() > deadline:
            report = "\n".join(f"  {trouble}" for trouble in troubles)
            sys.stderr.write(
                f"error: after {PATIENCE_SECONDS} s not every target is up:\n{report}\n"
            )
            return 1
        time.sleep(1)
    return 0


def find_troubles(prometheus: str) -> list[str]:
    """Say what is not up yet; the empty list says that everything is."""
    try:
        with urllib.request.urlopen(  # noqa: S310 - our own Prometheus
            f"{prometheus}/api/v1/targets?state=active", timeout=5
        ) as answer:
            targets = json.load(answer)["data"]["activeTargets"]
    except (OSError, ValueError) as error:
        return [f"Prometheus at {prometheus}: {error}"]
    return [describe(target) for target in targets if target["health"] != "up"] or (
        [] if targets else ["Prometheus has no targets yet"]
    )


def describe(target: dict[str, str]) -> str:
    """Name a target with what keeps it from being up."""
    reason = target["lastError"] or "not scraped yet"
    return (
        f"{target['scrapePool']} at {target['scrapeUrl']}: {target['health']}, {reason}"
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
