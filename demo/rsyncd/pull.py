"""The pull that takes place whatever else happens."""

from demo.rsyncd.client import Client
from servicekit import Backoff, Health, retry

TIMEOUT_SECONDS = 20


class PullFailed(Exception):  # noqa: N818 - reads as what happened
    """A pull that the daemon did not serve; it may just be starting."""


def pull(client: Client, health: Health) -> None:
    """Pull the module exercise, again until it succeeds. Raises Stopped."""
    retry(
        lambda: _pull_once(client),
        what="pull",
        on=(PullFailed, OSError),
        stop=client.stop,
        health=health,
        backoff=Backoff(initial_seconds=0.5, maximum_seconds=5),
    )
    health.beat("pulls")


def _pull_once(client: Client) -> None:
    source = f"rsync://localhost:{client.port}/exercise/"
    if code := client.run(f"-rav --timeout={TIMEOUT_SECONDS} {source} COPY"):
        raise PullFailed(f"rsync ended with exit code {code}")
