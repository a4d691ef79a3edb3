"""What a client would like to get: the headers Accept and Accept-Encoding (RFC 9110).

No client is turned away for what stands there: what makes no sense is passed over,
and whoever accepts nothing that there is gets the plain text.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from aiohttp import hdrs

TEXT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"

_ELEMENT = re.compile(r'(?:[^,"]++|"(?:[^"\\]++|\\.)*+"?+)++')
_PARAMETER = re.compile(r';\s*+([^;="\s]++)\s*+=\s*+("(?:[^"\\]++|\\.)*+"|[^;"\s]*+)')
_WEIGHT = re.compile(r"[01](?:\.[0-9]{0,3})?")


class Wish(NamedTuple):
    """Which of the forms there are a client likes best."""

    open_metrics: bool
    gzip: bool


class Element(NamedTuple):
    """One of the things that a header lists; a weight of 0 excludes it."""

    value: str
    parameters: Mapping[str, str]
    weight: float


def wish(headers: Mapping[str, str]) -> Wish:
    """Return what a request's headers ask for."""
    return Wish(
        wants_open_metrics(headers.get(hdrs.ACCEPT, "")),
        wants_gzip(headers.get(hdrs.ACCEPT_ENCODING, "")),
    )


def wants_open_metrics(accept: str) -> bool:
    """Return whether OpenMetrics 1.0.0 is liked better than the text format 0.0.4."""
    ranges = tuple(elements(accept))
    return _liking(ranges, "application", "openmetrics-text", "1.0.0") > _liking(
        ranges, "text", "plain", "0.0.4"
    )


def wants_gzip(accept_encoding: str) -> bool:
    """Return whether gzip is accepted, and no worse than no compression."""
    weights = {each.value: each.weight for each in elements(accept_encoding)}
    gzip = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0)))
    return gzip > 0 and gzip >= weights.get("identity", 0)


def elements(header: str) -> Iterator[Element]:
    """Yield what a header lists, in lower case, save what has no valid weight."""
    for match in _ELEMENT.finditer(header):
        value, _, _ = match[0].partition(";")
        parameters = {
            name.lower(): text.strip('"').lower()
            for name, text in _PARAMETER.findall(match[0])
        }
        weight = parameters.pop("q", "1")
        if value.strip() and _WEIGHT.fullmatch(weight):
            yield Element(value.strip().lower(), parameters, min(1, float(weight)))


def _liking(ranges: tuple[Element, ...], kind: str, name: str, version: str) -> float:
    """Return a media type's weight: that of the closest of the ranges it is in."""
    closeness = {"*/*": 1, f"{kind}/*": 2, f"{kind}/{name}": 3}
    matches = (
        (closeness[each.value] + ("version" in each.parameters), each.weight)
        for each in ranges
        if each.value in closeness
        and each.parameters.get("version", version) == version
    )
    return max(matches, default=(0, 0))[1]
