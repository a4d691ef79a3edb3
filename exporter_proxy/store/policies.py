"""What the configuration says about one application."""

from collections.abc import Mapping
from dataclasses import dataclass

from exporter_proxy.config import Config
from exporter_proxy.config.values import Lifetime
from exporter_proxy.exposition.rules import Rules


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for one application.

    user_ids: who may push it, by Unix socket only; None: anybody who may push.
    """

    lifetime: Lifetime
    rules: Rules
    user_ids: tuple[int, ...] | None


class Policies:
    """Finds the policy of each application by its name."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def of(self, name: str, channel: str, group: Mapping[str, str]) -> Policy:
        """Return what holds for an application.

        Of the sections ``[[application]]`` the first one that matches counts.
        group: the labels of the group that it is, if it is one.
        """
        general, polled = self._config.applications, self._config.poll_external
        matching = (each for each in self._config.application if each.matches(name))
        own = next(matching, None)
        lifetime = polled.ttl if channel == "poll" else general.ttl
        max_bytes = polled.max_body_bytes if channel == "poll" else general.max_bytes
        max_series, bad_lines = general.max_series, general.bad_lines
        if own:
            lifetime = own.ttl or lifetime
            max_bytes = own.max_bytes or max_bytes
            max_series = own.max_series or max_series
            bad_lines = own.bad_lines or bad_lines
        rules = Rules(
            timestamps=self._config.exposition.timestamps,
            drop_bad_lines=bad_lines == "drop",
            drop_reserved=channel == "poll",
            max_bytes=max_bytes,
            max_series=max_series,
            max_labels=general.max_labels,
            max_label_bytes=general.max_label_bytes,
            labels=self._labels(name, group),
        )
        return Policy(lifetime, rules, own.user_ids if own else None)

    def _labels(self, name: str, group: Mapping[str, str]) -> dict[bytes, bytes]:
        labels = {"app": name} if self._config.exposition.app_label == "always" else {}
        labels |= group
        return {key.encode(): escaped(value) for key, value in labels.items()}


def escaped(value: str) -> bytes:
    """Return a label's value as it is written in the format, without its quotes."""
    text = value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return text.encode()
