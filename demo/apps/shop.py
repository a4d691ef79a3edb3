"""A shop: it sells more in the afternoon than at night."""

import random

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from demo.apps.chance import busyness, happened

PAYMENTS = {"card": 7, "invoice": 2, "voucher": 1}


class Shop:
    """Orders and visitors."""

    name = "shop"

    def __init__(self, registry: CollectorRegistry, chance: random.Random) -> None:
        self._chance = chance
        self._orders = Counter(
            "shop_orders_total", "Orders", ["payment"], registry=registry
        )
        self._values = Histogram(
            "shop_order_value_euros",
            "Value of an order",
            buckets=(5, 10, 25, 50, 100, 250),
            registry=registry,
        )
        self._visitors = Gauge("shop_visitors", "Visitors now", registry=registry)
        for payment in PAYMENTS:
            self._orders.labels(payment)

    def work(self, now: float, seconds: float) -> None:
        """Sell to some of the visitors of these seconds."""
        visitors = happened(self._chance, 80 * busyness(now))
        self._visitors.set(visitors)
        for _ in range(happened(self._chance, visitors * seconds / 100)):
            [payment] = self._chance.choices([*PAYMENTS], [*PAYMENTS.values()])
            self._orders.labels(payment).inc()
            self._values.observe(round(self._chance.lognormvariate(3.2, 0.8), 2))
