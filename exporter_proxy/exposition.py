"""A body in text exposition format 0.0.4: bytes in, metric families out, or refused."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from exporter_proxy.grammar import Help, Sample, Type, is_number, read_line
from exporter_proxy.refusals import Reason, Refused

UNTYPED = b"untyped"

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
    lines = _lines(body)
    reading = _Reading(reserved_prefix)
    number = 0
    try:
        for number, line in enumerate(lines, start=1):
            reading.add(number, line)
        return reading.families()
    except Refused as refused:
        place = refused.line or number
        raise refused.at(place, lines[place - 1]) from None


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


def _lines(body: bytes) -> list[bytes]:
    text = body.removeprefix(b"\xef\xbb\xbf")
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").removesuffix(b"\r")
    return text.split(b"\n")


class _Reading:
    """What was read of a body so far: types are known only at its end."""

    def __init__(self, reserved_prefix: bytes) -> None:
        self._reserved_prefix = reserved_prefix
        self._types: dict[bytes, bytes] = {}
        self._helps: dict[bytes, bytes] = {}
        self._samples: dict[bytes, tuple[int, Sample]] = {}

    def add(self, number: int, line: bytes) -> None:
        """Read one line. Raises Refused."""
        said = read_line(line)
        if said is None:
            return
        if said.name.startswith(self._reserved_prefix):
            prefix = self._reserved_prefix.decode()
            raise Refused(
                Reason.RESERVED_NAME, f"names that start with {prefix} are reserved"
            )
        match said:
            case Sample():
                self._add_sample(number, said)
            case Help():
                self._helps[said.name] = said.text
            case Type():
                self._add_type(said)

    def families(self) -> tuple[Family, ...]:
        """Return what was read as families. Raises Refused that knows its line."""
        lines: dict[bytes, list[bytes]] = {}
        seen: dict[bytes, int] = {}
        for number, sample in self._samples.values():
            name = self._family_of(sample.name)
            family_type = self._types.get(name, UNTYPED)
            if family_type in _BOUNDS:
                _check_fit(name, family_type, number, sample)
                _check_unique(identity(family_type, sample.series), number, seen)
            lines.setdefault(name, []).append(
                b"%b %b\n" % (sample.series, sample.value)
            )
        self._check_names(lines)
        return tuple(self._family(name, samples) for name, samples in lines.items())

    def _add_sample(self, number: int, sample: Sample) -> None:
        first = self._samples.setdefault(sample.series, (number, sample))
        if first[0] != number:
            raise _duplicate(first[0])

    def _add_type(self, said: Type) -> None:
        before = self._types.setdefault(said.name, said.type)
        if before != said.type:
            raise Refused(
                Reason.TYPE_CONFLICT, f"the type was {before.decode()} before"
            )

    def _family(self, name: bytes, samples: list[bytes]) -> Family:
        family_type = self._types.get(name, UNTYPED)
        return Family(name, family_type, self._helps.get(name, b""), b"".join(samples))

    def _family_of(self, sample_name: bytes) -> bytes:
        if sample_name in self._types:
            return sample_name
        base, underscore, word = sample_name.rpartition(b"_")
        suffixes = SUFFIXES[self._types.get(base, UNTYPED)]
        return base if underscore + word in suffixes else sample_name

    def _check_names(self, families: Collection[bytes]) -> None:
        """Refuse a family that has the name of another one's samples."""
        for name in families:
            for suffix in filter(None, SUFFIXES[self._types.get(name, UNTYPED)]):
                if name + suffix in families:
                    raise self._name_conflict(name, name + suffix)

    def _name_conflict(self, family: bytes, sample_name: bytes) -> Refused:
        line = next(
            n for n, sample in self._samples.values() if sample.name == sample_name
        )
        of = f"{family.decode()} is a {self._types[family].decode()}"
        return Refused(
            Reason.TYPE_CONFLICT, f"{of} and has samples of this name itself", line
        )


def _check_fit(family: bytes, family_type: bytes, number: int, sample: Sample) -> None:
    suffix = sample.name.removeprefix(family)
    kind = family_type.decode()
    if suffix not in SUFFIXES[family_type]:
        raise Refused(Reason.TYPE_MISMATCH, f"a {kind} has no such sample", number)
    bearer, label, pattern = _BOUNDS[family_type]
    bound = pattern.match(sample.series)
    if suffix == bearer and not (bound and is_number(bound[1])):
        wanted = f"this sample of a {kind} needs the label {label} with a number"
        raise Refused(Reason.TYPE_MISMATCH, wanted, number)


def _check_unique(series: bytes, number: int, seen: dict[bytes, int]) -> None:
    first = seen.setdefault(series, number)
    if first != number:
        raise _duplicate(first, number)


def _duplicate(first: int, number: int | None = None) -> Refused:
    return Refused(
        Reason.DUPLICATE_SERIES, f"the same series as in line {first}", number
    )
