"""Every group with its families, in JSON, as Pushgateway lists them."""

import asyncio
import hashlib
from collections.abc import Iterable
from concurrent.futures import Executor

import orjson
from aiohttp import web

from exporter_proxy.exposition.family import Family
from exporter_proxy.push.group_json import group_json
from exporter_proxy.push.times import is_group
from exporter_proxy.serve.answers import Answers
from exporter_proxy.serve.output import Body
from exporter_proxy.store.applications import Application, Applications
from exporter_proxy.store.catalogue import Catalogue

JSON_TYPE = "application/json"


class GroupList:
    """Answers who asks for all groups, one list at a time."""

    def __init__(
        self,
        applications: Applications,
        catalogue: Catalogue,
        answers: Answers,
        executor: Executor,
    ) -> None:
        self._applications = applications
        self._catalogue = catalogue
        self._answers = answers
        self._executor = executor
        self._turn = asyncio.Lock()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer with all groups, under the bound of all large answers."""
        async with self._turn:
            listed = [
                (group, self._catalogue.families(group.name))
                for group in groups(self._applications)
            ]
            loop = asyncio.get_running_loop()
            body = await loop.run_in_executor(self._executor, _body, listed)
        return await self._answers.send(request, body)


def groups(applications: Applications) -> list[Application]:
    """Return those applications that are groups."""
    return [each for each in applications if is_group(each)]


def success(data: object) -> bytes:
    """Return an answer as Pushgateway's API gives it."""
    return orjson.dumps({"status": "success", "data": data})


def _body(listed: Iterable[tuple[Application, Iterable[Family]]]) -> Body:
    text = success([group_json(group, families) for group, families in listed])
    tag = hashlib.sha256(text).hexdigest()[:32]
    return Body(JSON_TYPE, is_gzip=False, tag=tag, pieces=(text,))
