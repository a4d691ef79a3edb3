"""Pushing over HTTPS may take a certificate; others may still look."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from prometheus_client import push_to_gateway
from prometheus_client.exposition import tls_auth_handler

from exporter_proxy.tests.certificates import Authority, Pair
from exporter_proxy.tests.configuring import configured
from exporter_proxy.tests.serving import Serving, serving
from exporter_proxy.tests.visiting import ROUTES, curl, registry, run_curl
from exporter_proxy.tls import server_context


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
