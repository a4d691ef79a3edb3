"""What a catalogue should serve, worked out anew each time and without any thrift.

It knows samples as they were made up by a test, and never takes a line apart.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import inf, isnan
from typing import NamedTuple

from exporter_proxy.config.sections import Exposition

SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}
SCALARS = ("counter", "gauge", "untyped")


class Made(NamedTuple):
    """A sample; labels and bound as they are written, sorted by name."""

    suffix: str
    labels: tuple[tuple[str, str], ...]
    bound: tuple[str, str] | None
    value: str
    time: str = ""

    def line(self, name: str, more: tuple[tuple[str, str], ...] = ()) -> str:
        labels = {**dict(self.labels), **dict(more)}
        if self.bound:
            labels[self.bound[0]] = self.bound[1]
        inside = ",".join(sorted(f'{key}="{text}"' for key, text in labels.items()))
        series = name + self.suffix + (f"{{{inside}}}" if inside else "")
        return " ".join(filter(None, (series, self.value, self.time)))

    def metric(self, scalar: bool) -> object:
        """Return what copies of one metric have in common."""
        kept = frozenset((key, text) for key, text in self.labels if text)
        return kept, (self.bound if scalar else None)

    def series(self) -> object:
        """Return what tells a metric's samples apart."""
        bound = self.bound and float(self.bound[1])
        return self.suffix, self.metric(scalar=False), bound


class MadeFamily(NamedTuple):
    name: str
    type: str
    help: str
    samples: tuple[Made, ...]

    def text(self) -> str:
        head = f"# HELP {self.name} {self.help}\n" if self.help else ""
        lines = "".join(f"{sample.line(self.name)}\n" for sample in self.samples)
        return f"{head}# TYPE {self.name} {self.type}\n{lines}"

    def metrics(self) -> dict[object, list[Made]]:
        found: dict[object, list[Made]] = {}
        for sample in self.samples:
            key = sample.metric(self.type in SCALARS)
            found.setdefault(key, []).append(sample)
        return found


