"""A real browser without a screen, driven by its DevTools protocol.

Source: chromedevtools.github.io/devtools-protocol
"""

import asyncio
import base64
import itertools
import json
import tempfile
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp

from exporter_proxy.tests.running import DEADLINE_SECONDS, wait_until

COMMAND = (
    "chromium-headless-shell",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)
KEYS = {"Enter": (13, "\r"), "Tab": (9, ""), " ": (32, " ")}


class Page:
    """One tab; ``problems`` collects what the browser complains about."""

    def __init__(self, browser: "Browser", session: str) -> None:
        self._browser = browser
        self._session = session
        self.problems: list[str] = []

    def ask(self, method: str, **parameters: object) -> dict[str, Any]:
        """Return the browser's answer."""
        return self._browser.ask(method, parameters, self._session)

    def open(self, url: str) -> None:
        """Load a page, as far as its scripts have run once."""
        self.ask("Page.navigate", url=url)
        self.until("document.readyState === 'complete'")

    def look(self, expression: str) -> Any:  # noqa: ANN401 - whatever JavaScript has
        """Return the value of a JavaScript expression."""
        answer = self.ask(
            "Runtime.evaluate",
            expression=expression,
            returnByValue=True,
            awaitPromise=True,
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, expression: str) -> None:
        """Return once a JavaScript expression is true."""
        wait_until(lambda: self.look(expression))

    def texts(self, selector: str) -> list[str]:
        """Return the text of each element."""
        found = self.look(
            f"[...document.querySelectorAll({json.dumps(selector)})]"
            ".map(each => each.textContent)"
        )
        assert isinstance(found, list)
        return found

    def click(self, selector: str) -> None:
        """Click at the middle of an element, as a mouse does."""
        x, y = self.look(
            "(element => {element.scrollIntoView({block: 'nearest'});"
            "const box = element.getBoundingClientRect();"
            "return [box.x + box.width / 2, box.y + box.height / 2]})"
            f"(document.querySelector({json.dumps(selector)}))"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.ask(
                "Input.dispatchMouseEvent",
                type=kind,
                x=x,
                y=y,
                button="left",
                clickCount=1,
            )

    def press(self, key: str) -> None:
        """Press a key."""
        code, text = KEYS[key]
        self.ask(
            "Input.dispatchKeyEvent",
            type="keyDown",
            key=key,
            windowsVirtualKeyCode=code,
            text=text,
        )
        self.ask(
            "Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code
        )

    def type(self, text: str) -> None:
        """Type where the focus is."""
        self.ask("Input.insertText", text=text)

    def resize(self, width: int, height: int) -> None:
        """Give the window another size."""
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )

    def prefer(self, scheme: str) -> None:
        """Prefer a light or a dark page."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.ask("Emulation.setEmulatedMedia", features=[feature])

    def screenshot(self, path: Path) -> None:
        """Write what is seen to a file."""
        shot = self.ask("Page.captureScreenshot")["data"]
        path.write_bytes(base64.b64decode(shot))


class Browser:
    """The browser as a process, and the connection to it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._pages: dict[str, Page] = {}
        self._socket: aiohttp.ClientWebSocketResponse

    def ask(
        self, method: str, parameters: dict[str, object], session: str | None = None
    ) -> dict[str, Any]:
        """Return the browser's answer to a command."""
        answer = self._do(self._ask(method, parameters, session))
        assert "error" not in answer, answer
        result = answer["result"]
        assert isinstance(result, dict)
        return result

    @contextmanager
    def page(self) -> Iterator[Page]:
        """Yield a tab that shares nothing with any other."""
        context = self.ask("Target.createBrowserContext", {})["browserContextId"]
        target = self.ask(
            "Target.createTarget", {"url": "about:blank", "browserContextId": context}
        )["targetId"]
        session = self.ask(
            "Target.attachToTarget", {"targetId": target, "flatten": True}
        )["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.ask(f"{domain}.enable")
        try:
            yield page
        finally:
            self.ask("Target.disposeBrowserContext", {"browserContextId": context})

    @contextmanager
    def running(self) -> Iterator["Browser"]:
        """Run the browser while the block runs."""
        thread = threading.Thread(target=self._loop.run_forever)
        thread.start()
        stop = asyncio.Event()
        try:
            ready: asyncio.Future[None] = self._loop.create_future()
            serving = asyncio.run_coroutine_threadsafe(
                self._serve(ready, stop), self._loop
            )
            self._do(asyncio.wait_for(ready, DEADLINE_SECONDS))
            yield self
            self._loop.call_soon_threadsafe(stop.set)
            serving.result(DEADLINE_SECONDS)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - its result
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(
            DEADLINE_SECONDS
        )

    async def _serve(self, ready: asyncio.Future[None], stop: asyncio.Event) -> None:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            process = await asyncio.create_subprocess_exec(
                *COMMAND,
                f"--user-data-dir={folder}",
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
            assert process.stderr
            while b"DevTools listening on " not in (
                line := await process.stderr.readline()
            ):
                assert line, "the browser ended"
            url = line.decode().split()[-1]
            async with (
                aiohttp.ClientSession() as session,
                session.ws_connect(url, max_msg_size=2**28) as self._socket,
            ):
                listening = asyncio.create_task(self._listen())
                draining = asyncio.create_task(process.stderr.read())
                ready.set_result(None)
                await stop.wait()
                await self._socket.send_json({"id": 0, "method": "Browser.close"})
                await asyncio.wait([listening, draining])
            await process.wait()

    async def _ask(
        self, method: str, parameters: dict[str, object], session: str | None
    ) -> dict[str, Any]:
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = self._loop.create_future()
        self._answers[number] = answer
        message = {"id": number, "method": method, "params": parameters}
        await self._socket.send_json(
            message | ({"sessionId": session} if session else {})
        )
        return await answer

    async def _listen(self) -> None:
        async for message in self._socket:
            said = json.loads(message.data)
            if answer := self._answers.pop(said.get("id"), None):
                answer.set_result(said)
            elif page := self._pages.get(said.get("sessionId", "")):
                page.problems.extend(_problems(said))


def _problems(event: dict[str, Any]) -> Iterator[str]:
    details = event.get("params", {})
    match event.get("method"):
        case "Runtime.exceptionThrown":
            yield json.dumps(details["exceptionDetails"])
        case "Log.entryAdded":
            yield json.dumps(details["entry"])
        case "Runtime.consoleAPICalled":
            yield json.dumps(details["args"])
        case "Page.javascriptDialogOpening":
            yield details["message"]
