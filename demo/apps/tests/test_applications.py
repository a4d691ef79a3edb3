"""The made-up applications: their values move as real ones would."""

import random

import pytest
from prometheus_client import CollectorRegistry

from demo.apps.backup import Backup
from demo.apps.boiler import ROOMS, Boiler
from demo.apps.chance import DAY_SECONDS, busyness, happened
from demo.apps.mailer import Mailer
from demo.apps.shop import PAYMENTS, Shop

NOW = 1_795_262_400.0


def value(registry: CollectorRegistry, name: str, **labels: str) -> float:
    found = registry.get_sample_value(name, labels)
    assert found is not None
    return found


def test_as_much_happens_as_is_expected_in_the_long_run():
    chance = random.Random(1)

    assert happened(chance, 0) == 0
    assert sum(happened(chance, 2.5) for _ in range(4000)) == pytest.approx(
        10_000, 0.05
    )


def test_afternoons_are_busier_than_nights():
    assert busyness(NOW + 4 * 3600) > busyness(NOW)
    day = [busyness(NOW + second) for second in range(0, DAY_SECONDS, 600)]
    assert min(day) == pytest.approx(0.2)
    assert max(day) == pytest.approx(1)


def test_every_order_of_the_shop_has_a_payment_and_a_value():
    registry = CollectorRegistry()
    shop = Shop(registry, random.Random(1))

    for step in range(100):
        shop.work(NOW + 5 * step, 5)

    by_payment = [value(registry, "shop_orders_total", payment=p) for p in PAYMENTS]
    assert min(by_payment) > 0
    assert sum(by_payment) == value(registry, "shop_order_value_euros_count")


def test_the_mailer_s_queue_fills_at_times_and_drains_again():
    registry = CollectorRegistry()
    mailer = Mailer(registry, random.Random(1))

    lengths = []
    for step in range(500):
        mailer.work(NOW + 5 * step, 5)
        lengths.append(value(registry, "mailer_queue_length"))

    assert max(lengths) > 100
    assert lengths.count(0) > 100
    assert value(registry, "mailer_messages_total", outcome="bounced") > 0


def test_a_backup_runs_at_once_and_then_every_minute():
    registry = CollectorRegistry()
    backup = Backup(registry, random.Random(1))

    for second in range(0, 125, 5):
        backup.work(NOW + second, 5)

    assert value(registry, "backup_runs_total") == 3
    assert value(registry, "backup_last_success_timestamp_seconds") == NOW + 120
    assert value(registry, "backup_size_bytes") > 2e9


def test_the_boiler_keeps_every_room_near_what_is_wanted():
    registry = CollectorRegistry()
    boiler = Boiler(registry, random.Random(1))

    for step in range(2000):
        boiler.work(NOW + 5 * step, 5)
        for room, wanted in ROOMS.items():
            celsius = value(registry, "boiler_room_temperature_celsius", room=room)
            assert celsius == pytest.approx(wanted, abs=0.6)

    for room in ROOMS:
        assert value(registry, "boiler_heating_seconds_total", room=room) > 0
