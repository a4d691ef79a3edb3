"""Log lines for people, ``LEVEL @ TIME -> message``, or JSON for machines; UTC."""

import json
import logging
import re
import sys
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import TextIO

# People search for this very shape, so it is a contract.
TEXT_FORMAT = "%(levelname)s @ %(asctime)s -> %(message)s"
MAX_FILE_BYTES = 10_000_000
KEPT_FILES = 3

# Also what ends a line in some readers, and what no output can encode.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

type _ExceptionInfo = (
    tuple[type[BaseException], BaseException, TracebackType | None]
    | tuple[None, None, None]
)


def configure_logging(
    level: str,
    log_format: str,
    file: Path | None = None,
    stream: TextIO | None = None,
) -> None:
    """Send every log record to a stream, and to a rotated file where one is named.

    stream: stdout, unless one is given.

    Raises OSError when the file cannot be opened.
    """
    formatter = JsonFormatter() if log_format == "json" else TextFormatter(TEXT_FORMAT)
    handlers: list[logging.Handler] = [logging.StreamHandler(stream or sys.stdout)]
    if file is not None:
        handlers.append(
            RotatingFileHandler(
                file, maxBytes=MAX_FILE_BYTES, backupCount=KEPT_FILES, encoding="utf-8"
            )
        )
    for handler in handlers:
        handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=handlers, force=True)
    logging.captureWarnings(capture=True)


class TextFormatter(logging.Formatter):
    """One line a record: what others sent to us can never forge a second line."""

    converter = staticmethod(time.gmtime)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the line with control characters made visible."""
        return _visible(super().formatMessage(record))

    def formatException(self, ei: _ExceptionInfo) -> str:  # noqa: N802 - logging's name
        """Return the traceback indented, so that no line of it looks like a record."""
        lines = super().formatException(ei).split("\n")
        return "\n".join(f"  {_visible(line)}" for line in lines)


def _visible(text: str) -> str:
    return _UNPRINTABLE.sub(
        lambda match: match[0].encode("unicode_escape").decode("ascii"), text
    )


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message and a traceback if any."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a JSON object."""
        entry = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry)
