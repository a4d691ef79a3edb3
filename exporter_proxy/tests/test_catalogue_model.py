"""Whatever several applications send, in any order and under any policy."""

from collections.abc import Sequence

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families as plain_reader

from exporter_proxy.config.sections import Exposition
from exporter_proxy.exposition.family import Family, Shape
from exporter_proxy.store.catalogue import Catalogue
from exporter_proxy.tests.merging import exposition, read_strictly
from exporter_proxy.tests.merging_model import SCALARS, Made, MadeFamily, Model

APPLICATIONS = ("a", "b", '/job/"c"')

POLICIES = st.builds(
    exposition,
    type_conflict=st.sampled_from(["leave_out", "first", "untyped"]),
    duplicate_series=st.sampled_from(["first", "last", "sum", "max", "min", "avg"]),
    app_label=st.sampled_from(["never", "collision"]),
    timestamps=st.just("keep"),
)

# Few of each, so that clashes are frequent.
LABELS = st.sampled_from(
    [
        (),
        (("app", "a"),),
        (("app", "b"), ("zone", "1")),
        (("path", r"x=\"1\"} 2 {,le=\"3\""),),
        (("a", "1"), ("instance", "")),
        (("instance", ""),),
        (("a", "1"),),
    ]
)
VALUES = st.sampled_from(["1", "2", "2.5", "1e3", "0", "-3", "NaN", "+Inf", "-Inf"])
COUNTS = st.lists(st.integers(0, 3), min_size=2, max_size=2)
TIMES = st.sampled_from(["", "", "1700000000123"])
HELPS = st.sampled_from(["", "", "Jobs run", r'With "quotes", \\ and \n'])
BOUNDS = st.sampled_from([("1", "+Inf"), ("1.0", "+Inf"), ("2", "+Inf"), ("1", "2")])


@st.composite
def scalars(draw: st.DrawFn, name: str) -> MadeFamily:
    samples = draw(
        st.lists(
            st.builds(Made, st.just(""), LABELS, st.none(), VALUES, TIMES),
            min_size=1,
            max_size=4,
            unique_by=lambda sample: sample.metric(scalar=True),
        )
    )
    family_type = draw(st.sampled_from(SCALARS))
    return MadeFamily(name, family_type, draw(HELPS), tuple(samples))


@st.composite
def histograms(draw: st.DrawFn, name: str) -> MadeFamily:
    samples: list[Made] = []
    for labels in draw(distinct_labels()):
        low, high = draw(COUNTS)
        first, last = draw(BOUNDS)
        samples += [
            Made("_bucket", labels, ("le", first), str(low)),
            Made("_bucket", labels, ("le", last), str(low + high)),
            Made("_sum", labels, None, draw(VALUES)),
            Made("_count", labels, None, str(low + high)),
        ]
    return MadeFamily(name, "histogram", draw(HELPS), tuple(samples))


@st.composite
def summaries(draw: st.DrawFn, name: str) -> MadeFamily:
    samples: list[Made] = []
    for labels in draw(distinct_labels()):
        samples.append(Made("", labels, ("quantile", "0.5"), draw(VALUES)))
        if draw(st.booleans()):
            samples.append(Made("_count", labels, None, "3"))
    return MadeFamily(name, "summary", draw(HELPS), tuple(samples))


def distinct_labels() -> st.SearchStrategy[list[tuple[tuple[str, str], ...]]]:
    return st.lists(
        LABELS,
        min_size=1,
        max_size=2,
        unique_by=lambda labels: tuple(pair for pair in labels if pair[1]),
    )


# t also owns t_count and t_sum when it is a histogram.
BODIES = st.one_of(
    st.tuples(scalars("t"), scalars("t_count"), scalars("u_total")),
    st.tuples(scalars("u_total"), scalars("t")),
    st.tuples(histograms("t"), scalars("u_total")),
    st.tuples(histograms("t"), histograms("u_total")),
    st.tuples(summaries("t")),
    st.tuples(scalars("t_sum"), scalars("u_total")),
    st.tuples(scalars("t_created"), histograms("h")),
    st.tuples(scalars("t")),
    st.just(()),
)


