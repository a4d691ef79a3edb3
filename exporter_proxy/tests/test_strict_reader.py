"""The judge itself: what it takes, and what it does not."""

import pytest

from exporter_proxy.exposition.grammar import LineReader, Sample
from exporter_proxy.exposition.rules import Rules
from exporter_proxy.tests import strict_reader
from exporter_proxy.tests.test_grammar import ACCEPTED, REFUSED

GOOD = b"""# HELP h Some \\\\ text \\n more
# TYPE h histogram
h_bucket{le="1"} 1
h_bucket{le="+Inf"} 2
h_sum 3
h_count 2
# TYPE s untyped
s{x="a b",y="}\\""} -1.5e3 1712345678901
"""


def test_a_good_exposition_is_read():
    blocks = strict_reader.read(GOOD)

    assert [(block.name, block.type) for block in blocks.values()] == [
        ("h", "histogram"),
        ("s", "untyped"),
    ]
    assert blocks["s"].samples == [
        ("s", frozenset({("x", "a b"), ("y", '}"')}), -1500.0)
    ]


@pytest.mark.parametrize(("line", "series", "value"), ACCEPTED)
def test_what_we_serve_of_a_line_is_read(line: bytes, series: bytes, value: bytes):
    sample = LineReader(Rules()).read(line)

    assert isinstance(sample, Sample)
    name = series.partition(b"{")[0]
    strict_reader.read(b"# TYPE %b untyped\n%b %b\n" % (name, series, value))


@pytest.mark.parametrize(("line", "_"), REFUSED)
def test_what_costs_a_scrape_is_wrong(line: bytes, _: object):
    with pytest.raises(strict_reader.Wrong):
        strict_reader.read(b"# TYPE a untyped\n" + line + b"\n")


@pytest.mark.parametrize(
    "text",
    [
        b"a 1\n",
        b"# TYPE a untyped\na 1",
        b"# TYPE a untyped\na 1\n# TYPE b gauge\nb 1\na 2\n",
        b"# TYPE a untyped\na 1\n# TYPE a untyped\na 2\n",
        b'# TYPE a untyped\na{x="1"} 1\na{x="1"} 1\n',
        b'# TYPE a untyped\na{x=""} 1\na 1\n',
        b'# TYPE t histogram\nt_bucket{le="1"} 1\nt_bucket{le="1.0"} 1\n',
        b"# TYPE t histogram\nt_count 1\n# TYPE t_count gauge\nt_count 1\n",
        b"# HELP a x\n# TYPE b gauge\nb 1\n",
        b"# HELP a x\n",
        b"# TYPE a gauge\n\na 1\n",
        b"# TYPE a gauge\na\t1\n",
    ],
)
def test_what_is_not_one_valid_exposition_is_wrong(text: bytes):
    with pytest.raises(strict_reader.Wrong):
        strict_reader.read(text)
