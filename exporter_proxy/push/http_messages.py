"""The messages of the sockets over HTTP: ``POST /push``, answered in JSON."""

from http import HTTPStatus

import orjson
from aiohttp import hdrs, web

from exporter_proxy.config.sections import Receiver
from exporter_proxy.metrics import Metrics
from exporter_proxy.push.content import decoder
from exporter_proxy.push.frames import CapnpFramer, Framer, JsonFramer
from exporter_proxy.push.messages import HEAD_BYTES, CapnpReader, is_capnp, read_value
from exporter_proxy.push.nameless import Nameless
from exporter_proxy.push.pauses import Pauses
from exporter_proxy.push.requests import check_may_push, source_of, status_of
from exporter_proxy.push.uploads import Upload, Uploads
from exporter_proxy.refusals import Reason, Refused
from exporter_proxy.serve.route import Route
from exporter_proxy.store.applications import check_name
from exporter_proxy.store.intake import Delivery, Intake, Origin


class MessagePush:
    """Takes what the sockets take, and says what became of each application."""

    def __init__(
        self, config: Receiver, uploads: Uploads, intake: Intake, metrics: Metrics
    ) -> None:
        self._uploads = uploads
        self._intake = intake
        self._nameless = Nameless(metrics)
        self._capnp = CapnpReader()
        self._pauses = Pauses()
        self.follow(config)

    def follow(self, config: Receiver) -> None:
        """Do from now on as this configuration says."""
        self._config = config

    def routes(self) -> tuple[Route, ...]:
        """Return what is answered here."""
        return (Route("POST", "/push", self._push, "push"),)

    async def _push(self, request: web.Request) -> web.Response:
        source = source_of(request)
        with self._uploads.open(request) as upload:
            try:
                channel, sent = await self._read(request, upload)
            except Refused as refused:
                self._nameless.note(source, refused)
                return _answer(status_of(refused), {"error": _told(refused)})
            answers = {}
            for name, value in sent:
                origin = Origin(name, channel, source)
                answers[name] = await self._deliver(origin, value)
                await self._pauses.pause_if_due()
        well = all(answer["ok"] for answer in answers.values())
        status = HTTPStatus.OK if well else HTTPStatus.BAD_REQUEST
        return _answer(status, {"applications": answers})

    async def _read(
        self, request: web.Request, upload: Upload
    ) -> tuple[str, list[tuple[str, object]]]:
        """Return the channel, and what came for each application. Raises Refused."""
        limit = self._config.max_message_bytes
        body = await upload.read()
        if encoding := request.headers.get(hdrs.CONTENT_ENCODING, ""):
            body = await upload.unpack(decoder(encoding), body, limit)
        channel = "capnp" if is_capnp(body[:HEAD_BYTES]) else "json"
        if self._config.format not in ("any", channel):
            what = f"{channel}, but receiver.format is {self._config.format}"
            raise Refused(Reason.FORMAT, what)
        framer: Framer = JsonFramer(limit)
        if channel == "capnp":
            framer = CapnpFramer(limit, self._capnp)
        sent = await self._all(framer, body)
        if not sent:
            raise Refused(Reason.JSON, "the body is empty")
        return channel, sent

    async def _all(self, framer: Framer, body: bytes) -> list[tuple[str, object]]:
        sent: list[tuple[str, object]] = []
        for message in framer.feed(body):
            sent.extend(message.items())
            await self._pauses.pause_if_due()
        framer.end()
        return sent

    async def _deliver(self, origin: Origin, value: object) -> dict[str, object]:
        """Return what became of one application's part."""
        try:
            check_name(origin.application)
        except Refused as refused:
            self._nameless.note(origin.source, refused)
            return _told(refused)
        try:
            body, wish = read_value(value)
            check_may_push(
                self._intake.policies.of(origin.application, origin.channel, {})
            )
        except Refused as refused:
            self._intake.refuse(origin, refused)
            return _told(refused)
        try:
            taken = await self._intake.take(Delivery(origin, body, wish))
        except Refused as refused:  # which is noted already
            return _told(refused)
        dropped = {"dropped_lines": taken.dropped_lines} if taken.dropped_lines else {}
        left_out = {"left_out": list(taken.left_out)} if taken.left_out else {}
        return {"ok": True, "series": taken.series, **dropped, **left_out}


def _told(refused: Refused) -> dict[str, object]:
    told: dict[str, object] = {"ok": False, "reason": refused.reason}
    told["detail"] = refused.detail
    if refused.line is not None:
        told |= {"line": refused.line, "excerpt": refused.excerpt}
    return told


def _answer(status: HTTPStatus, answer: object) -> web.Response:
    body = orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE)
    return web.Response(status=status, body=body, content_type="application/json")
