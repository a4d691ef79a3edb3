"""Kinds of device: which interface names each has, and how many.

The patterns and their numbers are those of the public interface lists of April 2020,
about 10,000 interfaces on 149 devices. Only the patterns: every name is made up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Vendor(Enum):
    """Who made a device, and so how it numbers its interfaces."""

    JUNIPER = "juniper"
    NOKIA = "nokia"
    CISCO = "cisco"


@dataclass(frozen=True)
class Kind:
    """Devices of one role.

    devices: how many there are at real scale.
    patterns: how many interfaces of each name pattern one device has.
    """

    role: str
    vendor: Vendor
    devices: int
    patterns: Mapping[str, int]


def _one_each(patterns: str) -> dict[str, int]:
    return dict.fromkeys(patterns.split(), 1)


# What a Juniper device has without anything being plugged in.
_JUNIPER = _one_each("""
    lsi dsc lo0 tap gre ipip pime pimd mtun irb jsrv jsrv.1 lo0.0 lo0.16385
    pfe-{slot}/0/0 pfe-{slot}/0/0.16383
    pfh-{slot}/0/0 pfh-{slot}/0/0.16383 pfh-{slot}/0/0.16384
""")
_SWITCH = _JUNIPER | _one_each("""
    bme0 bme0.0 vme vme.0 me0 me0.0 cbp0 pip0 vtep esi gr-{slot}/0/0
""")
_ROUTER = (
    _JUNIPER
    | _one_each("fxp0 rbeb demux0 pp0")
    | {
        "em{n}": 2,
        "em{n}.0": 2,
        "lc-{n}/0/0": 3,
        "lc-{n}/0/0.32769": 3,
        "lsi.{label}": 4,
    }
)
_SERVICE_CARD = _one_each("""
    pd-{slot}/3/0 pe-{slot}/3/0 pe-{slot}/3/0.32769 ip-{slot}/3/0 vt-{slot}/3/0
    vt-{slot}/3/0.2097152 mt-{slot}/3/0 lt-{slot}/3/0 ud-{slot}/3/0 ut-{slot}/3/0
""")

KINDS = (
    Kind(
        role="asw",
        vendor=Vendor.JUNIPER,
        devices=32,
        patterns=_SWITCH
        | {
            "ge-0/0/{n}": 10,
            "ge-0/0/{n}.0": 14,
            "xe-0/0/{n}": 2,
            "xe-0/0/{n}.0": 2,
            "irb.9{n:02}": 2,
            "ae{n}": 1,
            "ae{n}.0": 1,
        },
    ),
    Kind(
        role="cr",
        vendor=Vendor.NOKIA,
        devices=26,
        patterns={
            "system": 1,
            "A/1": 1,
            "B/1": 1,
            "lag-{n}": 1,
            "{card}/{mda}/{jack}": 20,
            "to_{router}_ip-a": 11,
            "to_{site}_v4": 4,
            "to_{site}-pt1-v6": 3,
            "lo0-{id}": 3,
            "es.net-{service}_ifce": 2,
            "pimrp-msdp-peer": 1,
            "pim-anycast-rp": 1,
        },
    ),
    Kind(
        role="mpr",
        vendor=Vendor.JUNIPER,
        devices=28,
        patterns=_SWITCH
        | {
            "ge-0/0/{n}": 14,
            "ge-0/0/{n}.0": 6,
            "xe-{slot}/{pic}/{port}": 3,
            "xe-{slot}/{pic}/{port}.{unit}": 4,
            "sxe-0/0/{n}": 2,
            "sxe-0/0/{n}.16386": 2,
            "gr-0/0/0.{n}": 1,
            "irb.9{n:02}": 5,
            "em{n}": 3,
            "em{n}.0": 3,
        },
    ),
    Kind(
        role="rt",
        vendor=Vendor.JUNIPER,
        devices=23,
        patterns=_ROUTER
        | {
            "ge-0/0/{n}": 9,
            "ge-0/0/{n}.0": 4,
            "xe-{slot}/{pic}/{port}": 6,
            "xe-{slot}/{pic}/{port}.{unit}": 15,
            "et-{slot}/0/{port}": 2,
            "et-{slot}/0/{port}.{unit}": 1,
            "ae{n}.{unit}": 3,
            "fti{n}": 1,
            "irb.9{n:02}": 2,
        },
    ),
    Kind(
        role="ssw",
        vendor=Vendor.JUNIPER,
        devices=21,
        patterns=_SWITCH | {"ge-0/0/{n}": 8, "ge-0/0/{n}.0": 10, "irb.9{n:02}": 1},
    ),
    Kind(
        role="lsw",
        vendor=Vendor.JUNIPER,
        devices=13,
        patterns=_SWITCH
        | {
            "ge-0/0/{n}": 34,
            "ge-0/0/{n}.0": 28,
            "xe-0/0/{n}": 3,
            "xe-0/0/{n}.0": 5,
            "vlan": 1,
            "vlan.{n}": 1,
        },
    ),
    Kind(
        role="mr",
        vendor=Vendor.JUNIPER,
        devices=5,
        patterns=_ROUTER
        | _SERVICE_CARD
        | {
            "xe-{slot}/{pic}/{port}": 24,
            "xe-{slot}/{pic}/{port}.{unit}": 40,
            "so-{slot}/{pic}/{port}": 2,
            "ge-0/0/{n}": 8,
            "ge-0/0/{n}.0": 6,
            "ae{n}.{unit}": 8,
        },
    ),
    Kind(
        role="csw",
        vendor=Vendor.CISCO,
        devices=1,
        patterns={"Gi0/{number}": 14, "Fa0/{number}": 8, "Vl{number}": 2, "Nu0": 1},
    ),
)

# Link speeds in Mbit/s by the beginning of a name, the longer beginning first.
# What is not here has no speed, and so no measurements.
SPEEDS: Mapping[str, tuple[int, ...]] = {
    "gr-0/0/0.": (800,),
    "irb.": (1_000,),
    "ge-": (1_000,),
    "Gi": (1_000,),
    "Fa": (100,),
    "xe-": (10_000,),
    "so-": (10_000,),
    "sxe-": (10_000,),
    "ae": (20_000,),
    "lag-": (20_000,),
    "et-": (100_000,),
    "to_": (10_000, 100_000, 100_000, 400_000),
    **{f"{card}/": (10_000, 100_000, 100_000) for card in range(1, 11)},
}
