"""Who may do what over HTTP: decided alone, and seen by real clients."""

import base64
import http.client
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Gauge, push_to_gateway
from prometheus_client.exposition import basic_auth_handler, tls_auth_handler

from exporter_proxy.config import Config, read
from exporter_proxy.config.sections import Access
from exporter_proxy.config.values import networks
from exporter_proxy.serve.access import Gate, Visitor
from exporter_proxy.serve.route import Route
from exporter_proxy.tests.certificates import Authority, Pair
from exporter_proxy.tests.running import Start
from exporter_proxy.tests.serving import Serving, serving
from exporter_proxy.tls import server_context
from exporter_proxy.told import TOLD_AT_ONCE, Told


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


def basic(login: bytes) -> str:
    return f"Basic {base64.b64encode(login).decode()}"


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
    ("path", "site", "status"),
    [
        ("/push", "cross-site", 403),
        ("/push", "same-site", 403),
        ("/push", "same-origin", 200),
        ("/push", "none", 200),
        ("/push", None, 200),
        ("/apps", "cross-site", 200),
    ],
)
def test_pages_of_other_sites_can_only_look(
    start: Start, path: str, site: str | None, status: int
):
    connection = http.client.HTTPConnection("127.0.0.1", start("").http_port, timeout=5)
    body = b'{"shop": "a 1"}' if path == "/push" else None
    method = "POST" if body else "GET"
    connection.request(method, path, body, {"Sec-Fetch-Site": site} if site else {})

    assert connection.getresponse().status == status
    connection.close()


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


def test_the_same_news_is_told_once_a_minute():
    now = 0.0
    told = Told(lambda: now)

    assert [told.is_due("a"), told.is_due("a"), told.is_due("b")] == [True, False, True]
    now = 59.9
    assert not told.is_due("a")
    now = 60
    assert told.is_due("a")


def test_very_much_news_is_neither_kept_nor_told():
    now = 0.0
    told = Told(lambda: now)

    assert sum(map(told.is_due, range(5 * TOLD_AT_ONCE))) == TOLD_AT_ONCE
    now = 60
    assert told.is_due("something else")


async def length(request: web.Request) -> web.Response:
    """Answer with the number of bytes that were sent."""
    return web.Response(text=f"{len(await request.read())}\n")


ROUTES = (
    Route("GET", "/metrics", length, "scrape"),
    Route("PUT", "/metrics/job/{job}", length, "push"),
    Route("POST", "/metrics/job/{job}", length, "push"),
    Route("DELETE", "/metrics/job/{job}", length, "admin"),
    Route("GET", "/healthz", length, "open"),
)


def configured(folder: Path, text: str) -> Config:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return read(path)


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Serving]:
    """Serve with a password to push, a token to scrape, and nobody to administer."""
    passwords = tmp_path / "passwords"
    passwords.write_text("shop:secret other:word\n")
    config = configured(
        tmp_path,
        f'access.push.users_file = "{passwords}"\n'
        'access.scrape.tokens = ["t0ken"]\n'
        'access.admin.allow = ["192.0.2.0/24"]\n',
    )
    with serving(config, ROUTES) as server:
        yield server


def run_curl(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["curl", "-sS", "-m", "10", *arguments]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=20
    )


def curl(url: str, *options: str) -> tuple[int, str]:
    """Return status and body."""
    done = run_curl("-w", "%{stderr}%{http_code}", *options, url)
    assert done.stderr.isdigit(), done.stderr
    return int(done.stderr), done.stdout


def test_each_role_is_let_in_by_its_own_section(closed: Serving):
    url = f"http://127.0.0.1:{closed.port}"
    push, token = f"{url}/metrics/job/shop", "Authorization: Bearer t0ken"
    some = ("--data-binary", "shop_a 1")

    assert curl(push, "--user", "shop:secret", *some) == (200, "8\n")
    assert curl(push, "--user", "other:word", "-X", "PUT", *some) == (200, "8\n")
    assert curl(push, "--user", "shop:wrong", *some)[0] == 401
    assert curl(push, "-H", token, *some)[0] == 401
    assert curl(f"{url}/metrics", "-H", token) == (200, "0\n")
    assert curl(f"{url}/metrics", "-H", token, "--head")[0] == 200
    assert curl(f"{url}/metrics", "--user", "shop:secret")[0] == 401
    assert curl(f"{url}/metrics", "--head")[0] == 401
    assert curl(push, "--user", "shop:secret", "-X", "DELETE") == (
        403,
        "127.0.0.1 is in no network of access.admin.allow\n",
    )
    assert curl(f"{url}/healthz") == (200, "0\n")
    assert curl(f"{url}/nowhere")[0] == 404
    assert curl(push, "--user", "shop:secret", "-X", "PATCH")[0] == 405


