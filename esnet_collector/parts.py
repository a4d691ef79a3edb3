"""The three servers a collector works between, and what every part of it shares."""

from dataclasses import dataclass

from esnet_collector.broker import Broker
from esnet_collector.metrics import Metrics
from esnet_collector.settings import Settings
from esnet_collector.source import Source
from esnet_collector.store import Store
from servicekit import Health, Stop


@dataclass(frozen=True)
class Parts:
    """What one copy of the service is made of."""

    settings: Settings
    source: Source
    broker: Broker
    store: Store
    metrics: Metrics
    health: Health
    stop: Stop
