"""A body in text exposition format 0.0.4: bytes in, metric families out, or refused."""

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from exporter_proxy.exposition.family import SUFFIXES, UNTYPED, Family, Shape
from exporter_proxy.exposition.grammar import (
    Help,
    LineReader,
    Sample,
    Type,
    is_number,
)
from exporter_proxy.exposition.identity import BOUNDS, identity
from exporter_proxy.exposition.rules import RESERVED_NAMES, RESERVED_PREFIX, Rules
from exporter_proxy.exposition.skeleton import Part, Skeleton
from exporter_proxy.refusals import Reason, Refused

# Comments are kept for the next body as well; a body of little else is not worth it.
_MOST_BESIDE_SAMPLES = 20

DUPLICATE = "a series that was there before"


class Reading(NamedTuple):
    """What was read of a body: families in the order of their first samples.

    first_refusal: why the first of the dropped lines is bad.
    """

    families: tuple[Family, ...]
    dropped_lines: int = 0
    first_refusal: Refused | None = None


class Reader:
    """Reads the bodies of one application, one after another."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._skeleton: Skeleton | None = None

    def refill(self, body: bytes) -> Reading | None:
        """Return what a body says if it differs from the last one in values only."""
        if self._skeleton is None or len(body) > self._rules.max_bytes:
            return None
        families = self._skeleton.fill(_normalised(body))
        return None if families is None else Reading(families)

    def read(self, body: bytes) -> Reading:
        """Return what any body says.

        Byte order mark, carriage returns at line ends, comments and families without
        samples are dropped; the pieces of a family are put together.
        Raises Refused when anything is wrong, or drops bad lines: as the rules say. A
        body that has nothing but bad lines is refused all the same.
        """
        try:
            return self._read(body)
        except Refused as refused:
            # It and what it passed through would keep each other, and the whole body,
            # in memory until somebody looks for garbage.
            raise refused.with_traceback(None) from None

    def _read(self, body: bytes) -> Reading:
        if len(body) > self._rules.max_bytes:
            limit = self._rules.max_bytes
            raise Refused(Reason.TOO_LARGE, f"a body of more than {limit} bytes")
        text = _normalised(body)
        scan = _Scan(text, self._rules)
        parts = scan.parts()
        if scan.first_refusal and not parts:
            raise scan.first_refusal
        strip = self._rules.timestamps == "strip"
        served = sum(len(part.family.samples) for part in parts)
        self._skeleton = (
            None
            if scan.dropped_lines or len(text) > _MOST_BESIDE_SAMPLES * served
            else Skeleton.of(text, parts, scan.timed, strip)
        )
        families = tuple(part.family for part in parts)
        return Reading(families, scan.dropped_lines, scan.first_refusal)


def check_names(families: Iterable[Family]) -> None:
    """Raise Refused when a family has the name of another one's samples."""
    types = {family.name: family.type for family in families}
    for name, sample_name in _clashes(types):
        raise Refused(Reason.TYPE_CONFLICT, _clash(name, sample_name, types))


