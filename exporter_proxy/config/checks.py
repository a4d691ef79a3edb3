"""What only two keys together, or a key and its file, can have wrong."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from exporter_proxy.tls import ClientCertificates, server_context
from servicekit import SettingsError

if TYPE_CHECKING:
    from exporter_proxy.config.file import Config


def problems(config: "Config") -> Iterator[str]:
    """Yield a line for each; the files of ``[tls]`` are looked into if TLS is used."""
    http, tcp = config.exporter.tls, config.receiver.tls
    for section, is_required in _certificates(config).items():
        is_encrypted = tcp if section == "receiver" else http
        if is_required and not is_encrypted:
            key = "receiver.tls" if section == "receiver" else "exporter.tls"
            yield f"{section}.require_client_certificate: needs {key} = true"
    if http or tcp:
        wanted: ClientCertificates = (
            "optional" if any(_certificates(config).values()) else "none"
        )
        try:
            server_context(config.tls, wanted)
        except SettingsError as error:
            yield from error.problems


def _certificates(config: "Config") -> dict[str, bool]:
    """Return for each section whether it requires clients to show certificates."""
    return {
        "receiver": config.receiver.require_client_certificate,
        "access.push": config.access_push.require_client_certificate,
        "access.scrape": config.access_scrape.require_client_certificate,
        "access.admin": config.access_admin.require_client_certificate,
    }
