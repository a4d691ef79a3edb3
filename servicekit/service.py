"""A service as a program: command line, settings, logs, signals and exit codes.

Exit codes: 0 stopped as asked, 1 failed while running, 2 wrong settings.
"""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import disable_created_metrics

from servicekit import parsers
from servicekit.lifecycle import Stop, Stopped, stop_on_signals
from servicekit.logs import configure_logging
from servicekit.settings import CommonSettings, SettingsError, declared, load, table

log = logging.getLogger(__name__)

OK, FAILED, WRONG_SETTINGS = 0, 1, 2


class ServiceFailed(Exception):  # noqa: N818 - reads as what happened
    """A failure that retrying cannot heal; its text is the service's last log line."""


type Reader[S] = Callable[[S, Sequence[str], Stop], int]


@dataclass(frozen=True)
class Service[S: CommonSettings]:
    """What a program is made of.

    name: the package's, and so the prefix of its metrics.
    about: one sentence for ``--help`` and the page at ``/``.
    run: works until ``Stop`` is set.
    check: yields a line for each thing that would keep ``run`` from working.
    commands: further words on the command line, such as ``statistics``; each returns
        an exit code.
    readers: options that take files and print what is in them, such as ``--once``, each
        with its explanation first; each returns an exit code, and the log goes to
        stderr. A setting can be required ``unless`` such an option is given.
    """

    name: str
    about: str
    settings: type[S]
    run: Callable[[S, Stop], None]
    check: Callable[[S], Iterable[str]]
    commands: Mapping[str, Callable[[S, Stop], int]] = field(default_factory=dict)
    readers: Mapping[str, tuple[str, Reader[S]]] = field(default_factory=dict)

    def main(
        self, argv: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ
    ) -> int:
        """Run the program and return its exit code."""
        arguments = vars(self._parser().parse_args(argv))
        flags = {
            name: text for name, text in arguments.items() if isinstance(text, str)
        }
        action = self._action(flags.pop("command", None), arguments)
        given = {option: option for option in self.readers if arguments[option]}
        try:
            settings = load(self.settings, {**environ, **flags, **given})
            configure_logging(
                settings.log_level,
                settings.log_format,
                settings.log_file,
                sys.stderr if given else sys.stdout,
            )
        except SettingsError as error:
            return _refuse(error.problems)
        except OSError as error:
            return _refuse([f"LOG_FILE: cannot open the log: {error}"])
        if arguments["check"]:
            return self._report(settings)
        return self._run(settings, action)

    def _action(
        self, command: str | None, arguments: Mapping[str, Any]
    ) -> Callable[[S, Stop], int | None]:
        for option, (_, read) in self.readers.items():
            if files := arguments[option]:
                return lambda settings, stop: read(settings, files, stop)
        return self.commands[command] if command else self.run

    def _run(self, settings: S, action: Callable[[S, Stop], int | None]) -> int:
        # A gauge beside every counter, telling when it began, is of no use here.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # has no annotations
        try:
            with stop_on_signals() as stop:
                return action(settings, stop) or OK
        except Stopped:
            return OK
        except ServiceFailed as error:
            log.critical("%s", error)
            return FAILED
        except SettingsError as error:  # in a file that the settings name
            return _refuse(error.problems)

    def _report(self, settings: S) -> int:
        try:
            problems = list(self.check(settings))
        except SettingsError as error:
            return _refuse(error.problems)
        for problem in problems:
            sys.stderr.write(f"{problem}\n")
        if not problems:
            sys.stdout.write(f"{self.name}: all is well\n")
        return FAILED if problems else OK

    def _parser(self) -> argparse.ArgumentParser:
        parser = argparse.ArgumentParser(
            prog=f"python -m {self.name}",
            description=self.about,
            epilog=f"settings (environment variables):\n{table(self.settings)}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        parser.add_argument(
            "--check",
            action="store_true",
            help="try the settings and connections, then exit",
        )
        if self.commands:
            parser.add_argument("command", nargs="?", choices=sorted(self.commands))
        for option, (meaning, _) in self.readers.items():
            parser.add_argument(
                option,
                dest=option,
                nargs="+",
                metavar="FILE",
                help=meaning.replace("%", "%%"),
            )
        for _, details in declared(self.settings):
            meaning = details.help.replace("%", "%%")
            if details.flags and details.parse is parsers.boolean:
                parser.add_argument(
                    *details.flags,
                    dest=details.env,
                    action="store_const",
                    const="yes",
                    help=meaning,
                )
            elif details.flags:
                parser.add_argument(
                    *details.flags,
                    dest=details.env,
                    metavar=details.env,
                    help=meaning,
                )
        return parser


def _refuse(problems: Iterable[str]) -> int:
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    return WRONG_SETTINGS
