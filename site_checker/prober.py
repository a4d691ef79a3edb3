"""Requests, made by libcurl: each ends within its time, whatever the site does."""

import threading
from pathlib import Path
from urllib.parse import quote, urlsplit

import certifi
import pycurl

from servicekit.metrics import VERSION
from site_checker.answer import Answer
from sites.config import Check
from sites.result import MAX_ERROR_CHARACTERS, Reason

USER_AGENT = f"belfry-site_checker/{VERSION}"

# Named in curl.h but not by pycurl. Without it a name server that does not answer holds
# the caller after its time is over, until the resolver's own time-outs have passed.
_QUICK_EXIT = 322

# https://curl.se/libcurl/c/libcurl-errors.html; the others are answers but no HTTP.
_REASONS: dict[int | str, Reason] = {
    pycurl.E_COULDNT_RESOLVE_HOST: Reason.DNS,
    pycurl.E_COULDNT_RESOLVE_PROXY: Reason.DNS,
    pycurl.E_COULDNT_CONNECT: Reason.CONNECT,
    pycurl.E_OPERATION_TIMEDOUT: Reason.TIMEOUT,
    pycurl.E_GOT_NOTHING: Reason.CONNECTION_LOST,
    pycurl.E_PARTIAL_FILE: Reason.CONNECTION_LOST,
    pycurl.E_RECV_ERROR: Reason.CONNECTION_LOST,
    pycurl.E_SEND_ERROR: Reason.CONNECTION_LOST,
    pycurl.E_SSL_CONNECT_ERROR: Reason.TLS,
    pycurl.E_PEER_FAILED_VERIFICATION: Reason.TLS,
    pycurl.E_SSL_CERTPROBLEM: Reason.TLS,
    pycurl.E_SSL_CIPHER: Reason.TLS,
    pycurl.E_SSL_CACERT_BADFILE: Reason.TLS,
    pycurl.E_SSL_SHUTDOWN_FAILED: Reason.TLS,
    pycurl.E_SSL_ISSUER_ERROR: Reason.TLS,
    pycurl.E_SSL_INVALIDCERTSTATUS: Reason.TLS,
}


class Prober(threading.local):
    """Makes requests, each on a new connection; every thread has its own handle."""

    def __init__(self, ca_bundle: Path | None) -> None:
        self._ca_bundle = str(ca_bundle or certifi.where())
        self._curl = pycurl.Curl()

    def get(self, check: Check) -> Answer:
        """Request the page; a redirect is an answer, and is not followed."""
        body = _Body(check.max_body_bytes)
        failure, error = None, ""
        self._prepare(check, body)
        try:
            self._curl.perform()
        except pycurl.error as problem:
            failure = _REASONS.get(problem.args[0], Reason.BAD_RESPONSE)
            error = _printable(self._curl.errstr())
        if body.too_large:
            failure = Reason.BODY_TOO_LARGE
            error = f"the body is larger than max_body_bytes, {check.max_body_bytes}"
        return Answer(
            seconds=self._curl.getinfo(pycurl.TOTAL_TIME),
            code=self._curl.getinfo(pycurl.RESPONSE_CODE) or None,
            body=bytes(body.content),
            failure=failure,
            error=error,
        )

    def _prepare(self, check: Check, body: "_Body") -> None:
        options = {
            pycurl.URL: ascii_url(check.url),
            pycurl.PROTOCOLS: pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS,
            pycurl.TIMEOUT_MS: round(check.timeout_seconds * 1000),
            pycurl.CAINFO: self._ca_bundle,
            pycurl.USERAGENT: USER_AGENT,
            pycurl.ACCEPT_ENCODING: "",  # whatever libcurl can decompress
            pycurl.WRITEFUNCTION: body.write,
            # A used connection or a remembered address would hide a site's failures.
            pycurl.FRESH_CONNECT: 1,
            pycurl.FORBID_REUSE: 1,
            pycurl.DNS_CACHE_TIMEOUT: 0,
            pycurl.NOSIGNAL: 1,
            _QUICK_EXIT: 1,
        }
        self._curl.reset()
        for option, value in options.items():
            self._curl.setopt(option, value)


class _Body:
    """Collects a body up to its largest size, and there ends the transfer."""

    def __init__(self, most_bytes: int) -> None:
        self.content = bytearray()
        self.too_large = False
        self._most_bytes = most_bytes

    def write(self, data: bytes) -> int:
        """Take the next bytes. libcurl ends the transfer when none were taken."""
        if len(self.content) + len(data) > self._most_bytes:
            self.too_large = True
            return 0
        self.content += data
        return len(data)


def ascii_url(url: str) -> str:
    """Return the URL in ASCII: IDNA in the host, percent signs in the rest."""
    parts = urlsplit(url)
    login, at, host = parts.netloc.rpartition("@")
    if not host.isascii():
        host = host.encode("idna").decode("ascii")
    return quote(
        parts._replace(netloc=f"{login}{at}{host}").geturl(),
        safe="!#$%&'()*+,/:;=?@[]~",
    )


def _printable(message: str) -> str:
    shown = "".join(
        character if character.isprintable() else "?" for character in message
    )
    return shown[:MAX_ERROR_CHARACTERS]