class _Scan:
    """What was read of a body so far: types are known only at its end."""

    def __init__(self, text: bytes, rules: Rules) -> None:
        self._text = text
        self._rules = rules
        self._line_reader = LineReader(rules)
        self._types: dict[bytes, bytes] = {}
        self._helps: dict[bytes, bytes] = {}
        # Each series with its value, as it follows the series in what is served.
        self._samples: dict[bytes, bytes] = {}
        self._series_bytes = 0
        self.timed = False
        self.dropped_lines = 0
        self.first_refusal: Refused | None = None
        self._read()

    def parts(self) -> list[Part]:
        """Return the families. Raises Refused."""
        places = self._places()
        series, values = list(self._samples), list(self._samples.values())
        parts = [
            Part(
                self._family(name, len(mine)),
                [series[place] for place in mine],
                _compact(mine),
            )
            for name, mine in places.items()
        ]
        return [replace(part, family=part.filled(values)) for part in parts]

    def _family(self, name: bytes, count: int) -> Family:
        family_type = self._types.get(name, UNTYPED)
        text = self._helps.get(name, b"")
        timed = self.timed and self._rules.timestamps == "keep"
        return Family(name, family_type, text, b"", Shape(count, timed=timed))

    def _read(self) -> None:
        for number, line in _lines(self._text):
            try:
                self._add(line)
            except Refused as refused:
                self._bad(refused.at(number, line))

    def _add(self, line: bytes) -> None:
        said = self._line_reader.read(line)
        if said is None or self._is_reserved(said.name):
            return
        match said:
            case Sample(_, series, value, timestamp):
                self._check_series(series)
                self.timed = self.timed or timestamp is not None
                if timestamp and self._rules.timestamps == "keep":
                    value = b"%b %b" % (value, timestamp)
                self._samples[series] = b" %b\n" % value
            case Help(name, text):
                self._helps[name] = text
            case Type(name, family_type):
                self._add_type(name, family_type)

    def _is_reserved(self, name: bytes) -> bool:
        reserved = name.startswith(RESERVED_PREFIX) or name in RESERVED_NAMES
        if reserved and not self._rules.drop_reserved:
            raise Refused(Reason.RESERVED_NAME, f"{name.decode()} is the proxy's own")
        return reserved

    def _check_series(self, series: bytes) -> None:
        if series in self._samples:
            raise Refused(Reason.DUPLICATE_SERIES, DUPLICATE)
        if len(self._samples) >= self._rules.max_series:
            limit = self._rules.max_series
            raise Refused(Reason.TOO_MANY_SERIES, f"more than {limit} series")
        # A group's labels stand at each of its series, and may be long.
        self._series_bytes += len(series)
        if self._series_bytes > self._rules.max_bytes and self._rules.labels:
            limit = self._rules.max_bytes
            what = f"more than {limit} bytes with the labels of the group"
            raise Refused(Reason.TOO_LARGE, what)

    def _add_type(self, name: bytes, family_type: bytes) -> None:
        before = self._types.setdefault(name, family_type)
        if before != family_type:
            raise Refused(
                Reason.TYPE_CONFLICT, f"the type was {before.decode()} before"
            )

    def _bad(self, refused: Refused) -> None:
        if not self._rules.drop_bad_lines:
            raise refused from None
        self.dropped_lines += 1
        self.first_refusal = self.first_refusal or refused

    def _bad_series(self, series: bytes, refused: Refused) -> None:
        """Drop a series that is wrong only in the light of the whole body."""
        if self.first_refusal is None:
            refused = refused.at(*self._line_of(series))
        self._bad(refused)
        del self._samples[series]

    def _line_of(self, series: bytes) -> tuple[int, bytes]:
        for number, line in _lines(self._text):
            said = self._line_reader.read(line)
            if isinstance(said, Sample) and said.series == series:
                return number, line
        raise LookupError(series)

    def _places(self) -> dict[bytes, list[int]]:
        """Return where the samples of each family are, bad ones dropped."""
        names = dict.fromkeys(series.partition(b"{")[0] for series in self._samples)
        families = {name: self._family_of(name) for name in names}
        self._drop_misfits(families)
        self._drop_clashes(families)
        places: dict[bytes, list[int]] = {}
        for place, series in enumerate(self._samples):
            family = families[series.partition(b"{")[0]]
            places.setdefault(family, []).append(place)
        return places

    def _family_of(self, sample_name: bytes) -> bytes:
        if sample_name in self._types:
            return sample_name
        base, underscore, word = sample_name.rpartition(b"_")
        suffixes = SUFFIXES[self._types.get(base, UNTYPED)]
        return base if underscore + word in suffixes else sample_name

    def _drop_misfits(self, families: Mapping[bytes, bytes]) -> None:
        if BOUNDS.keys().isdisjoint(self._types.values()):
            return
        seen: set[bytes] = set()
        for series in tuple(self._samples):
            sample_name = series.partition(b"{")[0]
            name = families[sample_name]
            family_type = self._types.get(name, UNTYPED)
            try:
                _check_fit(family_type, sample_name.removeprefix(name), series)
                _check_unique(identity(family_type, series), seen)
            except Refused as refused:
                self._bad_series(series, refused)

    def _drop_clashes(self, families: Mapping[bytes, bytes]) -> None:
        types = {
            name: self._types.get(name, UNTYPED)
            for name in dict.fromkeys(families.values())
        }
        for name, sample_name in tuple(_clashes(types)):
            what = _clash(name, sample_name, types)
            for series in tuple(self._samples):
                if families[series.partition(b"{")[0]] == sample_name:
                    self._bad_series(series, Refused(Reason.TYPE_CONFLICT, what))


def _normalised(body: bytes) -> bytes:
    text = body.removeprefix(b"\xef\xbb\xbf")
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").removesuffix(b"\r")
    return text if text.endswith(b"\n") else text + b"\n"


def _lines(text: bytes) -> Iterator[tuple[int, bytes]]:
    # One at a time: all lines of a large body would take several times its size.
    for number, line in enumerate(io.BytesIO(text), start=1):
        yield number, line[:-1]


def _compact(places: list[int]) -> slice | list[int]:
    first, end = places[0], places[-1] + 1
    return slice(first, end) if end - first == len(places) else places


def _clashes(types: Mapping[bytes, bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Yield each family that has samples of another family's name, with that name."""
    for name, family_type in types.items():
        for suffix in filter(None, SUFFIXES[family_type]):
            if name + suffix in types:
                yield name, name + suffix


def _clash(name: bytes, sample_name: bytes, types: Mapping[bytes, bytes]) -> str:
    owner = f"{name.decode()}, a {types[name].decode()}"
    return f"{owner}, has samples named {sample_name.decode()} itself"


def _check_fit(family_type: bytes, suffix: bytes, series: bytes) -> None:
    if family_type not in BOUNDS:
        return
    kind = family_type.decode()
    if suffix not in SUFFIXES[family_type]:
        raise Refused(Reason.TYPE_MISMATCH, f"a {kind} has no sample of this name")
    bearer, label, pattern = BOUNDS[family_type]
    bound = pattern.match(series)
    if suffix == bearer and not (bound and is_number(bound[1])):
        wanted = f"this sample of a {kind} needs the label {label} with a number"
        raise Refused(Reason.TYPE_MISMATCH, wanted)


def _check_unique(known: bytes, seen: set[bytes]) -> None:
    if known in seen:
        raise Refused(Reason.DUPLICATE_SERIES, DUPLICATE)
    seen.add(known)
