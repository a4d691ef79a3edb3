"""The container's health check: ``python -m servicekit.healthcheck`` asks ``/healthz``.

Exits 0 when the service of this container is healthy, else 1 with the reasons.
"""

import http.client
import ssl
import sys
from contextlib import closing
from http import HTTPStatus
from pathlib import Path

from servicekit.web import PORT_FILE

TIMEOUT_SECONDS = 4


def main(port_file: Path = PORT_FILE) -> int:
    """Ask the service that announced its port; print what it answers."""
    try:
        status, body = _ask(port_file.read_text(encoding="ascii"))
    except (OSError, http.client.HTTPException, ValueError) as error:
        sys.stdout.write(f"no answer from the service: {error}\n")
        return 1
    sys.stdout.write(body)
    return 0 if status == HTTPStatus.OK else 1


def _ask(announced: str) -> tuple[int, str]:
    with closing(_client(announced)) as client:
        client.request("GET", "/healthz")
        response = client.getresponse()
        return response.status, response.read().decode()


def _client(announced: str) -> http.client.HTTPConnection:
    port, _, how = announced.partition(" ")
    where = "127.0.0.1", int(port)
    if how != "tls":
        return http.client.HTTPConnection(*where, timeout=TIMEOUT_SECONDS)
    # The certificate is for the name that others know this machine by.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection(*where, timeout=TIMEOUT_SECONDS, context=context)


if __name__ == "__main__":
    sys.exit(main())
