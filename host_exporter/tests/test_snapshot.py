from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from host_exporter.snapshot import Snapshot


def scraped(counts: dict[str, int], snapshot: Snapshot) -> dict[str, float]:
    """Return what a scrape finds by host after these counts."""
    registry = CollectorRegistry()
    registry.register(snapshot)
    snapshot.replace(counts)
    exposition = generate_latest(registry).decode()
    (family,) = text_string_to_metric_families(exposition)
    assert family.name == "mysql_connections_by_host"
    assert family.type == "gauge"
    assert family.documentation == "Number of connection attempts made, by host address"
    return {sample.labels["host"]: sample.value for sample in family.samples}


def test_counts_by_host():
    counts = {"10.0.0.2": 3, "fd00::2": 2**40, 'a"b\\c\n': 1}
    assert scraped(counts, Snapshot()) == counts


def test_a_host_that_vanishes_from_the_result_vanishes_from_the_metric():
    snapshot = Snapshot()
    assert scraped({"10.0.0.2": 3, "10.0.0.3": 1}, snapshot).keys() == {
        "10.0.0.2",
        "10.0.0.3",
    }
    assert scraped({"10.0.0.3": 2}, snapshot) == {"10.0.0.3": 2}
    assert scraped({}, snapshot) == {}
