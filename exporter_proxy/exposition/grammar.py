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

from exporter_proxy.exposition.rules import Rules
from exporter_proxy.refusals import Reason, Refused

_LONGEST_TIMESTAMP = 2**63 - 1

_BLANKS = r"[ \t]*+"
_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*+"
_LABEL_NAME = r"[a-zA-Z_][a-zA-Z0-9_]*+"
_QUOTED = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_LABEL = rf"{_BLANKS}{_LABEL_NAME}{_BLANKS}={_BLANKS}{_QUOTED}{_BLANKS}"
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
_LABEL_PARTS = _compiled(rf"({_LABEL_NAME}){_BLANKS}={_BLANKS}({_QUOTED})")
_METADATA_START = _compiled(r"[ \t]*+#[ \t]++(HELP|TYPE)[ \t]")
_HELP_LINE = _compiled(rf"[ \t]*+#[ \t]++HELP[ \t]++({_NAME})(?:[ \t](.*))?")
_TYPE_LINE = _compiled(rf"[ \t]*+#[ \t]++TYPE[ \t]++({_NAME}) ({_TYPES})")
_NAMED_TYPE_LINE = _compiled(rf"[ \t]*+#[ \t]++TYPE[ \t]++{_NAME}[ \t]+(.*)")
_QUOTED_TEXT = _compiled(_QUOTED)
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


def read_line(line: bytes, rules: Rules) -> Sample | Help | Type | None:
    """Return what a line says; None for a comment or an empty line.

    Raises Refused for a line that would cost a scrape, or that the rules forbid.
    """
    if match := _SAMPLE_LINE.fullmatch(line):
        return _sample(line, match, rules)
    text = line.lstrip(b" \t")
    if text.startswith(b"#"):
        return _metadata(line)
    if text:
        raise _explained(line)
    return None


def is_number(text: bytes) -> bool:
    """Return whether Prometheus reads the text as a number."""
    return _NUMBER_ALONE.fullmatch(text) is not None and not _overflows(text)


def _sample(line: bytes, match: re.Match[bytes], rules: Rules) -> Sample:
    name, labels, value, timestamp = match.groups()
    if not line.isascii():
        _check_encoding(line)
    if _overflows(value):
        raise Refused(Reason.VALUE, "a number beyond a 64-bit float's range")
    if timestamp:
        _check_timestamp(timestamp, rules)
    if labels or rules.labels:
        return Sample(
            name, name + _clean_labels(labels or b"", rules), value, timestamp
        )
    return Sample(name, name, value, timestamp)


def _check_timestamp(timestamp: bytes, rules: Rules) -> None:
    if rules.timestamps == "reject":
        raise Refused(Reason.TIMESTAMP, "timestamps are not allowed here")
    if len(timestamp) > 18 and _is_too_late(timestamp):
        raise Refused(Reason.TIMESTAMP, "a timestamp beyond 64 bits")


def _overflows(number: bytes) -> bool:
    could = len(number) > 300 or b"e" in number or b"E" in number
    return could and isinf(float(number))


def _is_too_late(timestamp: bytes) -> bool:
    digits = timestamp.lstrip(b"0")
    return len(digits) > 19 or int(digits or b"0") > _LONGEST_TIMESTAMP


def _check_encoding(text: bytes) -> None:
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise Refused(Reason.ENCODING, "not valid UTF-8") from error


def _clean_labels(labels: bytes, rules: Rules) -> bytes:
    """Return the labels in braces: sorted, without blanks and without empty values.

    Those of the rules take the place of those of the body.
    Raises Refused for a name that is used twice or is Prometheus' own, and for more
    or longer labels than the rules allow.
    """
    if b"\\" in labels:
        labels = _ESCAPE.sub(_known_escape, labels)
    pairs = _LABEL_PARTS.findall(labels)
    names = {name for name, _ in pairs}
    if len(names) < len(pairs):
        raise Refused(Reason.DUPLICATE_LABEL, "a label's name is used twice")
    if b"__" in labels and any(name.startswith(b"__") for name in names):
        raise Refused(
            Reason.RESERVED_LABEL, 'label names that start with "__" are reserved'
        )
    if len(pairs) > rules.max_labels:
        raise Refused(
            Reason.LABELS, f"{len(pairs)} labels are more than {rules.max_labels}"
        )
    if len(labels) > rules.max_label_bytes:
        _check_lengths(pairs, rules.max_label_bytes)
    kept = [
        name + b"=" + value
        for name, value in pairs
        if value != b'""' and name not in rules.labels
    ]
    kept += [b'%b="%b"' % forced for forced in rules.labels.items()]
    kept.sort()
    return b"{%b}" % b",".join(kept) if kept else b""


def _check_lengths(pairs: list[tuple[bytes, bytes]], limit: int) -> None:
    for name, value in pairs:
        if max(len(name), len(value) - len('""')) > limit:
            raise Refused(
                Reason.LABELS, f"a label's name or value is longer than {limit} bytes"
            )


def _known_escape(match: re.Match[bytes]) -> bytes:
    # Prometheus reads the backslash of no known escape as itself; others fail on it.
    return match[0] if match[1] in (b"\\", b'"', b"n") else b"\\\\" + match[1]


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
