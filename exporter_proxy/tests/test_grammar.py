"""One line at a time: what costs Prometheus a scrape is refused, all else is read."""

import pytest

from exporter_proxy.exposition.grammar import Help, LineReader, Sample, Type
from exporter_proxy.exposition.rules import Rules
from exporter_proxy.refusals import Reason, Refused

ACCEPTED = [
    (b"a 1", b"a", b"1"),
    (b"a\t1", b"a", b"1"),
    (b"  a 1", b"a", b"1"),
    (b"a 1  ", b"a", b"1"),
    (b"a:b:c_9 1", b"a:b:c_9", b"1"),
    (b":a 1", b":a", b"1"),
    (b"a{} 1", b"a", b"1"),
    (b"a{ } 1", b"a", b"1"),
    (b'a{x="1"} 1', b'a{x="1"}', b"1"),
    (b'a{x="1"}1', b'a{x="1"}', b"1"),
    (b'a {x="1"} 1', b'a{x="1"}', b"1"),
    (b'a{x="1",} 1', b'a{x="1"}', b"1"),
    (b'a{ x = "1" , y = "2" , } 1', b'a{x="1",y="2"}', b"1"),
    (b'a{y="2",x="1"} 1', b'a{x="1",y="2"}', b"1"),
    (b'a{x="",y="2"} 1', b'a{y="2"}', b"1"),
    (b'a{x=""} 1', b"a", b"1"),
    (rb'a{x="\\\"\n"} 1', rb'a{x="\\\"\n"}', b"1"),
    (rb'a{x="\d"} 1', rb'a{x="\\d"}', b"1"),
    (rb'a{x="\\d"} 1', rb'a{x="\\d"}', b"1"),
    (b'a{x="}, # \t{"} 1', b'a{x="}, # \t{"}', b"1"),
    (b'a{x="\0"} 1', b'a{x="\0"}', b"1"),
    (b'a{x="\r"} 1', b'a{x="\r"}', b"1"),
    ('a{x="é☃"} 1'.encode(), 'a{x="é☃"}'.encode(), b"1"),
    (b"a 1 1712345678901", b"a", b"1"),
    (b"a 1 9223372036854775807", b"a", b"1"),
    (b"a 1 00000000000000000000001", b"a", b"1"),
    (b"a NaN", b"a", b"NaN"),
    (b"a nan", b"a", b"nan"),
    (b"a +Inf", b"a", b"+Inf"),
    (b"a -inf", b"a", b"-inf"),
    (b"a infinity", b"a", b"infinity"),
    (b"a 1e3", b"a", b"1e3"),
    (b"a -1.5E-3", b"a", b"-1.5E-3"),
    (b"a .5", b"a", b".5"),
    (b"a 5.", b"a", b"5."),
    (b"a +0", b"a", b"+0"),
    (b"a 1e308", b"a", b"1e308"),
    (b"a 1e-999", b"a", b"1e-999"),
    (b"a " + b"9" * 308, b"a", b"9" * 308),
]


@pytest.mark.parametrize(("line", "series", "value"), ACCEPTED)
def test_a_sample_is_read(line: bytes, series: bytes, value: bytes):
    sample = LineReader(Rules()).read(line)

    assert isinstance(sample, Sample)
    assert (sample.series, sample.value) == (series, value)


@pytest.mark.parametrize(("_", "series", "value"), ACCEPTED)
def test_what_was_read_reads_the_same_again(_: str, series: bytes, value: bytes):
    sample = LineReader(Rules()).read(series + b" " + value)

    assert isinstance(sample, Sample)
    assert (sample.series, sample.value) == (series, value)


