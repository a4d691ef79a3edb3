"""The catalogue: every interface of a network, made from a seed and a size."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address

from demo.netbeam.draws import draw, pick
from demo.netbeam.interface import Interface, Link
from demo.netbeam.kinds import KINDS, SPEEDS, Vendor
from demo.netbeam.numbering import if_index

_SITES = (
    "acorn alder apple ash aspen balsa beech birch cacao cedar cherry cocoa cypress "
    "ebony elder elm fig fir ginkgo gum hazel holly juniper larch laurel lemon linden "
    "maple myrtle oak olive osier palm pear pine plum poplar rowan sorrel spruce sumac "
    "teak walnut willow yew"
)
SITES = tuple(_SITES.split())

# Ranges set aside for documentation (RFC 5398) and for benchmarks (RFC 2544).
_FIRST_AS, _AS_NUMBERS = 64496, 16
_FIRST_ADDRESS = IPv4Address("198.18.0.0")
_ADDRESSES_PER_DEVICE = 256
_ADDRESSED = ("to_", "lo0-", "lo0.0", "irb.", "system", "gr-0/0/0.")


class Size(StrEnum):
    """How much of a network to simulate."""

    SMALL = "small"
    REAL = "real"


@dataclass(frozen=True)
class _Device:
    """A device still to be given its interfaces; ``number`` is its own."""

    number: int
    name: str
    vendor: Vendor
    site: int
    patterns: dict[str, int]


def interfaces(seed: str, size: Size) -> tuple[Interface, ...]:
    """Return the whole network in Netbeam's order: by device, then ``ifIndex`` as text.

    Small is one interface of every name pattern; real is some 10,000 on 150 devices.
    """
    made = [
        interface for device in _devices(size) for interface in _equip(seed, device)
    ]
    return tuple(sorted(made, key=lambda each: (each.device, str(each.if_index))))


def _devices(size: Size) -> Iterator[_Device]:
    number = 0
    seen: set[str] = set()
    for row, kind in enumerate(KINDS):
        if size is Size.SMALL:
            patterns = {pattern: 1 for pattern in kind.patterns if pattern not in seen}
            seen.update(patterns)
        else:
            patterns = dict(kind.patterns)
        for site in range(kind.devices if size is Size.REAL else 1):
            site_number = (site + 7 * row) % len(SITES)
            name = _device_name(SITES[site_number], kind.role)
            yield _Device(number, name, kind.vendor, site_number, patterns)
            number += 1


def _device_name(site: str, role: str) -> str:
    return f"{site}-{role}{1 + draw(site, role) % 6}"


def _equip(seed: str, device: _Device) -> Iterator[Interface]:
    position = 0
    for pattern, how_many in device.patterns.items():
        for n in range(how_many):
            yield _interface(seed, device, pattern, n, position)
            position += 1


def _interface(
    seed: str, device: _Device, pattern: str, n: int, position: int
) -> Interface:
    site = SITES[(device.site + 1 + n) % len(SITES)]
    unit = 100 + 10 * n + draw(seed, device.name, pattern, n) % 10
    name = pattern.format(
        n=n,
        number=n + 1,
        slot=n // 8,
        pic=n // 4 % 2,
        port=n % 4,
        card=n // 4 + 1,
        mda=n // 2 % 2 + 1,
        jack=n % 2 + 1,
        unit=unit,
        label=1_048_576 + unit,
        service=6000 + unit,
        id=_circuit_id(seed, device.name, n),
        site=site,
        router=_device_name(site, "cr"),
    )
    routed = name.startswith(_ADDRESSED) or "{unit}" in pattern
    return Interface(
        device=device.name,
        name=name,
        if_index=if_index(device.vendor, name, position),
        link=_link(
            seed, device.name, name, site, inside=_inside(seed, device, pattern, n)
        ),
        vlan=unit if "{unit}" in pattern else None,
        port=f"{n // 4 + 1}/{n // 2 % 2 + 1}/{n % 2 + 1}" if "to_" in name else None,
        nokia_type="network" if "to_" in name else None,
        ipv4=_address(device, position) if routed else None,
        oscars=name.startswith("lo0-"),
        lhcone=draw(seed, device.name, name, "lhcone") % 8 == 0,
    )


def _inside(seed: str, device: _Device, pattern: str, n: int) -> bool:
    """Tell whether a link stays within the network: the name may say so."""
    if "{router}" in pattern or "{site}" in pattern:
        return "{router}" in pattern
    return draw(seed, device.name, pattern, n, "inside") % 2 == 0


def _link(seed: str, device: str, name: str, site: str, *, inside: bool) -> Link | None:
    for beginning, speeds in SPEEDS.items():
        if name.startswith(beginning):
            return Link(
                speed_mbits=pick(speeds, seed, device, name, "speed"),
                peer=_device_name(site, "cr") if inside else site,
                as_number=_FIRST_AS + draw(site) % _AS_NUMBERS,
                inside=inside,
            )
    return None


def _circuit_id(seed: str, device: str, n: int) -> str:
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    return "".join(pick(letters, seed, device, n, place) for place in range(4))


def _address(device: _Device, position: int) -> str:
    return str(_FIRST_ADDRESS + device.number * _ADDRESSES_PER_DEVICE + position)
