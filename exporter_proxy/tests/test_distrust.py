"""What is read back is served only if a proxy can have written it."""

from dataclasses import replace

import pytest

from exporter_proxy.push.groups import PREFIX, group_of
from exporter_proxy.refusals import Refused
from exporter_proxy.store.distrust import check
from exporter_proxy.store.record import Record

SHOP = Record("shop", "json", "192.0.2.1:5", 1764000000.0, b"a 1\n")


def group(path: str) -> Record:
    known = group_of(PREFIX + path)
    return replace(SHOP, name=path, channel="http", labels=known.series_labels)


@pytest.mark.parametrize(
    "record",
    [
        SHOP,
        replace(SHOP, channel="capnp"),
        replace(SHOP, channel="poll", name="http://host:9100/metrics"),
        group("/job/shop"),
        group("/job/shop/instance/a%20b%0A"),
        group("/job/shop/x@base64/="),
    ],
)
def test_what_a_proxy_writes(record: Record):
    check(record)


@pytest.mark.parametrize(
    "record",
    [
        replace(SHOP, channel="post"),
        replace(SHOP, channel="http"),
        replace(SHOP, channel="http", name="/job"),
        replace(SHOP, name="/job/shop"),
        replace(SHOP, name="a\nb"),
        replace(SHOP, channel="poll", name="http://a/\n"),
        replace(SHOP, labels={"a b": "c"}),
        replace(group("/job/shop"), labels={"job": "shop", 'x="1"} 1\n': "y"}),
        replace(group("/job/shop"), labels={}),
        replace(group("/job/shop"), name="/job/%73hop"),
    ],
)
def test_what_no_proxy_writes(record: Record):
    with pytest.raises(Refused):
        check(record)