REFUSED = [
    (b"hello", Reason.SYNTAX),
    (b"a", Reason.SYNTAX),
    (b"1a 1", Reason.SYNTAX),
    (b"a-b 1", Reason.SYNTAX),
    ("é 1".encode(), Reason.SYNTAX),
    (b"a{ 1", Reason.SYNTAX),
    (b"a} 1", Reason.SYNTAX),
    (b"a{,} 1", Reason.SYNTAX),
    (b'a{x="1",,} 1', Reason.SYNTAX),
    (b'a{x="1" y="2"} 1', Reason.SYNTAX),
    (b"a{x='1'} 1", Reason.SYNTAX),
    (b"a{x=1} 1", Reason.SYNTAX),
    (b'a{x="1} 1', Reason.SYNTAX),
    (rb'a{x="1\"} 1', Reason.SYNTAX),
    (b'a{a:b="1"} 1', Reason.SYNTAX),
    (b'a{9="1"} 1', Reason.SYNTAX),
    (b'a{"x"="1"} 1', Reason.SYNTAX),
    (b'{"a"} 1', Reason.SYNTAX),
    (b'{"a",x="1"} 1', Reason.SYNTAX),
    (b'{x="1"} 1', Reason.SYNTAX),
    (b"a 1 2 3", Reason.SYNTAX),
    (b'a{x="1"}', Reason.VALUE),
    (b"a ", Reason.VALUE),
    (b"a one", Reason.VALUE),
    (b"a 1bar 2", Reason.VALUE),
    (b"a 1\r", Reason.VALUE),
    (b"a 1_000", Reason.VALUE),
    (b"a 0x1p3", Reason.VALUE),
    (b"a 0x1", Reason.VALUE),
    (b"a +nan", Reason.VALUE),
    (b"a 1,5", Reason.VALUE),
    (b"a .", Reason.VALUE),
    (b"a 1e", Reason.VALUE),
    (b"a --1", Reason.VALUE),
    (b"a infinit", Reason.VALUE),
    (b"a 1e999", Reason.VALUE),
    (b"a -1e309", Reason.VALUE),
    (b"a " + b"9" * 310, Reason.VALUE),
    ("a \N{ARABIC-INDIC DIGIT ONE}".encode(), Reason.VALUE),
    ("a 1\N{NO-BREAK SPACE}".encode(), Reason.VALUE),
    (b"a 1 -5", Reason.TIMESTAMP),
    (b"a 1 1.5", Reason.TIMESTAMP),
    (b"a 1 1e3", Reason.TIMESTAMP),
    (b"a 1 9223372036854775808", Reason.TIMESTAMP),
    (b"a 1 " + b"9" * 5000, Reason.TIMESTAMP),
    (b'a 1 # {trace_id="x"} 1', Reason.SYNTAX),
    (b'a{x="1",x="2"} 1', Reason.DUPLICATE_LABEL),
    (b'a{x="",x="2"} 1', Reason.DUPLICATE_LABEL),
    (b'a{__name__="b"} 1', Reason.RESERVED_LABEL),
    (b'a{__x="b"} 1', Reason.RESERVED_LABEL),
    (b'a{x="\xff"} 1', Reason.ENCODING),
    (b'a{x="\xed\xa0\x80"} 1', Reason.ENCODING),
    (b"# HELP a \xff", Reason.ENCODING),
    (b"\0", Reason.NUL),
    (b"a\0 1", Reason.NUL),
    (b"a 1\0", Reason.NUL),
    (b'a{x="1"\0} 1', Reason.NUL),
    (b"#x\0", Reason.NUL),
    (b"# x\0", Reason.NUL),
    (b"# HELP a \0", Reason.NUL),
    (b"# TYPE a info", Reason.TYPE),
    (b"# TYPE a stateset", Reason.TYPE),
    (b"# TYPE a unknown", Reason.TYPE),
    (b"# TYPE a gaugehistogram", Reason.TYPE),
    (b"# TYPE a Counter", Reason.TYPE),
    (b"# TYPE a  counter", Reason.TYPE),
    (b"# TYPE a counter ", Reason.TYPE),
    (b"# TYPE a counter\r", Reason.TYPE),
    (b"# TYPE a ", Reason.TYPE),
    (b"# TYPE a", Reason.SYNTAX),
    (b"# TYPE ", Reason.SYNTAX),
    (b"# TYPE a-b counter", Reason.SYNTAX),
    (b'# TYPE "a" counter', Reason.SYNTAX),
    (b"# HELP ", Reason.SYNTAX),
    (b"# HELP 9 text", Reason.SYNTAX),
    (b'# HELP "a" text', Reason.SYNTAX),
]


@pytest.mark.parametrize(("line", "reason"), REFUSED)
def test_what_costs_a_scrape_is_refused(line: bytes, reason: Reason):
    with pytest.raises(Refused) as refused:
        LineReader(Rules()).read(line)

    assert refused.value.reason is reason


@pytest.mark.parametrize(
    "line", [b"", b" \t", b"#", b"# EOF", b"# UNIT a seconds", b"#HELP a", b"# \xff"]
)
def test_comments_and_empty_lines_say_nothing(line: bytes):
    assert LineReader(Rules()).read(line) is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"# HELP a Some text.", Help(b"a", b"Some text.")),
        (b"# HELP a", Help(b"a", b"")),
        (b"#\tHELP  a\ttext", Help(b"a", b"text")),
        (b"# HELP a  text ", Help(b"a", b" text ")),
        (rb"# HELP a \\ \n \d \"", Help(b"a", rb"\\ \n \\d \\" + b'"')),
        (b"# HELP a \\", Help(b"a", rb"\\")),
        (b"# TYPE a counter", Type(b"a", b"counter")),
        (b" # \t TYPE \t a untyped", Type(b"a", b"untyped")),
    ],
)
def test_metadata_is_read(line: bytes, said: Help | Type):
    assert LineReader(Rules()).read(line) == said


def test_the_rules_labels_take_the_place_of_the_body_s():
    rules = Rules(labels={b"job": b"shop", b"instance": b""})

    assert LineReader(rules).read(b'a{z="1",job="x",b="2"} 1') == Sample(
        b"a", b'a{b="2",instance="",job="shop",z="1"}', b"1"
    )
    assert LineReader(rules).read(b"a 1") == Sample(
        b"a", b'a{instance="",job="shop"}', b"1"
    )
    assert LineReader(rules).read(b'a{instance=""} 1') == Sample(
        b"a", b'a{instance="",job="shop"}', b"1"
    )


def test_an_empty_label_of_the_rules_gives_way_to_the_body_s():
    rules = Rules(labels={b"job": b"shop", b"instance": b""})

    assert LineReader(rules).read(b'a{instance="1",job="x"} 1') == Sample(
        b"a", b'a{instance="1",job="shop"}', b"1"
    )


def test_timestamps_may_be_forbidden():
    with pytest.raises(Refused) as refused:
        LineReader(Rules(timestamps="reject")).read(b"a 1 1712345678901")

    assert refused.value.reason is Reason.TIMESTAMP


@pytest.mark.parametrize(
    ("line", "allowed"),
    [
        (b'a{x="1",y="2"} 1', True),
        (b'a{x="1",y="2",z="3"} 1', False),
        (b'a{x="12345678"} 1', True),
        (b'a{x="123456789"} 1', False),
        (b'a{x="123456",y="123456"} 1', True),
        (b'a{abcdefgh="1"} 1', True),
        (b'a{abcdefghi="1"} 1', False),
    ],
)
def test_labels_have_bounds(line: bytes, allowed: bool):
    rules = Rules(max_labels=2, max_label_bytes=8)

    if allowed:
        assert LineReader(rules).read(line)
    else:
        with pytest.raises(Refused) as refused:
            LineReader(rules).read(line)
        assert refused.value.reason is Reason.LABELS
