"""The settings file of earlier deployments: ``rmq-user = name`` and so on."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from esnet_collector.settings import DEFAULT_ENV_FILE, Settings
from servicekit import SettingsError
from servicekit.settings import declared

_ASSIGNMENT = re.compile(r"(?:export\s+)?([\w.-]+)\s*=\s*(.*)")
_OURS = re.compile(r"rmq[-_]", re.IGNORECASE)


def with_env_file(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables, and beneath them what the file says that ENV_FILE names.

    Without ENV_FILE a ``.env`` in the working directory is read if there is one, as it
    always was; of a file shared with others only this service's settings are taken.
    Raises SettingsError when the file cannot be read or holds a misspelt setting.
    """
    named = environ.get("ENV_FILE")
    path = Path(named or DEFAULT_ENV_FILE)
    if not named and not path.is_file():
        return dict(environ)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f'ENV_FILE: cannot read "{path}": {error}']) from error
    found = dict(assignments(text))
    known = _known_names()
    if unknown := [name for name in found if _OURS.match(name) and name not in known]:
        raise SettingsError(
            [f"ENV_FILE {path}: unknown setting {name}" for name in unknown]
        )
    return _beneath(environ, {name: found[name] for name in found if name in known})


def assignments(text: str) -> Iterator[tuple[str, str]]:
    """Yield the name and value of each assignment; other lines are passed over."""
    for line in text.splitlines():
        if match := _ASSIGNMENT.fullmatch(line.strip()):
            yield match[1], _unquoted(match[2].strip())


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value


def _known_names() -> set[str]:
    return {
        name
        for _, details in declared(Settings)
        for proper in details.names
        for name in ((proper, f"{proper}_FILE") if details.secret else (proper,))
    }


def _beneath(environ: Mapping[str, str], found: Mapping[str, str]) -> dict[str, str]:
    """Add what is found, except for settings that a variable of any spelling gives."""
    given = {name for name, value in environ.items() if value}
    merged = dict(environ)
    for _, details in declared(Settings):
        names = {*details.names, *(f"{name}_FILE" for name in details.names)}
        if names.isdisjoint(given):
            merged |= {name: found[name] for name in names & found.keys()}
    return merged