def test_the_challenge_is_one_that_clients_understand(closed: Serving):
    head = closed.ask("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert head.startswith("HTTP/1.1 401 Unauthorized\r\n")
    assert '\r\nWWW-Authenticate: Bearer realm="exporter_proxy"\r\n' in head

    # --anyauth asks without a password first, and then by what the challenge says.
    url = f"http://127.0.0.1:{closed.port}/metrics/job/shop"
    assert curl(url, "--anyauth", "--user", "shop:secret", "-d", "a 1") == (200, "3\n")


def test_denials_are_counted_and_logged_without_what_was_sent(
    closed: Serving, caplog: pytest.LogCaptureFixture
):
    for _ in range(3):
        closed.ask(
            "PUT /metrics/job/shop HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            f"Authorization: {basic(b'shop:guess')}\r\n\r\n"
        )

    assert closed.counted("denied_requests_total", role="push", reason="wrong_login")
    assert (
        caplog.text.count("denied role=push reason=wrong_login client=127.0.0.1") == 1
    )
    for secret in ("guess", basic(b"shop:guess"), "secret", "t0ken"):
        assert secret not in caplog.text


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic %",
        "Basic \xff\xfe",
        "Bearer \xff",
        "x" * 8000,
        "Bearer t0ken\r\nAuthorization: Bearer t0ken",
    ],
)
def test_a_malformed_header_is_answered_like_a_wrong_password(
    closed: Serving, header: str
):
    answer = closed.ask(
        "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Authorization: {header}\r\n\r\n"
    )

    # Some of them are no HTTP to begin with.
    assert answer.split()[1] in ("400", "401")


def test_whoever_may_not_is_told_before_the_body_is_sent(closed: Serving):
    with closed.connect() as client:
        client.sendall(
            b"PUT /metrics/job/shop HTTP/1.1\r\nHost: x\r\n"
            b"Content-Length: 1000000000\r\nExpect: 100-continue\r\n\r\n"
        )
        assert client.recv(1000).startswith(b"HTTP/1.1 401 ")
    with closed.connect() as client:
        client.sendall(
            b"PUT /metrics/job/shop HTTP/1.1\r\nHost: x\r\n"
            b"Content-Length: 1000000000\r\n\r\nsome of it"
        )
        assert client.recv(1000).startswith(b"HTTP/1.1 401 ")


def test_whoever_may_is_asked_to_go_on_with_the_body(closed: Serving, tmp_path: Path):
    body = tmp_path / "body"
    body.write_bytes(b"#" * 2_000_000)
    url = f"http://127.0.0.1:{closed.port}/metrics/job/shop"
    waits = ("-H", "Expect: 100-continue", "--expect100-timeout", "5")
    send = (*waits, "--data-binary", f"@{body}")

    assert curl(url, "--user", "shop:secret", *send) == (200, "2000000\n")
    assert curl(url, "--user", "shop:wrong", *send)[0] == 401
    assert curl(url, "--user", "shop:secret", "-H", "Expect: tea", "-d", "1")[0] == 417


def registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    Gauge("shop_a", "A number", registry=registry).set(1)
    return registry


def test_prometheus_client_pushes_with_its_password(closed: Serving):
    gateway = f"127.0.0.1:{closed.port}"
    login = partial(basic_auth_handler, username="shop")

    handler = partial(login, password="secret")
    push_to_gateway(gateway, "shop", registry(), handler=handler)
    handler = partial(login, password="wrong")
    with pytest.raises(OSError, match="401"):
        push_to_gateway(gateway, "shop", registry(), handler=handler)


