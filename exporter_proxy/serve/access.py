"""Who may push, scrape and administer over HTTP: each as its own section says."""

import base64
import hashlib
import hmac
import ipaddress
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from http import HTTPStatus
from typing import NamedTuple

from aiohttp import hdrs, web
from multidict import CIMultiDict

from exporter_proxy.config import Config
from exporter_proxy.config.sections import Access
from exporter_proxy.metrics import Metrics
from exporter_proxy.serve.route import Handler, Role, Route
from exporter_proxy.told import Told

log = logging.getLogger(__name__)


type _Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Set by browsers, and by nothing else (W3C, Fetch Metadata Request Headers).
_SITE_OF_PAGE = "Sec-Fetch-Site"


class Visitor(NamedTuple):
    """Who asks: the address, whether a valid certificate was shown, and the header.

    from_other_site: whether a browser asks, and does so for a page of somebody else.
    """

    address: str
    has_certificate: bool
    authorization: str | None
    from_other_site: bool = False


class Denial(NamedTuple):
    """Why somebody may not; the challenges say how they might."""

    status: HTTPStatus
    reason: str
    text: str
    challenges: tuple[str, ...] = ()


class Gate:
    """Decides for one role, as its section ``[access.*]`` says."""

    def __init__(self, role: Role, access: Access) -> None:
        self._role = role
        self._networks = access.allow
        self._needs_certificate = access.require_client_certificate
        self._secrets = tuple(map(_digest, _secrets(access)))
        self._challenges = tuple(_challenges(access))

    def denial(self, visitor: Visitor) -> Denial | None:
        """Return why a visitor may not do what takes this role; None: they may."""
        section = f"access.{self._role}"
        if not self._is_allowed(visitor.address):
            what = f"{visitor.address} is in no network of {section}.allow"
            return Denial(HTTPStatus.FORBIDDEN, "address", what)
        if visitor.from_other_site and self._role != "scrape":
            what = f"{section}: a page of another site may not ask for it"
            return Denial(HTTPStatus.FORBIDDEN, "site", what)
        if self._needs_certificate and not visitor.has_certificate:
            what = f"{section}.require_client_certificate: no certificate was shown"
            return Denial(HTTPStatus.FORBIDDEN, "certificate", what)
        if self._secrets and not self._knows_secret(visitor.authorization):
            reason = "wrong_login" if visitor.authorization else "no_login"
            what = f"{section}: a user's password or a token is needed"
            return Denial(HTTPStatus.UNAUTHORIZED, reason, what, self._challenges)
        return None

    def _is_allowed(self, address: str) -> bool:
        forms = _forms(address)
        return any(form in network for network in self._networks for form in forms)

    def _knows_secret(self, authorization: str | None) -> bool:
        """Compare with every secret, so that the time taken tells nothing of them."""
        shown = _digest(_presented(authorization or ""))
        known = [hmac.compare_digest(shown, secret) for secret in self._secrets]
        return any(known)


class Guard:
    """Stands before every route: lets in who may; denials are counted and logged."""

    def __init__(self, config: Config, metrics: Metrics) -> None:
        self._metrics = metrics
        self._told = Told()
        self.follow(config)

    def follow(self, config: Config) -> None:
        """Do from now on as this configuration says."""
        self._gates: dict[Role, Gate] = {
            "push": Gate("push", config.access_push),
            "scrape": Gate("scrape", config.access_scrape),
            "admin": Gate("admin", config.access_admin),
        }

    def register(self, application: web.Application, routes: Iterable[Route]) -> None:
        """Let the application answer the routes, each to whom its role allows."""
        for route in routes:
            methods = ("GET", "HEAD") if route.method == "GET" else (route.method,)
            for method in methods:
                application.router.add_route(
                    method,
                    route.path,
                    self._guarded(route),
                    expect_handler=self._before_the_body(route.role),
                )

    def _guarded(self, route: Route) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            if refusal := self._refusal(route.role, request):
                return refusal
            return await route.handler(request)

        return handle

    def _before_the_body(
        self, role: Role
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse | None]]:
        """Return what answers clients that ask before they send a body, as curl does.

        aiohttp does that before any handler, so it has to know who may as well.
        """

        async def expect(request: web.Request) -> web.StreamResponse | None:
            if refusal := self._refusal(role, request):
                return refusal
            if request.headers[hdrs.EXPECT].lower() != "100-continue":
                raise web.HTTPExpectationFailed(text="expected 100-continue\n")
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
            return None

        return expect

    def _refusal(self, role: Role, request: web.Request) -> web.Response | None:
        gate = self._gates.get(role)
        visitor = _visitor(request)
        denial = gate.denial(visitor) if gate else None
        if denial is None:
            return None
        self._metrics.denied_requests.labels(role, denial.reason).inc()
        if self._told.is_due((visitor.address, denial.reason)):
            log.warning(
                "denied role=%s reason=%s client=%s",
                role,
                denial.reason,
                visitor.address,
            )
        return _answer(denial)


def _visitor(request: web.Request) -> Visitor:
    transport = request.transport
    certificate = transport and transport.get_extra_info("peercert")
    # Of two such headers it is not clear which one counts, so none does.
    headers = request.headers.getall(hdrs.AUTHORIZATION, [])
    authorization = ",".join(headers) if headers else None
    site = request.headers.get(_SITE_OF_PAGE, "none")
    return Visitor(
        request.remote or "",
        bool(certificate),
        authorization,
        from_other_site=site not in ("none", "same-origin"),
    )


def _answer(denial: Denial) -> web.Response:
    headers = CIMultiDict(
        (hdrs.WWW_AUTHENTICATE, challenge) for challenge in denial.challenges
    )
    return web.Response(status=denial.status, text=f"{denial.text}\n", headers=headers)


def _forms(address: str) -> tuple[_Address, ...]:
    """Return an address; an IPv4 one that an IPv6 socket showed as its own in both."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ()  # whoever left already has none
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (parsed, mapped) if mapped else (parsed,)


def _secrets(access: Access) -> Iterator[bytes]:
    """Yield every secret in the form of ``_presented``."""
    yield from (b"basic " + user.encode() for user in access.users)
    yield from (b"bearer " + token.encode() for token in access.tokens)


def _challenges(access: Access) -> Iterator[str]:
    if access.users:
        yield 'Basic realm="exporter_proxy", charset="UTF-8"'
    if access.tokens:
        yield 'Bearer realm="exporter_proxy"'


def _presented(authorization: str) -> bytes:
    """Return scheme and secret of a header; of one that makes no sense, nothing."""
    scheme, _, text = authorization.partition(" ")
    scheme, text = scheme.lower(), text.strip()
    if scheme == "bearer":
        return b"bearer " + text.encode(errors="surrogateescape")
    if scheme == "basic":
        try:
            return b"basic " + base64.b64decode(text, validate=True)
        except ValueError:
            return b""
    return b""


def _digest(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()
