"""Who may do what over HTTP, seen by real clients."""

import http.client
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from prometheus_client import push_to_gateway
from prometheus_client.exposition import basic_auth_handler

from exporter_proxy.tests.configuring import configured
from exporter_proxy.tests.running import Start
from exporter_proxy.tests.serving import Serving, serving
from exporter_proxy.tests.visiting import ROUTES, basic, curl, registry


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
