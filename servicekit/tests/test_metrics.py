"""The metrics that every service has."""

import pytest
from prometheus_client import CollectorRegistry

from servicekit import Cycles
from servicekit.metrics import VERSION, add_build_info


def test_the_build_is_told():
    registry = CollectorRegistry()
    add_build_info("sample", registry)
    [family] = registry.collect()
    [sample] = family.samples
    assert sample.name == "sample_build_info"
    assert sample.labels["version"] == VERSION
    assert sample.labels["python"].startswith("3.")
    assert sample.value == 1


def test_outcomes_are_there_before_anything_happened():
    registry = CollectorRegistry()
    Cycles("sample", registry)
    for outcome in ("success", "error"):
        value = registry.get_sample_value("sample_cycles_total", {"outcome": outcome})
        assert value == 0


def test_a_success_is_counted_and_timed():
    registry = CollectorRegistry()
    with Cycles("sample", registry).measure():
        pass
    assert registry.get_sample_value("sample_cycles_total", {"outcome": "success"}) == 1
    assert registry.get_sample_value("sample_cycle_duration_seconds_count") == 1
    moment = registry.get_sample_value("sample_last_success_timestamp_seconds")
    assert moment is not None
    assert moment > 1_700_000_000


def test_an_error_is_counted_timed_and_raised():
    registry = CollectorRegistry()
    cycles = Cycles("sample", registry)
    with pytest.raises(OSError, match="refused"), cycles.measure():
        raise OSError("refused")
    assert registry.get_sample_value("sample_cycles_total", {"outcome": "error"}) == 1
    assert registry.get_sample_value("sample_cycle_duration_seconds_count") == 1
    assert registry.get_sample_value("sample_last_success_timestamp_seconds") == 0
