"""What esnet_collector is made of."""

import os
import sys

from prometheus_client import CollectorRegistry

import esnet_collector
from esnet_collector.broker import Broker
from esnet_collector.check import check
from esnet_collector.collector import Collector
from esnet_collector.env_file import with_env_file
from esnet_collector.metrics import NAME, Metrics
from esnet_collector.netbeam import Netbeam
from esnet_collector.parts import Parts
from esnet_collector.settings import Settings
from esnet_collector.store import Store
from servicekit import Health, Service, SettingsError, Stop, serve
from servicekit.metrics import add_build_info

ABOUT = esnet_collector.__doc__ or ""


def assemble(settings: Settings, stop: Stop, registry: CollectorRegistry) -> Parts:
    """Return one copy's parts, connected to nothing yet."""
    metrics = Metrics(registry, (settings.rmq_interface_key, settings.rmq_traffic_key))
    health = Health()
    source = Netbeam(settings, metrics, stop)
    broker = Broker(settings, metrics, health)
    return Parts(settings, source, broker, Store(settings), metrics, health, stop)


def run(settings: Settings, stop: Stop) -> None:
    """Collect until stopped."""
    registry = CollectorRegistry()
    add_build_info(NAME, registry)
    parts = assemble(settings, stop, registry)
    with serve(NAME, ABOUT, settings.metrics_port, registry, parts.health):
        Collector(parts).run()


def once(settings: Settings, stop: Stop) -> int:
    """Make one pass over everything."""
    Collector(assemble(settings, stop, CollectorRegistry())).once()
    return 0


service = Service(NAME, ABOUT, Settings, run, check, {"once": once})


def main() -> int:
    """Run the program and return its exit code."""
    try:
        return service.main(environ=with_env_file(os.environ))
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
