"""What exporter_proxy is made of."""

import asyncio
import signal
import sys
from collections.abc import Iterable

import uvloop

import exporter_proxy
from exporter_proxy import config
from exporter_proxy.poll import poller
from exporter_proxy.proxy import Proxy
from exporter_proxy.settings import Settings
from exporter_proxy.store import survival
from servicekit import Service, Stop

NAME, ABOUT = "exporter_proxy", exporter_proxy.__doc__ or ""


def run(settings: Settings, stop: Stop) -> None:
    """Receive, poll and serve until stopped; read the file again at each SIGHUP."""
    proxy = Proxy(config.read(settings.config), settings.config)
    uvloop.run(_work(proxy, stop))


async def _work(proxy: Proxy, stop: Stop) -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, proxy.reload)
    await proxy.run(stop)


def check(settings: Settings) -> Iterable[str]:
    """Read the configuration, try what keeps data, and poll every target once."""
    return uvloop.run(_problems(config.read(settings.config)))


async def _problems(read: config.Config) -> Iterable[str]:
    return (*await survival.problems(read), *await poller.problems(read))


service = Service(NAME, ABOUT, Settings, run, check)

if __name__ == "__main__":
    sys.exit(service.main())