def test_a_new_configuration_counts_at_once(closed: Serving, tmp_path: Path):
    closed.guard.follow(configured(tmp_path, 'access.scrape.tokens = ["new"]'))
    url = f"http://127.0.0.1:{closed.port}/metrics"

    assert curl(url, "-H", "Authorization: Bearer t0ken")[0] == 401
    assert curl(url, "-H", "Authorization: Bearer new")[0] == 200


def test_an_ipv4_client_of_a_socket_for_both_is_known_by_its_ipv4_address(
    tmp_path: Path,
):
    config = configured(tmp_path, 'access.scrape.allow = ["127.0.0.0/8"]')
    request = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    with serving(config, ROUTES, host="::") as server:
        assert server.ask(request).startswith("HTTP/1.1 200 ")
        refused = server.ask(request, host="::1")

    assert refused.startswith("HTTP/1.1 403 ")
    assert refused.endswith("::1 is in no network of access.scrape.allow\n")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def mutual(tmp_path: Path, authority: Authority) -> Iterator[Serving]:
    """Serve over TLS; pushing takes a certificate."""
    own = authority.issue("server")
    config = configured(
        tmp_path,
        "exporter.tls = true\n"
        f'tls.certificate = "{own.certificate}"\n'
        f'tls.key = "{own.key}"\n'
        f'tls.client_ca = "{authority.pair.certificate}"\n'
        "access.push.require_client_certificate = true\n",
    )
    context = server_context(config.tls, "optional")
    with serving(config, ROUTES, context=context) as server:
        yield server


def shown(pair: Pair) -> tuple[str, ...]:
    return ("--cert", str(pair.certificate), "--key", str(pair.key))


def test_a_certificate_lets_push_and_none_still_lets_scrape(
    mutual: Serving, authority: Authority
):
    trust = ("--cacert", str(authority.pair.certificate))
    url = f"https://127.0.0.1:{mutual.port}/metrics"
    push = f"{url}/job/shop"

    assert curl(url, *trust) == (200, "0\n")
    assert curl(push, *trust, *shown(authority.issue("shop")), "-d", "a 1") == (
        200,
        "3\n",
    )
    assert curl(push, *trust, "-d", "a 1") == (
        403,
        "access.push.require_client_certificate: no certificate was shown\n",
    )


def test_a_stranger_s_certificate_ends_the_handshake(
    mutual: Serving, authority: Authority, tmp_path: Path
):
    (tmp_path / "others").mkdir()
    stranger = Authority(tmp_path / "others").issue("shop")
    trust = ("--cacert", str(authority.pair.certificate))
    url = f"https://127.0.0.1:{mutual.port}/metrics"

    assert run_curl(*trust, *shown(stranger), url).returncode
    assert mutual.counted("dropped_connections_total", reason="handshake")


def test_prometheus_client_pushes_with_its_certificate(
    mutual: Serving, authority: Authority
):
    own = authority.issue("shop")

    handler = partial(
        tls_auth_handler,
        certfile=str(own.certificate),
        keyfile=str(own.key),
        cafile=str(authority.pair.certificate),
    )

    push_to_gateway(
        f"https://127.0.0.1:{mutual.port}", "shop", registry(), handler=handler
    )


def test_the_whole_proxy_takes_a_push_and_a_deletion_from_whom_may(start: Start):
    proxy = start(
        'access.push.users = ["shop:secret"]\naccess.admin.tokens = ["t0ken"]\n'
    )
    login = partial(basic_auth_handler, username="shop")
    gateway, deletes = f"127.0.0.1:{proxy.http_port}", ("-X", "DELETE")
    apps = f"http://{gateway}/apps?match=*shop*"

    with pytest.raises(OSError, match="401"):
        push_to_gateway(
            gateway, "shop", registry(), handler=partial(login, password="")
        )
    assert proxy.served() == []
    push_to_gateway(
        gateway, "shop", registry(), handler=partial(login, password="secret")
    )
    assert any('job="shop"' in line for line in proxy.served())
    assert curl(apps, *deletes)[0] == 401
    assert curl(apps, *deletes, "-H", "Authorization: Bearer t0ken")[0] == 200
    assert proxy.served() == []
