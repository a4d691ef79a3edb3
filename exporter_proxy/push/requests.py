"""What all pushes over HTTP have in common: source, wishes, answers to refusals."""

from http import HTTPStatus

from aiohttp import web

from exporter_proxy.config import Address
from exporter_proxy.config.values import Lifetime, lifetime
from exporter_proxy.refusals import Reason, Refused
from exporter_proxy.store.policies import Policy

_STATUS = {
    Reason.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Reason.CONTENT_TYPE: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Reason.FORBIDDEN: HTTPStatus.FORBIDDEN,
    Reason.TIMEOUT: HTTPStatus.REQUEST_TIMEOUT,
    Reason.CROWDED: HTTPStatus.SERVICE_UNAVAILABLE,
    Reason.TOO_MANY_APPLICATIONS: HTTPStatus.SERVICE_UNAVAILABLE,
}


def status_of(refused: Refused) -> HTTPStatus:
    """Return the status that tells a client of a refusal."""
    return _STATUS.get(refused.reason, HTTPStatus.BAD_REQUEST)


def source_of(request: web.Request) -> str:
    """Return where a request comes from."""
    peer = request.transport and request.transport.get_extra_info("peername")
    return str(Address(*peer[:2])) if isinstance(peer, tuple) else "http"


def lifetime_of(request: web.Request) -> Lifetime | None:
    """Return what the parameter ``ttl`` says, if it is there. Raises Refused."""
    if not request.query_string or "ttl" not in request.query:
        return None
    try:
        return lifetime(request.query["ttl"])
    except ValueError as error:
        raise Refused(Reason.LIFETIME, f"ttl: expected {error}") from None


def check_may_push(policy: Policy) -> None:
    """Raise Refused when an application may not be pushed over HTTP."""
    if policy.user_ids is not None:
        what = "only certain users may push this, through the Unix socket"
        raise Refused(Reason.FORBIDDEN, what)
