"""A body in text exposition format 0.0.4: bytes in, metric families out, or refused."""

import io
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from exporter_proxy.exposition.grammar import Help, Sample, Type, is_number, read_line
from exporter_proxy.refusals import Reason, Refused

UNTYPED = b"untyped"

DUPLICATE = "a series that was there before"

# The names of a family's samples are its own name followed by one of these.
SUFFIXES: Mapping[bytes, tuple[bytes, ...]] = {
    b"counter": (b"",),
    b"gauge": (b"",),
    UNTYPED: (b"",),
    b"histogram": (b"_bucket", b"_sum", b"_count"),
    b"summary": (b"", b"_sum", b"_count"),
}

# Read from the start of a clean series: within a value the same text may stand as well.
_LABELS_BEFORE = rb'[^{]*+\{(?:[^=]++="[^"\\]*+(?:\\.[^"\\]*+)*+",)*?'


def _bound(label: bytes) -> re.Pattern[bytes]:
    return re.compile(_LABELS_BEFORE + label + rb'="([^"]*)"', re.DOTALL)


# The suffix of the samples that have a bound, the label it is in, and how it is found.
_BOUNDS = {
    b"histogram": (b"_bucket", "le", _bound(b"le")),
    b"summary": (b"", "quantile", _bound(b"quantile")),
}


