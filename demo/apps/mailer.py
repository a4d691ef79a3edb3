"""A mailer: now and then a newsletter fills its queue."""

import random

from prometheus_client import CollectorRegistry, Counter, Gauge

from demo.apps.chance import busyness, happened

NEWSLETTER_MESSAGES = 150
NEWSLETTERS_PER_SECOND = 1 / 120


class Mailer:
    """Messages that wait, and those that went out."""

    name = "mailer"

    def __init__(self, registry: CollectorRegistry, chance: random.Random) -> None:
        self._chance = chance
        self._waiting = 0
        self._messages = Counter(
            "mailer_messages_total", "Messages", ["outcome"], registry=registry
        )
        self._queue = Gauge(
            "mailer_queue_length", "Messages that wait", registry=registry
        )
        for outcome in ("sent", "bounced"):
            self._messages.labels(outcome)

    def work(self, now: float, seconds: float) -> None:
        """Queue what was written in these seconds, send what can be sent."""
        newsletters = happened(self._chance, seconds * NEWSLETTERS_PER_SECOND)
        self._waiting += happened(self._chance, 3 * busyness(now) * seconds)
        self._waiting += newsletters * NEWSLETTER_MESSAGES
        gone = min(self._waiting, happened(self._chance, 6 * seconds))
        bounced = min(gone, happened(self._chance, gone / 50))
        self._waiting -= gone
        self._messages.labels("sent").inc(gone - bounced)
        self._messages.labels("bounced").inc(bounced)
        self._queue.set(self._waiting)
