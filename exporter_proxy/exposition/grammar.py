"""One line of text exposition format 0.0.4, read as strictly as Prometheus does.

The rules are those of Prometheus' lexer (``model/textparse/promlex.l``) and of Go's
``strconv.ParseFloat``. They are narrower where other readers of the format (promtool,
Telegraf) refuse what Prometheus takes, because one such line would cost them every
application's metrics: a comma stands between labels, a blank before a bare name's
value, no line feed in a label's value, and names are not quoted.
"""

import re
from math import isinf
from typing import NamedTuple

from exporter_proxy.exposition.labels import LABEL_NAME, QUOTED, Labels
from exporter_proxy.exposition.rules import Rules
from exporter_proxy.refusals import Reason, Refused

_LONGEST_TIMESTAMP = 2**63 - 1

_BLANKS = r"[ \t]*+"
_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*+"
_LABEL = rf"{_BLANKS}{LABEL_NAME}{_BLANKS}={_BLANKS}{QUOTED}{_BLANKS}"
_LABELS = rf"{_BLANKS}(?:{_LABEL}(?:,{_LABEL})*+,?{_BLANKS})?"
_DECIMAL = r"(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?"
_NUMBER = rf"(?:[+-]?(?:{_DECIMAL}|(?i:inf(?:inity)?))|(?i:nan))"
_SERIES = rf"{_BLANKS}({_NAME})(?:{_BLANKS}\{{({_LABELS})\}}{_BLANKS}|[ \t]++)"
_TYPES = "counter|gauge|histogram|summary|untyped"


def _compiled(pattern: str) -> re.Pattern[bytes]:
    return re.compile(pattern.encode(), re.DOTALL)


_SAMPLE_LINE = _compiled(rf"{_SERIES}({_NUMBER})(?:[ \t]++([0-9]++))?{_BLANKS}")
_SERIES_START = _compiled(_SERIES)
_NUMBER_ALONE = _compiled(_NUMBER)
_METADATA_START = _compiled(r"[ \t]*+#[ \t]++(HELP|TYPE)[ \t]")
_HELP_LINE = _compiled(rf"[ \t]*+#[ \t]++HELP[ \t]++({_NAME})(?:[ \t](.*))?")
_TYPE_LINE = _compiled(rf"[ \t]*+#[ \t]++TYPE[ \t]++({_NAME}) ({_TYPES})")
_NAMED_TYPE_LINE = _compiled(rf"[ \t]*+#[ \t]++TYPE[ \t]++{_NAME}[ \t]+(.*)")
_QUOTED_TEXT = _compiled(QUOTED)
_ESCAPE = _compiled(r"\\(.?)")


class Sample(NamedTuple):
    """One value of one series.

    series: name and labels; these sorted, without blanks and without empty values, so
        that two spellings of one series are equal.
    value, timestamp: as they were written.
    """

    name: bytes
    series: bytes
    value: bytes
    timestamp: bytes | None = None


class Help(NamedTuple):
    """A family's description, escaped as in the format."""

    name: bytes
    text: bytes


class Type(NamedTuple):
    """A family's type."""

    name: bytes
    type: bytes


class LineReader:
    """Reads the lines of one body."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._labels = Labels(rules)

    def read(self, line: bytes) -> Sample | Help | Type | None:
        """Return what a line says; None for a comment or an empty line.

        Raises Refused for a line that would cost a scrape, or that the rules forbid.
        """
        if match := _SAMPLE_LINE.fullmatch(line):
            return self._sample(line, match)
        text = line.lstrip(b" \t")
        if text.startswith(b"#"):
            return _metadata(line)
        if text:
            raise _explained(line)
        return None

    def _sample(self, line: bytes, match: re.Match[bytes]) -> Sample:
        name, labels, value, timestamp = match.groups()
        if not line.isascii():
            _check_encoding(line)
        if (b"e" in value or b"E" in value or len(value) > 300) and _overflows(value):
            raise Refused(Reason.VALUE, "a number beyond a 64-bit float's range")
        if timestamp:
            _check_timestamp(timestamp, self._rules)
        series = name + self._labels.clean(labels or b"")
        return Sample(name, series, value, timestamp)


def is_number(text: bytes) -> bool:
    """Return whether Prometheus reads the text as a number."""
    return _NUMBER_ALONE.fullmatch(text) is not None and not _overflows(text)


def _check_timestamp(timestamp: bytes, rules: Rules) -> None:
    if rules.timestamps == "reject":
        raise Refused(Reason.TIMESTAMP, "timestamps are not allowed here")
    if len(timestamp) > 18 and _is_too_late(timestamp):
        raise Refused(Reason.TIMESTAMP, "a timestamp beyond 64 bits")


def _overflows(number: bytes) -> bool:
    return isinf(float(number)) and b"n" not in number.lower()


def _is_too_late(timestamp: bytes) -> bool:
    digits = timestamp.lstrip(b"0")
    return len(digits) > 19 or int(digits or b"0") > _LONGEST_TIMESTAMP


def _check_encoding(text: bytes) -> None:
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise Refused(Reason.ENCODING, "not valid UTF-8") from error


def _known_help_escape(match: re.Match[bytes]) -> bytes:
    return match[0] if match[1] in (b"\\", b"n") else b"\\\\" + match[1]


def _metadata(line: bytes) -> Help | Type | None:
    if b"\0" in line:
        raise Refused(Reason.NUL, "NUL outside a label's value")
    start = _METADATA_START.match(line)
    if start is None:
        return None
    return _help(line) if start[1] == b"HELP" else _type(line)


def _help(line: bytes) -> Help:
    match = _HELP_LINE.fullmatch(line)
    if match is None:
        raise Refused(Reason.SYNTAX, "expected # HELP name text")
    _check_encoding(line)
    return Help(match[1], _ESCAPE.sub(_known_help_escape, match[2] or b""))


def _type(line: bytes) -> Type:
    if match := _TYPE_LINE.fullmatch(line):
        return Type(match[1], match[2])
    if _NAMED_TYPE_LINE.fullmatch(line):
        expected = _TYPES.replace("|", ", ")
        raise Refused(
            Reason.TYPE, f"expected one blank and one of {expected}, nothing after"
        )
    raise Refused(Reason.SYNTAX, "expected # TYPE name type")


def _explained(line: bytes) -> Refused:
    """Return what is wrong with a line that should be a sample."""
    if b"\0" in _QUOTED_TEXT.sub(b"", line):
        return Refused(Reason.NUL, "NUL outside a label's value")
    series = _SERIES_START.match(line)
    if series is None:
        return Refused(Reason.SYNTAX, 'expected name{label="value"} number')
    value, *more = re.split(rb"[ \t]+", line[series.end() :].rstrip(b" \t"))
    if not is_number(value):
        return Refused(Reason.VALUE, "not a number that Prometheus reads")
    if len(more) == 1 and not more[0].isdigit():
        return Refused(Reason.TIMESTAMP, "expected whole milliseconds after the value")
    return Refused(
        Reason.SYNTAX, "expected nothing more after the value and a timestamp"
    )
