"""Server side TLS, as the section ``[tls]`` says: HTTP and the TCP socket share it."""

import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from servicekit import SettingsError

if TYPE_CHECKING:  # the configuration is checked with what is here
    from exporter_proxy.config.sections import Tls

type ClientCertificates = Literal["none", "optional", "required"]

_DEMANDS: dict[ClientCertificates, ssl.VerifyMode] = {
    "none": ssl.CERT_NONE,
    "optional": ssl.CERT_OPTIONAL,
    "required": ssl.CERT_REQUIRED,
}


def server_context(
    tls: "Tls", client_certificates: ClientCertificates = "none"
) -> ssl.SSLContext:
    """Return what a server needs: TLS 1.2 or newer, and its certificate.

    client_certificates: whether clients are asked for one; one that is shown must be
        vouched for by ``tls.client_ca``.
    Raises SettingsError, which names every key and file that is wrong.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    loads = [_load_certificate]
    if client_certificates != "none":
        loads.append(_load_client_ca)
        context.verify_mode = _DEMANDS[client_certificates]
    problems: list[str] = []
    for load in loads:
        try:
            load(context, tls)
        except SettingsError as error:
            problems.extend(error.problems)
    if problems:
        raise SettingsError(problems)
    return context


def _load_certificate(context: ssl.SSLContext, tls: "Tls") -> None:
    """Take certificate and key; the key may stand in the certificate's file."""
    if tls.certificate is None:
        raise SettingsError(["tls.certificate: needed wherever tls = true"])
    _check_readable("tls.certificate", tls.certificate)
    key = tls.key or tls.certificate
    key_name = "tls.key" if tls.key else "tls.certificate"
    _check_key(key_name, key)
    try:
        context.load_cert_chain(tls.certificate, key)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise _problem(
                "tls.key", key, f"not the key of the certificate {tls.certificate}"
            ) from error
        wanted = "expected a certificate and its key, both in PEM"
        files = f"{tls.certificate} and {key}"
        raise SettingsError([f"tls.certificate: {files}: {wanted}"]) from error


def _load_client_ca(context: ssl.SSLContext, tls: "Tls") -> None:
    client_ca = tls.client_ca
    if client_ca is None:
        raise SettingsError(
            ["tls.client_ca: needed wherever clients must show a certificate"]
        )
    _check_readable("tls.client_ca", client_ca)
    try:
        context.load_verify_locations(client_ca)
    except ssl.SSLError as error:
        raise _problem(
            "tls.client_ca", client_ca, "expected certificates in PEM"
        ) from error


def _check_key(name: str, path: Path) -> None:
    """Raise SettingsError for a key that OpenSSL would ask a password for."""
    text = _check_readable(name, path)
    if b"PRIVATE KEY-----" not in text:
        raise _problem(name, path, "expected a private key in PEM")
    if b"ENCRYPTED" in text:
        raise _problem(name, path, "expected a key that is not encrypted")


def _check_readable(name: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        what = error.strerror or "not readable"
        raise _problem(name, path, f"cannot read it: {what}") from error


def _problem(name: str, path: Path, what: str) -> SettingsError:
    return SettingsError([f"{name}: {path}: {what}"])