@dataclass(frozen=True, slots=True)
class Family:
    """One metric family of one application.

    help: escaped as in the format; empty when none was given.
    samples: lines as they are served, each with its line feed.
    """

    name: bytes
    type: bytes
    help: bytes
    samples: bytes

    def sample_names(self) -> Iterator[bytes]:
        """Yield every name that a sample of this family may have."""
        return (self.name + suffix for suffix in SUFFIXES[self.type])

    def series(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield what identifies each series, with its line."""
        for line in self.samples.split(b"\n")[:-1]:
            yield identity(self.type, line.rpartition(b" ")[0]), line + b"\n"

    def series_count(self) -> int:
        """Return how many series the family has."""
        return self.samples.count(b"\n")


def parse(body: bytes, reserved_prefix: bytes) -> tuple[Family, ...]:
    """Return the families of a body in the order of their first samples.

    Byte order mark, carriage returns at line ends, comments, timestamps and families
    without samples are dropped; the pieces of a family are put together.
    Raises Refused when anything is wrong, or a name starts with the reserved prefix.
    """
    reading = _Reading(reserved_prefix)
    for number, line in _lines(body):
        try:
            reading.add(line)
        except Refused as refused:
            raise refused.at(number, line) from None
    try:
        return reading.families()
    except _WrongSeries as wrong:
        raise wrong.refused.at(*_place(body, wrong.series)) from None


def identity(family_type: bytes, series: bytes) -> bytes:
    """Return what tells a series from all others.

    Prometheus reads ``le="1"`` and ``le="1.0"`` as the same bound.
    """
    if family_type not in _BOUNDS:
        return series
    bound = _BOUNDS[family_type][2].match(series)
    if not (bound and is_number(bound[1])):
        return series
    start, end = bound.span(1)
    return b"%b%r%b" % (series[:start], float(bound[1]), series[end:])


def _lines(body: bytes) -> Iterator[tuple[int, bytes]]:
    text = body.removeprefix(b"\xef\xbb\xbf")
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").removesuffix(b"\r")
    # One at a time: all lines of a large body would take several times its size.
    for number, line in enumerate(io.BytesIO(text), start=1):
        yield number, line.removesuffix(b"\n")


def _place(body: bytes, series: bytes) -> tuple[int, bytes]:
    """Return number and text of the line that a series stands in."""
    for number, line in _lines(body):
        said = read_line(line)
        if isinstance(said, Sample) and said.series == series:
            return number, line
    raise LookupError(series)


class _WrongSeries(Exception):  # noqa: N818 - carries a refusal to where it gets its line
    """A series that is wrong only in the light of the whole body."""

    def __init__(self, series: bytes, reason: Reason, detail: str) -> None:
        super().__init__(series)
        self.series = series
        self.refused = Refused(reason, detail)


class _Reading:
    """What was read of a body so far: types are known only at its end."""

    def __init__(self, reserved_prefix: bytes) -> None:
        self._reserved_prefix = reserved_prefix
        self._types: dict[bytes, bytes] = {}
        self._helps: dict[bytes, bytes] = {}
        self._values: dict[bytes, bytes] = {}

    def add(self, line: bytes) -> None:
        """Read one line. Raises Refused."""
        said = read_line(line)
        if said is None:
            return
        if said.name.startswith(self._reserved_prefix):
            reserved = self._reserved_prefix.decode()
            raise Refused(
                Reason.RESERVED_NAME, f"names that start with {reserved} are reserved"
            )
        match said:
            case Sample(_, series, value):
                if series in self._values:
                    raise Refused(Reason.DUPLICATE_SERIES, DUPLICATE)
                self._values[series] = value
            case Help(name, text):
                self._helps[name] = text
            case Type(name, family_type):
                self._add_type(name, family_type)

    def families(self) -> tuple[Family, ...]:
        """Return what was read as families. Raises _WrongSeries."""
        samples: dict[bytes, bytearray] = {}
        seen: set[bytes] = set()
        for series, value in self._values.items():
            sample_name = series.partition(b"{")[0]
            name = self._family_of(sample_name)
            family_type = self._types.get(name, UNTYPED)
            if family_type in _BOUNDS:
                _check_fit(family_type, sample_name.removeprefix(name), series)
                _check_unique(family_type, series, seen)
            samples.setdefault(name, bytearray()).extend(b"%b %b\n" % (series, value))
        self._check_names(samples)
        return tuple(self._family(name, lines) for name, lines in samples.items())

    def _add_type(self, name: bytes, family_type: bytes) -> None:
        before = self._types.setdefault(name, family_type)
        if before != family_type:
            raise Refused(
                Reason.TYPE_CONFLICT, f"the type was {before.decode()} before"
            )

    def _family(self, name: bytes, lines: bytearray) -> Family:
        family_type = self._types.get(name, UNTYPED)
        return Family(name, family_type, self._helps.get(name, b""), bytes(lines))

    def _family_of(self, sample_name: bytes) -> bytes:
        if sample_name in self._types:
            return sample_name
        base, underscore, word = sample_name.rpartition(b"_")
        suffixes = SUFFIXES[self._types.get(base, UNTYPED)]
        return base if underscore + word in suffixes else sample_name

    def _check_names(self, families: Collection[bytes]) -> None:
        """Refuse a family that has the name of another one's samples."""
        for name in families:
            family_type = self._types.get(name, UNTYPED)
            for suffix in filter(None, SUFFIXES[family_type]):
                if name + suffix in families:
                    raise self._name_conflict(name, name + suffix)

    def _name_conflict(self, family: bytes, sample_name: bytes) -> _WrongSeries:
        series = next(s for s in self._values if s.partition(b"{")[0] == sample_name)
        owner = f"{family.decode()}, a {self._types[family].decode()}"
        return _WrongSeries(
            series, Reason.TYPE_CONFLICT, f"{owner}, has samples of this name itself"
        )


def _check_fit(family_type: bytes, suffix: bytes, series: bytes) -> None:
    kind = family_type.decode()
    if suffix not in SUFFIXES[family_type]:
        raise _WrongSeries(
            series, Reason.TYPE_MISMATCH, f"a {kind} has no sample of this name"
        )
    bearer, label, pattern = _BOUNDS[family_type]
    bound = pattern.match(series)
    if suffix == bearer and not (bound and is_number(bound[1])):
        wanted = f"this sample of a {kind} needs the label {label} with a number"
        raise _WrongSeries(series, Reason.TYPE_MISMATCH, wanted)


def _check_unique(family_type: bytes, series: bytes, seen: set[bytes]) -> None:
    known = identity(family_type, series)
    if known in seen:
        raise _WrongSeries(series, Reason.DUPLICATE_SERIES, DUPLICATE)
    seen.add(known)
