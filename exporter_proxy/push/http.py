"""Everything that takes pushes over HTTP, under one bound."""

from concurrent.futures import Executor

from exporter_proxy.config import Config
from exporter_proxy.metrics import Metrics
from exporter_proxy.push.http_groups import GroupPush
from exporter_proxy.push.http_messages import MessagePush
from exporter_proxy.push.uploads import Uploads
from exporter_proxy.serve.route import Route
from exporter_proxy.store.intake import Intake


class HttpPush:
    """Takes pushes to groups, and messages as the sockets take them."""

    def __init__(
        self, config: Config, intake: Intake, metrics: Metrics, executor: Executor
    ) -> None:
        self._uploads = Uploads(config.receiver)
        self._groups = GroupPush(self._uploads, intake, metrics, executor)
        self._messages = MessagePush(config.receiver, self._uploads, intake, metrics)

    def routes(self) -> tuple[Route, ...]:
        """Return what is answered here; aiohttp must leave bodies in their encoding."""
        return self._groups.routes() + self._messages.routes()

    def follow(self, config: Config) -> None:
        """Do from now on as this configuration says."""
        self._uploads.follow(config.receiver)
        self._messages.follow(config.receiver)
