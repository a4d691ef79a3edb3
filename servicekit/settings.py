"""Settings: one frozen dataclass a service, read from a mapping, all problems at once.

Defaults are written as a user would write them and pass through the same parser, so
``--help`` shows exactly what may be put into a variable.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from servicekit import parsers

_METADATA_KEY = "setting"


class SettingsError(Exception):
    """Everything that is wrong with the settings: one line a problem."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Setting:
    """How one field is named, read and explained."""

    help: str
    parse: Callable[[str], Any]
    default: str | None
    env: str = ""
    aliases: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    optional: bool = False
    secret: bool = False
    unless: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every variable that may carry the value, the proper name first."""
        return (self.env, *self.aliases)

    def shown(self, value: str) -> str:
        """Return a value as it may be told to people."""
        return "(hidden)" if self.secret else f'"{value}"'


def setting(
    default: str | None = None,
    *,
    help: str,  # noqa: A002 - the word argparse has taught everyone
    parse: Callable[[str], Any] = str,
    env: str = "",
    aliases: tuple[str, ...] = (),
    flags: tuple[str, ...] = (),
    optional: bool = False,
    secret: bool = False,
    unless: tuple[str, ...] = (),
) -> Any:  # noqa: ANN401 - stands where the field's own type stands
    """Declare a field of a settings dataclass.

    default: the text used when nothing is set; without one the setting is required,
        or None when ``optional`` or when one of the variables ``unless`` is set.
    parse: text to value; raises ValueError saying what was expected, "a port 1-65535",
        or SettingsError with all that is wrong in a file that the text names.
    env: the variable, by default the field's name in capitals; ``aliases`` work too.
    flags: command line options that override the variable, such as ("-p", "--path").
    secret: never shown, and also read from the file that ``<NAME>_FILE`` names.
    """
    details = Setting(
        help, parse, default, env, aliases, flags, optional, secret, unless
    )
    return field(metadata={_METADATA_KEY: details}, repr=not secret)


@dataclass(frozen=True, kw_only=True)
class CommonSettings:
    """The settings of every service."""

    log_level: str = setting(
        "INFO",
        help="least severity that is logged",
        parse=parsers.choice("DEBUG", "INFO", "WARNING", "ERROR"),
    )
    log_format: str = setting(
        "text",
        help="text (LEVEL @ TIME -> message) or json",
        parse=parsers.choice("text", "json"),
    )
    log_file: Path | None = setting(
        help="file that gets the log too, rotated at 10 MB", parse=Path, optional=True
    )


def declared(settings_type: type) -> Iterator[tuple[str, Setting]]:
    """Yield each field's name with its declaration, the variable's name filled in."""
    for item in dataclasses.fields(settings_type):
        details: Setting = item.metadata[_METADATA_KEY]
        yield (
            item.name,
            dataclasses.replace(details, env=details.env or item.name.upper()),
        )


def load[S](settings_type: type[S], source: Mapping[str, str]) -> S:
    """Build the settings from a mapping of variables.

    Raises SettingsError naming every variable that is missing or wrong.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    for name, details in declared(settings_type):
        try:
            values[name] = _value(details, source)
        except ValueError as error:
            problems.append(str(error))
        except SettingsError as error:
            problems.extend(error.problems)
    if problems:
        raise SettingsError(problems)
    try:
        return settings_type(**values)
    except ValueError as error:  # a dataclass may cross-check its fields
        raise SettingsError(str(error).splitlines()) from error


def _value(details: Setting, source: Mapping[str, str]) -> Any:  # noqa: ANN401 - any field
    name, text = _find(details, source)
    if text is None:
        text = details.default
    if text is None:
        if details.optional or any(map(source.get, details.unless)):
            return None
        raise ValueError(f"{_called(details)}: required: {details.help}")
    try:
        return details.parse(text)
    except ValueError as error:
        raise ValueError(
            f"{name}: expected {error}, got {details.shown(text)}"
        ) from error


def _find(details: Setting, source: Mapping[str, str]) -> tuple[str, str | None]:
    """Return the name and text of the first variable set; an empty one is not.

    A secret's file comes first: the plain variable may only be a default that the
    Compose file gives it.
    """
    for name in details.names:
        if details.secret and (path := source.get(f"{name}_FILE")):
            return f"{name}_FILE", _read_secret(f"{name}_FILE", path)
        if source.get(name):
            return name, source[name]
    return details.env, None


def _read_secret(name: str, path: str) -> str:
    try:
        secret = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f'{name}: cannot read "{path}": {error}') from error
    if not secret:
        raise ValueError(f'{name}: cannot read "{path}": it is empty')
    return secret


def _called(details: Setting) -> str:
    return f"{details.env} ({details.flags[0]})" if details.flags else details.env


def table(settings_type: type) -> str:
    """Return each setting with its default and meaning, a line each, for ``--help``."""
    rows = [
        (details.env, _default_shown(details), details.help)
        for _, details in declared(settings_type)
    ]
    name_width = max(len(row[0]) for row in rows)
    default_width = max(len(row[1]) for row in rows)
    return "\n".join(
        f"  {name:{name_width}}  {default:{default_width}}  {meaning}"
        for name, default, meaning in rows
    )


def _default_shown(details: Setting) -> str:
    if details.default is None:
        return "-" if details.optional else "(required)"
    return "(hidden)" if details.secret else details.default or '""'
