import gzip
import zlib

from hypothesis import given
from hypothesis import strategies as st

from exporter_proxy.serve.segments import compress, gzipped

TEXTS = st.lists(st.binary() | st.binary(max_size=50).map(lambda text: text * 3000))


@given(texts=TEXTS)
def test_texts_that_were_compressed_apart_are_one_stream(texts: list[bytes]):
    stream = b"".join(gzipped(map(compress, texts)))

    reader = zlib.decompressobj(zlib.MAX_WBITS | 16)  # reads one member and no more
    assert reader.decompress(stream) == b"".join(texts)
    assert reader.eof
    assert reader.unused_data == b""
    assert gzip.decompress(stream) == b"".join(texts)


def test_a_compressed_text_can_be_used_again():
    first, second, third = map(compress, (b"a" * 1000, b"b 1\n", b"b 2\n"))

    assert gzip.decompress(b"".join(gzipped([first, second]))) == b"a" * 1000 + b"b 1\n"
    assert gzip.decompress(b"".join(gzipped([first, third]))) == b"a" * 1000 + b"b 2\n"


def test_metrics_become_less_than_a_sixth():
    text = b"".join(
        b'shop_orders_total{shop="%d",code="200"} %d\n' % (n, n * n)
        for n in range(9999)
    )

    assert len(compress(text).deflated) * 6 < len(text)