class Model:
    """The same promises as Catalogue's, kept in the simplest way."""

    def __init__(self, policy: Exposition) -> None:
        self.policy = policy
        self.sent: dict[tuple[str, str], MadeFamily] = {}
        self.served: list[tuple[str, str]] = []
        self.waiting: list[tuple[str, str]] = []
        self.claims: dict[str, dict[object, list[str]]] = {}
        self.turns: dict[str, int] = {}
        self.left_out: dict[str, int] = {}

    def replace(self, app: str, families: Sequence[MadeFamily]) -> None:
        self.turns[app] = max(self.turns.values(), default=0) + 1
        new = {family.name: family for family in families}
        for who, name in tuple(self.sent):
            if who == app and not (
                name in new and self.kind(new[name]) == self.kind(self.sent[who, name])
            ):
                self.remove((who, name))
        for offer in tuple(self.waiting):
            self.waiting.remove(offer)
            self.put(offer)
        for name, family in new.items():
            known = (app, name) in self.sent
            self.sent[app, name] = family
            if not known:
                self.put((app, name))
            elif (app, name) in self.served:
                self.claim(app, family)

    def remove(self, offer: tuple[str, str]) -> None:
        for offers in (self.served, self.waiting):
            if offer in offers:
                offers.remove(offer)
        self.claim(offer[0], self.sent.pop(offer)._replace(samples=()))

    def put(self, offer: tuple[str, str]) -> None:
        family = self.sent[offer]
        if any(self.clash(family, self.sent[other]) for other in self.served):
            self.waiting.append(offer)
        else:
            self.served.append(offer)
            self.claim(offer[0], family)

    def claim(self, app: str, family: MadeFamily) -> None:
        claims = self.claims.setdefault(family.name, {})
        metrics = family.metrics()
        for key, apps in tuple(claims.items()):
            if app in apps and key not in metrics:
                apps.remove(app)
                if not apps:
                    del claims[key]
        for key in metrics:
            apps = claims.setdefault(key, [])
            if app not in apps:
                apps.append(app)

    def kind(self, family: MadeFamily) -> str:
        alike = self.policy.type_conflict != "leave_out" and family.type in SCALARS
        return "scalar" if alike else family.type

    def clash(self, one: MadeFamily, two: MadeFamily) -> bool:
        if one.name == two.name:
            return self.kind(one) != self.kind(two)
        return any(
            owner.name + suffix == other.name
            for owner, other in ((one, two), (two, one))
            for suffix in SUFFIXES.get(owner.type, ())
        )

    def families(self) -> Iterator[tuple[str, list[tuple[str, MadeFamily]]]]:
        for name in sorted({name for _, name in self.served}):
            yield (
                name,
                [
                    (app, self.sent[app, name])
                    for app, served in self.served
                    if served == name
                ],
            )

    def text(self) -> str:
        self.left_out = {}
        return "".join(
            self._head(name, [family for _, family in sent])
            + "".join(f"{line}\n" for line in self._lines(name, sent))
            for name, sent in self.families()
        )

    def _head(self, name: str, families: list[MadeFamily]) -> str:
        types = {family.type for family in families}
        demoted = len(types) > 1 and self.policy.type_conflict == "untyped"
        text = next((family.help for family in families if family.help), "")
        served = "untyped" if demoted else families[0].type
        return MadeFamily(name, served, text, ()).text()

    def _lines(self, name: str, sent: list[tuple[str, MadeFamily]]) -> Iterator[str]:
        by_app = dict(sent)
        for app, family in sent:
            done = set()
            for sample in family.samples:
                key = sample.metric(family.type in SCALARS)
                if key not in done:
                    done.add(key)
                    yield from self._metric(name, key, app, by_app)

    def _metric(
        self, name: str, key: object, app: str, sent: Mapping[str, MadeFamily]
    ) -> Iterator[str]:
        copies = {each: sent[each].metrics()[key] for each in self.claims[name][key]}
        own = copies[app]
        lines = [sample.line(name) for sample in own]
        if len(copies) == 1:
            yield from lines
            return
        labels = dict(own[0].labels)
        if self.policy.app_label == "collision" and not labels.get("app"):
            labelled = own[0]._replace(labels=(*own[0].labels, ("app", _escaped(app))))
            if labelled.metric(sent[app].type in SCALARS) in self.claims[name]:
                self._leave_out(app, own)
            else:
                yield from (
                    sample.line(name, (("app", _escaped(app)),)) for sample in own
                )
            return
        yield from self._decided(name, app, copies)

    def _leave_out(self, app: str, samples: Sequence[Made]) -> None:
        self.left_out[app] = self.left_out.get(app, 0) + len(samples)

    def _decided(
        self, name: str, app: str, copies: Mapping[str, list[Made]]
    ) -> Iterator[str]:
        rule, first = self.policy.duplicate_series, next(iter(copies))
        values = {
            each: {sample.series(): float(sample.value) for sample in samples}
            for each, samples in copies.items()
        }
        alike = [each for each in copies if values[each].keys() == values[first].keys()]
        if rule in ("first", "last") or len(alike) == 1:
            last = max(copies, key=lambda each: self.turns[each])
            if app == (last if rule == "last" else first):
                yield from (sample.line(name) for sample in copies[app])
            else:
                self._leave_out(app, copies[app])
        elif app == first:
            for sample in copies[first]:
                one = combined(rule, [values[each][sample.series()] for each in alike])
                yield sample._replace(value=one, time="").line(name)
        elif app not in alike:
            self._leave_out(app, copies[app])


def _escaped(text: str) -> str:
    return text.replace('"', r"\"")


def combined(rule: str, values: list[float]) -> str:
    numbers = [value for value in values if not isnan(value)]
    if rule in ("max", "min") and numbers:
        value = sorted(numbers)[-1 if rule == "max" else 0]
    elif len(numbers) < len(values) or {inf, -inf} <= set(values):
        value = float("nan")
    else:
        value = sum(values) / (len(values) if rule == "avg" else 1)
    if isnan(value):
        return "NaN"
    return {inf: "+Inf", -inf: "-Inf"}.get(value, repr(value))
