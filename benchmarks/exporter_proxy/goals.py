"""What is measured of the proxy, and what it is to reach."""

from benchmarks.report import Measure

_PUSH, _HUNDRED = "pushes of 1,000 series", "100 other applications held"

PUSHES = Measure(f"{_PUSH}, {_HUNDRED}", "pushes/s", 100, more_is_better=True)
PUSHES_BY_FOUR = Measure(
    f"{_PUSH} over 4 connections, {_HUNDRED}", "pushes/s", 100, more_is_better=True
)
PUSHES_BESIDE_COPIES = Measure(
    f"{_PUSH}, 100 other copies of the application held",
    "pushes/s",
    100,
    more_is_better=True,
)
PUSHES_OF_NEW_SERIES = Measure(
    f"pushes of 1,000 series never seen before, {_HUNDRED}",
    "pushes/s",
    more_is_better=True,
)
PUSHES_ALONE = Measure(f"{_PUSH}, nothing else held", "pushes/s", more_is_better=True)
PUSHES_AMONG_A_THOUSAND = Measure(
    f"{_PUSH}, 1,000 applications held", "pushes/s", more_is_better=True
)
PUSHES_BY_JSON = Measure(
    f"{_PUSH} as JSON, a TCP connection each, 1,000 applications held",
    "pushes/s",
    more_is_better=True,
)
PUSHES_BY_KEPT_JSON = Measure(
    f"{_PUSH} as JSON, one TCP connection, 1,000 applications held",
    "pushes/s",
    more_is_better=True,
)
COST_OF_A_HUNDRED = Measure(
    "a push with 100 others held costs, of one with nothing else held", "times"
)
COST_OF_A_THOUSAND = Measure(
    "a push with 1,000 applications held costs, of one with nothing else held",
    "times",
    1.25,
)

_SCRAPE = "scrape of 100,000 series"
SCRAPE_PLAIN = Measure(f"{_SCRAPE}, nothing changed", "s", 20)
SCRAPE_GZIP = Measure(f"{_SCRAPE}, gzip, nothing changed", "s", 20)
SCRAPE_PLAIN_AFTER_PUSH = Measure(f"{_SCRAPE} after a push", "s", 20)
SCRAPE_GZIP_AFTER_PUSH = Measure(f"{_SCRAPE}, gzip, after a push", "s", 20)
SCRAPE_AS_PROMETHEUS = Measure(
    f"{_SCRAPE} as Prometheus asks for it, after a push", "s", 20
)
SCRAPE_ALL_CHANGED = Measure(f"{_SCRAPE}, gzip, after all of them changed", "s")
SCRAPE_COPIES = Measure(f"{_SCRAPE} of 100 copies, gzip, after a push", "s", 20)
MEMORY = Measure("memory with 100,000 series held, after scrapes", "MB")

_MILLION = "scrape of one million series"
MILLION_MEMORY = Measure("memory with one million series held", "MB", 1000)
MILLION_MEMORY_SCRAPED = Measure(
    "memory with one million series held, after scrapes", "MB", 1000
)
MILLION_PLAIN = Measure(f"{_MILLION}, nothing changed", "s", 1)
MILLION_GZIP = Measure(f"{_MILLION}, gzip, nothing changed", "s", 1)
MILLION_PLAIN_AFTER_PUSH = Measure(f"{_MILLION} after a push", "s", 1)
MILLION_GZIP_AFTER_PUSH = Measure(f"{_MILLION}, gzip, after a push", "s", 1)
MILLION_ALL_CHANGED = Measure(f"{_MILLION}, gzip, after all of them changed", "s")

_IDLE = "push of 1,000 series beside 10,000 idle connections"
IDLE_MEDIAN = Measure(f"{_IDLE}, median", "ms", 0.8)
IDLE_99TH = Measure(f"{_IDLE}, 99th percentile", "ms", 0.8)

BESIDE_THE_PEER = (
    PUSHES,
    PUSHES_BY_FOUR,
    PUSHES_BESIDE_COPIES,
    PUSHES_OF_NEW_SERIES,
    PUSHES_ALONE,
    COST_OF_A_HUNDRED,
    SCRAPE_PLAIN,
    SCRAPE_GZIP,
    SCRAPE_PLAIN_AFTER_PUSH,
    SCRAPE_GZIP_AFTER_PUSH,
    SCRAPE_AS_PROMETHEUS,
    SCRAPE_ALL_CHANGED,
    SCRAPE_COPIES,
    MEMORY,
)
ALONE = (
    PUSHES_AMONG_A_THOUSAND,
    PUSHES_BY_JSON,
    PUSHES_BY_KEPT_JSON,
    COST_OF_A_THOUSAND,
    MILLION_MEMORY,
    MILLION_MEMORY_SCRAPED,
    MILLION_PLAIN,
    MILLION_GZIP,
    MILLION_PLAIN_AFTER_PUSH,
    MILLION_GZIP_AFTER_PUSH,
    MILLION_ALL_CHANGED,
)
BESIDE_NO_CONNECTIONS = (IDLE_MEDIAN, IDLE_99TH)
