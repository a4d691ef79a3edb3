"""TLS for servers, and a line for everything that can be wrong with its files."""

import socket
import ssl
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from exporter_proxy.config.sections import Tls
from exporter_proxy.tests.certificates import Authority, Pair
from exporter_proxy.tls import ClientCertificates, server_context
from servicekit import SettingsError


def of(
    pair: Pair | None, key: Path | None = None, client_ca: Path | None = None
) -> Tls:
    """Return the section for a certificate, its own key unless another is given."""
    if pair is None:
        return Tls(certificate=None, key=None, client_ca=client_ca)
    return Tls(certificate=pair.certificate, key=key or pair.key, client_ca=client_ca)


def greeted(server: ssl.SSLContext, client: ssl.SSLContext) -> bytes:
    """Return what a client reads from a server; "" if either turns the other down."""
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with ours:
            try:
                with server.wrap_socket(ours, server_side=True) as connection:
                    connection.sendall(b"hello")
            except OSError:
                pass

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with theirs, client.wrap_socket(theirs, server_hostname="localhost") as safe:
            return safe.recv(100)
    except OSError:
        return b""
    finally:
        thread.join()


def client_context(authority: Authority, own: Pair | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority.pair.certificate))
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if own:
        context.load_cert_chain(own.certificate, own.key)
    return context


def test_a_client_that_trusts_the_authority_is_served(authority: Authority):
    server = server_context(of(authority.issue("server")))

    assert greeted(server, client_context(authority)) == b"hello"
    assert server.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_the_key_may_stand_in_the_certificate_s_file(authority: Authority):
    pair = authority.issue("server")
    pair.certificate.write_bytes(pair.certificate.read_bytes() + pair.key.read_bytes())

    server = server_context(Tls(certificate=pair.certificate, key=None, client_ca=None))

    assert greeted(server, client_context(authority)) == b"hello"


@pytest.mark.parametrize(
    ("demand", "own", "answer"),
    [
        ("required", "client", b"hello"),
        ("required", None, b""),
        ("required", "stranger", b""),
        ("optional", "client", b"hello"),
        ("optional", None, b"hello"),
        ("optional", "stranger", b""),
        ("none", "stranger", b"hello"),
    ],
)
def test_clients_show_certificates_where_these_are_asked_for(
    authority: Authority,
    tmp_path: Path,
    demand: ClientCertificates,
    own: str | None,
    answer: bytes,
):
    others = Authority(tmp_path, "others")
    shown = {
        "client": authority.issue("client"),
        "stranger": others.issue("stranger"),
    }
    tls = of(authority.issue("server"), client_ca=authority.pair.certificate)
    server = server_context(tls, demand)

    client = client_context(authority, shown[own] if own else None)

    assert greeted(server, client) == answer


def problem(tls: Tls, demand: ClientCertificates = "none") -> str:
    with pytest.raises(SettingsError) as error:
        server_context(tls, demand)
    (line,) = error.value.problems
    return str(line)


def test_what_is_not_given_is_named(authority: Authority):
    assert problem(of(None)) == "tls.certificate: needed wherever tls = true"
    assert problem(of(authority.issue("a")), "required") == (
        "tls.client_ca: needed wherever clients must show a certificate"
    )


def test_files_that_cannot_be_read_are_named(authority: Authority, tmp_path: Path):
    pair, away = authority.issue("server"), tmp_path / "away"
    what = f"{away}: cannot read it: No such file or directory"

    assert problem(of(Pair(away, pair.key))) == f"tls.certificate: {what}"
    assert problem(of(pair, key=away)) == f"tls.key: {what}"
    assert problem(of(pair, client_ca=away), "optional") == f"tls.client_ca: {what}"


def test_files_with_something_else_are_named(authority: Authority, tmp_path: Path):
    pair, other = authority.issue("server"), tmp_path / "other"
    other.write_text("something else\n")

    assert problem(of(Pair(other, pair.key))) == (
        f"tls.certificate: {other} and {pair.key}: "
        "expected a certificate and its key, both in PEM"
    )
    assert problem(of(pair, key=other)) == (
        f"tls.key: {other}: expected a private key in PEM"
    )
    assert problem(of(pair, client_ca=other), "required") == (
        f"tls.client_ca: {other}: expected certificates in PEM"
    )


def test_the_key_of_another_certificate_is_named(authority: Authority):
    pair, other = authority.issue("server"), authority.issue("other")

    assert problem(of(pair, key=other.key)) == (
        f"tls.key: {other.key}: not the key of the certificate {pair.certificate}"
    )


def test_an_encrypted_key_is_named_instead_of_asking_for_its_password(
    authority: Authority,
):
    pair = authority.issue("server")
    key = serialization.load_pem_private_key(pair.key.read_bytes(), None)
    pair.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )

    assert problem(of(pair)) == (
        f"tls.key: {pair.key}: expected a key that is not encrypted"
    )
