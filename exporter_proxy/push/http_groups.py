"""Pushes to groups over HTTP, as Pushgateway takes them.

Source: github.com/prometheus/pushgateway, README, section "API".
"""

from concurrent.futures import Executor
from http import HTTPStatus

from aiohttp import hdrs, web

from exporter_proxy.config.values import Lifetime
from exporter_proxy.metrics import Metrics
from exporter_proxy.push import protobuf
from exporter_proxy.push.content import decoder, is_protobuf
from exporter_proxy.push.groups import check_size, group_of
from exporter_proxy.push.nameless import Nameless
from exporter_proxy.push.requests import (
    check_may_push,
    lifetime_of,
    source_of,
    status_of,
)
from exporter_proxy.push.uploads import Upload, Uploads
from exporter_proxy.refusals import Refused
from exporter_proxy.serve.route import Route
from exporter_proxy.store.intake import Delivery, Intake, Origin, Taken
from exporter_proxy.store.policies import Policy

# A line feed may stand in a path too, percent-encoded.
_PATHS = ("/metrics/job/{path:(?s:.*)}", "/metrics/job@base64/{path:(?s:.*)}")


class GroupPush:
    """Takes what is pushed to groups, and deletes them."""

    def __init__(
        self, uploads: Uploads, intake: Intake, metrics: Metrics, executor: Executor
    ) -> None:
        self._uploads = uploads
        self._intake = intake
        self._nameless = Nameless(metrics)
        self._executor = executor

    def routes(self) -> tuple[Route, ...]:
        """Return what is answered here."""
        handlers = {"PUT": self._put, "POST": self._post, "DELETE": self._delete}
        return tuple(
            Route(method, path, handler, "push")
            for path in _PATHS
            for method, handler in handlers.items()
        )

    async def _put(self, request: web.Request) -> web.Response:
        return await self._push(request, merge=False)

    async def _post(self, request: web.Request) -> web.Response:
        return await self._push(request, merge=True)

    async def _delete(self, request: web.Request) -> web.Response:
        try:
            group = group_of(request.rel_url.raw_path)
        except Refused as refused:
            return self._refuse(request, refused)
        await self._intake.delete(group.name)
        return web.Response(status=HTTPStatus.ACCEPTED)

    async def _push(self, request: web.Request, *, merge: bool) -> web.Response:
        try:
            group = group_of(request.rel_url.raw_path)
            policy = self._intake.policies.of(group.name, "http", group.series_labels)
            check_size(group, policy.rules)
        except Refused as refused:
            return self._refuse(request, refused)
        origin = Origin(group.name, "http", source_of(request))
        with self._uploads.open(request) as upload:
            try:
                body, wish = await self._read(request, upload, policy)
            except Refused as refused:
                self._intake.refuse(origin, refused)
                return _refusal(refused)
            delivery = Delivery(origin, body, wish, group.series_labels, merge)
            try:
                taken = await self._intake.take(delivery)
            except Refused as refused:  # which is noted already
                return _refusal(refused)
        return _acceptance(taken)

    async def _read(
        self, request: web.Request, upload: Upload, policy: Policy
    ) -> tuple[bytes, Lifetime | None]:
        """Return the body in text format, and the lifetime. Raises Refused."""
        check_may_push(policy)
        wish = lifetime_of(request)
        protobuf_sent = is_protobuf(request.headers.get(hdrs.CONTENT_TYPE, ""))
        body = await upload.read()
        limit, executor = policy.rules.max_bytes, self._executor
        if encoding := request.headers.get(hdrs.CONTENT_ENCODING, ""):
            body = await upload.unpack(decoder(encoding), body, limit, executor)
        if protobuf_sent:
            body = await upload.unpack(protobuf.to_text, body, limit, executor)
        return body, wish

    def _refuse(self, request: web.Request, refused: Refused) -> web.Response:
        """Count and log what cannot be put down to a group."""
        self._nameless.note(source_of(request), refused)
        return _refusal(refused)


def _acceptance(taken: Taken) -> web.Response:
    """Return the answer, which is empty unless something is not served."""
    said = ""
    if taken.refused:
        said += f"dropped {taken.dropped_lines} lines: {taken.refused}\n"
    if taken.left_out:
        names = ", ".join(taken.left_out)
        said += f"left out, clashing with another application: {names}\n"
    return web.Response(text=said)


def _refusal(refused: Refused) -> web.Response:
    return web.Response(status=status_of(refused), text=f"{refused}\n")
