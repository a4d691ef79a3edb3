"""Reads ``config.toml`` and says everything that is wrong with it at once."""

import logging
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exporter_proxy.config import checks, sections
from servicekit import SettingsError
from servicekit.settings import declared, load

log = logging.getLogger(__name__)

# Keys that files may have and that say nothing here.
OBSOLETE = ("exporter.worker_threads",)

# Section to what it holds; one in LISTS may stand any number of times.
SECTIONS: dict[str, type] = {
    "exporter": sections.Exporter,
    "receiver": sections.Receiver,
    "poll_external": sections.PollExternal,
    "exposition": sections.Exposition,
    "applications": sections.Applications,
    "tls": sections.Tls,
    "access.push": sections.LocalAccess,
    "access.scrape": sections.Access,
    "access.admin": sections.LocalAccess,
    "snapshot": sections.Snapshot,
    "store": sections.Store,
}
LISTS: dict[str, type] = {
    "poll_external.target": sections.Target,
    "application": sections.Application,
}


@dataclass(frozen=True, kw_only=True)
class Config:
    """The whole file."""

    exporter: sections.Exporter
    receiver: sections.Receiver
    poll_external: sections.PollExternal
    exposition: sections.Exposition
    applications: sections.Applications
    tls: sections.Tls
    access_push: sections.Access
    access_scrape: sections.Access
    access_admin: sections.Access
    snapshot: sections.Snapshot
    store: sections.Store
    poll_external_target: tuple[sections.Target, ...]
    application: tuple[sections.Application, ...]


def read(path: Path | None) -> Config:
    """Return what the file says, and the defaults for what it does not.

    Raises SettingsError with every problem of the file.
    """
    keys = dict(_flat(_table(path))) if path else {}
    for name in OBSOLETE:
        if keys.pop(name, None) is not None:
            log.warning("setting has no effect any more key=%s file=%s", name, path)
    reading = _Reading(keys)
    found = {
        **{name: reading.section(name, kind) for name, kind in SECTIONS.items()},
        **{name: reading.list(name, kind) for name, kind in LISTS.items()},
    }
    reading.problems.extend(f"{key}: no such key" for key in keys)
    if reading.problems:
        raise SettingsError([f"{path}: {problem}" for problem in reading.problems])
    config = Config(**{name.replace(".", "_"): value for name, value in found.items()})
    if problems := tuple(checks.problems(config)):
        raise SettingsError([f"{path}: {problem}" for problem in problems])
    return config


class _Reading:
    """Takes the keys of one section after the other, and notes what is wrong."""

    def __init__(self, keys: dict[str, Any]) -> None:
        self._keys = keys
        self.problems: list[str] = []

    def section(self, name: str, kind: type) -> Any:  # noqa: ANN401 - an instance of kind
        mine = {
            key: self._keys.pop(key)
            for key in self._keys.keys() - LISTS.keys()
            if key.rpartition(".")[0] == name and isinstance(self._keys[key], str)
        }
        return self._load(
            name, kind, {key.rpartition(".")[2]: text for key, text in mine.items()}
        )

    def list(self, name: str, kind: type) -> tuple[Any, ...]:
        tables = self._keys.pop(name, ())
        if isinstance(tables, str):
            self.problems.append(f"{name}: expected tables, each headed [[{name}]]")
            return ()
        return tuple(
            self._load(f"{name}[{number}]", kind, dict(_flat(table)))
            for number, table in enumerate(tables, start=1)
        )

    def _load(self, name: str, kind: type, keys: Mapping[str, str]) -> object:
        known = {each for item in declared(kind) for each in _names(*item)}
        unknown = keys.keys() - known
        self.problems.extend(f"{name}.{key}: no such key" for key in sorted(unknown))
        try:
            return load(kind, {key.upper(): text for key, text in keys.items()})
        except SettingsError as error:
            self.problems.extend(_in_section(name, each) for each in error.problems)
            return None


def _names(name: str, details: Any) -> Iterator[str]:  # noqa: ANN401 - servicekit's own
    yield name
    if details.secret:
        yield f"{name}_file"


def _in_section(section: str, problem: str) -> str:
    key, colon, what = problem.partition(":")
    return f"{section}.{key.lower()}{colon}{what}"


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(
            [f"{path}: cannot read the configuration: {error}"]
        ) from error


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each key with its value as text, as if it were an environment variable.

    A list of tables stays what it is; an empty list is a blank, and so not unset.
    """
    for key, value in table.items():
        match value:
            case dict():
                yield from _flat(value, f"{prefix}{key}.")
            case [_, *_] if all(isinstance(each, dict) for each in value):
                yield prefix + key, tuple(value)
            case list():
                yield prefix + key, " ".join(map(str, value)) or " "
            case bool():
                yield prefix + key, str(value).lower()
            case _:
                yield prefix + key, str(value)
