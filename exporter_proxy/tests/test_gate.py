"""Who may do what, decided by address, login and certificate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter_proxy.config.sections import Access
from exporter_proxy.config.values import networks
from exporter_proxy.serve.access import Gate, Visitor
from exporter_proxy.tests.visiting import basic


def access(
    allow: str = "0.0.0.0/0 ::/0",
    users: tuple[str, ...] = (),
    tokens: tuple[str, ...] = (),
    *,
    certificate: bool = False,
) -> Access:
    return Access(
        allow=networks(allow),
        users=users,
        tokens=tokens,
        require_client_certificate=certificate,
    )


def denial(
    rules: Access,
    address: str = "127.0.0.1",
    authorization: str | None = None,
    *,
    certificate: bool = False,
) -> tuple[int, str] | None:
    """Return status and reason of the answer; None: let in."""
    visitor = Visitor(address, certificate, authorization)
    denied = Gate("push", rules).denial(visitor)
    return (denied.status, denied.reason) if denied else None


@pytest.mark.parametrize(
    ("allow", "address", "allowed"),
    [
        ("0.0.0.0/0 ::/0", "203.0.113.9", True),
        ("0.0.0.0/0 ::/0", "2001:db8::1", True),
        ("127.0.0.0/8 ::1", "127.1.2.3", True),
        ("127.0.0.0/8 ::1", "::1", True),
        ("127.0.0.0/8 ::1", "10.0.0.1", False),
        ("127.0.0.0/8", "::ffff:127.0.0.1", True),
        ("127.0.0.0/8", "::ffff:10.0.0.1", False),
        ("::ffff:0:0/96", "::ffff:10.0.0.1", True),
        ("10.0.0.0/8", "::1", False),
        ("fe80::/10", "fe80::1%eth0", True),
        ("10.0.0.0/8", "", False),
        ("10.0.0.0/8", "nonsense", False),
    ],
)
def test_networks_decide_by_address(allow: str, address: str, *, allowed: bool):
    expected = None if allowed else (403, "address")
    assert denial(access(allow), address) == expected


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        (None, (401, "no_login")),
        ("", (401, "no_login")),
        (basic(b"shop:secret"), None),
        (basic("böb:pä:ss".encode()), None),
        ("bAsIc   " + basic(b"shop:secret")[6:] + " ", None),
        ("Bearer t0ken", None),
        ("bearer  t0ken", None),
        (basic(b"shop:Secret"), (401, "wrong_login")),
        (basic(b"shop:"), (401, "wrong_login")),
        (basic(b"other:secret"), (401, "wrong_login")),
        (basic(b"shop"), (401, "wrong_login")),
        (basic(b"\xff\xfe:\x00"), (401, "wrong_login")),
        (basic(b"t0ken"), (401, "wrong_login")),
        ("Bearer shop:secret", (401, "wrong_login")),
        ("Bearer t0ken2", (401, "wrong_login")),
        ("Bearer", (401, "wrong_login")),
        ("Basic", (401, "wrong_login")),
        ("Basic !!!", (401, "wrong_login")),
        ("Basic \udcff", (401, "wrong_login")),
        ("Digest username=shop", (401, "wrong_login")),
        ("t0ken", (401, "wrong_login")),
    ],
)
def test_a_password_or_a_token_lets_in(
    authorization: str | None, expected: tuple[int, str] | None
):
    rules = access(users=("shop:secret", "böb:pä:ss"), tokens=("t0ken",))
    assert denial(rules, authorization=authorization) == expected


@given(st.binary().map(lambda raw: raw.decode(errors="surrogateescape")))
def test_no_header_fails_or_gets_in_by_chance(authorization: str):
    rules = access(users=("shop:secret",), tokens=("t0ken",))
    for header in (authorization, f"Basic {authorization}", f"Bearer {authorization}"):
        denied = denial(rules, authorization=header)
        assert denied in ((401, "no_login"), (401, "wrong_login"))


def test_a_certificate_may_be_required():
    rules = access(certificate=True)

    assert denial(rules) == (403, "certificate")
    assert denial(rules, certificate=True) is None


def test_everything_that_is_asked_for_is_needed():
    rules = access("10.0.0.0/8", ("a:b",), certificate=True)

    assert denial(rules, "10.0.0.1", basic(b"a:b"), certificate=True) is None
    assert denial(rules, "1.0.0.1", basic(b"a:b"), certificate=True)
    assert denial(rules, "10.0.0.1", basic(b"a:c"), certificate=True)
    assert denial(rules, "10.0.0.1", basic(b"a:b"))


def test_the_answer_names_the_key_and_how_to_log_in():
    visitor = Visitor("10.0.0.1", has_certificate=False, authorization=None)

    outside = Gate("push", access("127.0.0.0/8")).denial(visitor)
    unknown = Gate("scrape", access(users=("a:b",), tokens=("c",))).denial(visitor)

    assert outside
    assert outside.text == "10.0.0.1 is in no network of access.push.allow"
    assert unknown
    assert unknown.text == "access.scrape: a user's password or a token is needed"
    assert unknown.challenges == (
        'Basic realm="exporter_proxy", charset="UTF-8"',
        'Bearer realm="exporter_proxy"',
    )
