"""A boiler: a thermostat switches it, the rooms warm up and cool down."""

import random

from prometheus_client import CollectorRegistry, Counter, Gauge

ROOMS = {"kitchen": 20.0, "office": 21.0, "workshop": 16.0}

OUTSIDE_CELSIUS = 6.0
TOLERANCE_CELSIUS = 0.3
LOSS_PER_SECOND = 0.0004
HEATING_CELSIUS_PER_SECOND = 0.015


class Boiler:
    """Temperatures, and how long each room was heated."""

    name = "boiler"

    def __init__(self, registry: CollectorRegistry, chance: random.Random) -> None:
        self._chance = chance
        self._celsius = dict(ROOMS)
        self._is_heating = dict.fromkeys(ROOMS, False)
        self._temperature = Gauge(
            "boiler_room_temperature_celsius",
            "Temperature of a room",
            ["room"],
            registry=registry,
        )
        self._heated = Counter(
            "boiler_heating_seconds_total",
            "Time a room was heated",
            ["room"],
            registry=registry,
        )
        self.work(now=0, seconds=0)

    def work(self, now: float, seconds: float) -> None:  # noqa: ARG002 - as the others
        """Heat the rooms that are too cold until they are warm."""
        for room, wanted in ROOMS.items():
            celsius = self._celsius[room]
            loss = LOSS_PER_SECOND * (celsius - OUTSIDE_CELSIUS)
            heat = HEATING_CELSIUS_PER_SECOND if self._is_heating[room] else 0.0
            draught = self._chance.uniform(-0.002, 0.002)
            celsius += (heat - loss + draught) * seconds
            self._heated.labels(room).inc(seconds if heat else 0)
            self._temperature.labels(room).set(round(celsius, 2))
            self._celsius[room] = celsius
            self._switch(room, celsius - wanted)

    def _switch(self, room: str, above_wanted: float) -> None:
        if abs(above_wanted) > TOLERANCE_CELSIUS:
            self._is_heating[room] = above_wanted < 0