class Merging(RuleBasedStateMachine):
    """Applications send, stop and change; the catalogue says what the model says."""

    @initialize(policy=POLICIES)
    def begin(self, policy: Exposition):
        self.catalogue = Catalogue(policy)
        self.model = Model(policy)
        self.shapes: dict[object, Shape] = {}
        self.before = self.catalogue.version, self.catalogue.text()

    @rule(application=st.sampled_from(APPLICATIONS), body=BODIES)
    def send(self, application: str, body: Sequence[MadeFamily]):
        self.replace(application, body)

    @rule(
        application=st.sampled_from(APPLICATIONS), values=st.lists(VALUES, min_size=1)
    )
    def send_again_with_other_values(self, application: str, values: list[str]):
        sent = [
            self.model.sent[key] for key in self.model.sent if key[0] == application
        ]
        self.replace(application, [_changed(family, values) for family in sent])

    def replace(self, application: str, body: Sequence[MadeFamily]) -> None:
        families = tuple(self.family(application, family) for family in body)
        self.catalogue.replace(application, families)
        self.model.replace(application, body)
        assert self.catalogue.families(application) == families

    def family(self, application: str, made: MadeFamily) -> Family:
        """Return what a reader would; the shape is another one when series differ."""
        series = tuple(sample._replace(value="", time="") for sample in made.samples)
        timed = any(sample.time for sample in made.samples)
        shape = self.shapes.setdefault(
            (application, made.name, made.type, series, timed),
            Shape(len(series), timed=timed),
        )
        lines = "".join(f"{sample.line(made.name)}\n" for sample in made.samples)
        return Family(
            made.name.encode(),
            made.type.encode(),
            made.help.encode(),
            lines.encode(),
            shape,
        )

    @invariant()
    def it_says_what_the_model_says(self):
        assert self.catalogue.text().decode() == self.model.text()
        for app in APPLICATIONS:
            waiting = sorted(name for who, name in self.model.waiting if who == app)
            assert self.catalogue.left_out_families(app) == tuple(waiting)
            left_out = self.model.left_out.get(app, 0)
            assert self.catalogue.left_out_series(app) == left_out

    @invariant()
    def what_changes_has_another_version(self):
        version, text = self.before
        self.before = self.catalogue.version, self.catalogue.text()
        assert self.before == (version, text) or self.before[0] > version

    @invariant()
    def it_is_one_valid_exposition(self):
        text = self.catalogue.text().decode()
        families = list(plain_reader(text))
        heads = [line for line in text.splitlines() if line.startswith("# TYPE ")]
        assert len(families) == len(heads)  # so each is there once, in one piece
        assert len(_series(families)) == sum(
            not line.startswith("#") for line in text.splitlines()
        )

    @invariant()
    def in_open_metrics_it_is_the_same_or_nothing(self):
        text = self.catalogue.open_metrics()
        if text is not None:
            families = read_strictly(text)
            plain = list(plain_reader(self.catalogue.text().decode()))
            assert _series(families) == _series(plain)
            assert [family.type for family in families] == [
                family.type for family in plain
            ]


Merging.TestCase.settings = settings(max_examples=200, stateful_step_count=12)
TestMerging = Merging.TestCase


def _changed(family: MadeFamily, values: list[str]) -> MadeFamily:
    if family.type not in SCALARS:
        return family
    samples = (
        sample._replace(value=values[number % len(values)])
        for number, sample in enumerate(family.samples)
    )
    return family._replace(samples=tuple(samples))


def _series(families: list[Metric]) -> dict[object, str]:
    """Return the value of each series, which are told apart as Prometheus does."""
    return {
        (
            sample.name,
            frozenset(
                (key, str(float(text)) if key in ("le", "quantile") else text)
                for key, text in sample.labels.items()
                if text
            ),
        ): f"{sample.value} {float(sample.timestamp) if sample.timestamp else ''}"
        for family in families
        for sample in family.samples
    }
