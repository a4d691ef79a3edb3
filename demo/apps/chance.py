"""How often things happen by chance, and how busy a day is."""

import math
import random

DAY_SECONDS = 86_400


def happened(chance: random.Random, expected: float) -> int:
    """Return how many independent events happened when so many were expected."""
    events, passed = 0, chance.expovariate()
    while passed < expected:
        events += 1
        passed += chance.expovariate()
    return events


def busyness(now: float) -> float:
    """Return how busy a time of day is: from 0.2 at four in the morning to 1."""
    return 0.6 - 0.4 * math.cos((now / DAY_SECONDS - 4 / 24) * 2 * math.pi)
