from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter_proxy.push.groups import group_of
from exporter_proxy.refusals import Reason, Refused

# A path, the name that its group goes by, and its labels.
TAKEN = [
    ("/metrics/job/shop", "/job/shop", {"job": "shop"}),
    ("/metrics/job/shop/", "/job/shop", {"job": "shop"}),
    (
        "/metrics/job/shop/instance/a/b/c",
        "/job/shop/b/c/instance/a",
        {"job": "shop", "b": "c", "instance": "a"},
    ),
    ("/metrics/job@base64/YS9i", "/job/a%2Fb", {"job": "a/b"}),
    ("/metrics/job@base64/YQ", "/job/a", {"job": "a"}),
    ("/metrics/job@base64/YQ==", "/job/a", {"job": "a"}),
    ("/metrics/job/a%2Fb", "/job/a%2Fb", {"job": "a/b"}),
    ("/metrics/job/a/x@base64/=", "/job/a/x@base64/=", {"job": "a", "x": ""}),
    ("/metrics/job/a/x@base64/", "/job/a/x@base64/=", {"job": "a", "x": ""}),
    ("/metrics/job/a/x/", "/job/a/x@base64/=", {"job": "a", "x": ""}),
    (
        "/metrics/job/titan/name/%CE%A0%CF%81%CE%BF",
        "/job/titan/name/%CE%A0%CF%81%CE%BF",
        {"job": "titan", "name": "Προ"},
    ),
    (
        "/metrics/job/titan/name/Π",
        "/job/titan/name/%CE%A0",
        {"job": "titan", "name": "Π"},
    ),
    ("/metrics/job/a+b", "/job/a%2Bb", {"job": "a+b"}),
    ("/metrics/job/a%20b", "/job/a%20b", {"job": "a b"}),
    ("/metrics/job/a%0Ab", "/job/a%0Ab", {"job": "a\nb"}),
    ("/metrics/job/job@base64", "/job/job%40base64", {"job": "job@base64"}),
]

REFUSED = [
    ("/metrics/job/", "the job's name is missing"),
    ("/metrics/job@base64/=", "the job's name is missing"),
    ("/metrics/job/a/x", "the label x has no value"),
    ("/metrics/job/a/x//y/z", "an empty value is written x@base64/="),
    ("/metrics/job/a/x/1/x/2", "the label x is given twice"),
    ("/metrics/job/a/job/b", "the label job is given twice"),
    ("/metrics/job/a/x@base64/MQ/x/2", "the label x is given twice"),
    ("/metrics/job/a/1x/y", "not a label's name: '1x'"),
    ("/metrics/job/a//y", "not a label's name: ''"),
    ("/metrics/job/a/__x/y", 'label names that start with "__" are reserved: __x'),
    (
        "/metrics/job/a/U__a_2e_b/y",
        "the label U__a_2e_b stands for a UTF-8 name, and those are not taken",
    ),
    ("/metrics/job/a/x/%FF", "the value of x is not valid UTF-8"),
    ("/metrics/job/a/x/\udcff", "the value of x is not valid UTF-8"),
    ("/metrics/job/a/x@base64/_w", "the value of x is not valid UTF-8"),
    ("/metrics/job@base64/@@", "the value of job is not URL-safe base64"),
    ("/metrics/job@base64/a+b_", "the value of job is not URL-safe base64"),
    ("/metrics/job@base64/a", "the value of job is not URL-safe base64"),
    ("/metrics/job@base64/a=b", "the value of job is not URL-safe base64"),
    ("/metrics/job/a%zz", "expected two hexadecimal digits after each %: a%zz"),
]


@pytest.mark.parametrize(("path", "name", "labels"), TAKEN)
def test_a_path_says_name_and_labels(path: str, name: str, labels: dict[str, str]):
    group = group_of(path)

    assert group.name == name
    assert list(group.labels.items()) == list(labels.items())
    assert group.series_labels == {"instance": "", **labels}


@pytest.mark.parametrize(("path", "why"), REFUSED)
def test_a_wrong_path_is_told_why(path: str, why: str):
    with pytest.raises(Refused) as refused:
        group_of(path)

    assert (refused.value.reason, str(refused.value)) == (Reason.GROUP, why)


def test_labels_in_another_order_are_the_same_group():
    assert group_of("/metrics/job/a/x/1/y/2") == group_of("/metrics/job/a/y/2/x/1")


_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(_TEXT.filter(bool), _TEXT)
def test_a_group_s_name_leads_to_it(job: str, value: str):
    """What /apps shows can be deleted by that name."""
    path = f"/metrics/job/{quote(job, safe='')}/x/{quote(value, safe='')}"

    group = group_of(path)

    assert group.labels == {"job": job, "x": value}
    assert group_of(f"/metrics{group.name}") == group


@given(st.text())
def test_any_path_is_a_group_or_refused(rest: str):
    with suppress(Refused):
        group = group_of(f"/metrics/job/{rest}")
        assert group_of(f"/metrics{group.name}") == group
