"""The labels of a series: checked, and written in one way only."""

import re

from exporter_proxy.exposition.rules import Rules
from exporter_proxy.refusals import Reason, Refused

LABEL_NAME = r"[a-zA-Z_][a-zA-Z0-9_]*+"
QUOTED = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'

_PARTS = re.compile(rf"({LABEL_NAME})[ \t]*+=[ \t]*+({QUOTED})".encode(), re.DOTALL)
_ESCAPE = re.compile(rb"\\(.?)", re.DOTALL)


class Labels:
    """Cleans the labels of one body's series.

    The same labels stand at one sample after another: they are cleaned once.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._given = {name: b'"%b"' % text for name, text in rules.labels.items()}
        self._cleaned: dict[bytes, bytes] = {}

    def clean(self, labels: bytes) -> bytes:
        """Return labels in braces: sorted, without blanks and without empty values.

        Those of the rules take the place of those of the body, save empty ones.
        Raises Refused for a name that is used twice or is Prometheus' own, and for
        more or longer labels than the rules allow.
        """
        cleaned = self._cleaned.get(labels)
        if cleaned is None:
            cleaned = self._cleaned[labels] = self._clean(labels)
        return cleaned

    def _clean(self, labels: bytes) -> bytes:
        if b"\\" in labels:
            labels = _ESCAPE.sub(_known_escape, labels)
        pairs = _PARTS.findall(labels)
        self._check(labels, pairs)
        kept = self._given | {
            name: value
            for name, value in pairs
            if value != b'""' and not self._rules.labels.get(name)
        }
        if not kept:
            return b""
        return b"{%b}" % b",".join(sorted(map(b"=".join, kept.items())))

    def _check(self, labels: bytes, pairs: list[tuple[bytes, bytes]]) -> None:
        if len(dict(pairs)) < len(pairs):
            raise Refused(Reason.DUPLICATE_LABEL, "a label's name is used twice")
        if b"__" in labels and any(name.startswith(b"__") for name, _ in pairs):
            raise Refused(
                Reason.RESERVED_LABEL, 'label names that start with "__" are reserved'
            )
        if len(pairs) > self._rules.max_labels:
            raise Refused(
                Reason.LABELS,
                f"{len(pairs)} labels are more than {self._rules.max_labels}",
            )
        if len(labels) > self._rules.max_label_bytes:
            _check_lengths(pairs, self._rules.max_label_bytes)


def _check_lengths(pairs: list[tuple[bytes, bytes]], limit: int) -> None:
    for name, value in pairs:
        if max(len(name), len(value) - len('""')) > limit:
            raise Refused(
                Reason.LABELS, f"a label's name or value is longer than {limit} bytes"
            )


def _known_escape(match: re.Match[bytes]) -> bytes:
    # Prometheus reads the backslash of no known escape as itself; others fail on it.
    return match[0] if match[1] in (b"\\", b'"', b"n") else b"\\\\" + match[1]
