"""aiohttp's own log, made ours: a client's mistake is one line, ours is a traceback."""

import logging
from typing import Any

from aiohttp.http import HttpProcessingError
from prometheus_client import Counter

from exporter_proxy.refusals import EXCERPT_LENGTH
from exporter_proxy.serve.summary import one_line
from exporter_proxy.told import Told

log = logging.getLogger(__name__)

# uvloop's words for an answer to a client that is gone.
_GONE = "the handler is closed"


class HttpLog(logging.LoggerAdapter[logging.Logger]):
    """What aiohttp logs to.

    dropped: counts connections that end because no HTTP comes, by reason.
    """

    def __init__(self, dropped: Counter) -> None:
        super().__init__(log)
        self._dropped = dropped
        self._told = Told()

    def exception(
        self,
        msg: object,
        *args: object,
        exc_info: Any = True,  # noqa: ANN401 - as logging has it
        **more: Any,  # noqa: ANN401 - as logging has it
    ) -> None:
        """Log an error that ended a request, if it is news."""
        if isinstance(exc_info, HttpProcessingError):
            self._refused(exc_info, *args)
        elif isinstance(exc_info, RuntimeError) and _GONE in str(exc_info):
            log.debug("a client left before its answer")
        else:
            super().exception(msg, *args, exc_info=exc_info, **more)

    def _refused(self, error: HttpProcessingError, client: object = "?") -> None:
        """Count what is no HTTP; who sends it is told once in a while."""
        self._dropped.labels("refused").inc()
        if self._told.is_due(client):
            what = one_line(" ".join(error.message.split())[:EXCERPT_LENGTH])
            log.warning("refused socket=http client=%s error=%s", client, what)
