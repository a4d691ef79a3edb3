"""How each vendor numbers its interfaces: the ``ifIndex`` that SNMP knows them by."""

import re

from demo.netbeam.kinds import Vendor

# The fixed ones; what is plugged in or configured later counts on from 501.
_JUNIPER_FIRST = 501
_JUNIPER_FIXED = {
    "fxp0": 1, "lsi": 4, "dsc": 5, "lo0": 6, "tap": 7, "gre": 8, "ipip": 9, "pime": 10,
    "pimd": 11, "mtun": 12, "lo0.0": 16, "lo0.16385": 22, "me0": 33, "me0.0": 34,
    "vme": 35, "vme.0": 36, "bme0": 37, "bme0.0": 220,
}  # fmt: skip

_NOKIA_CONTROL_SLOTS = {"A": 11, "B": 12}
_NOKIA_PORT = re.compile(r"(\d+|A|B)/(?:(\d+)/)?(\d+)")
_NOKIA_LAG = re.compile(r"lag-(\d+)")
_NOKIA_LAG_FIRST = 0x50000000

_CISCO = re.compile(r"(Vl|Fa0/|Gi0/|Nu)(\d+)")
_CISCO_FIRST = {"Vl": 0, "Fa0/": 10_000, "Gi0/": 10_100, "Nu": 10_501}


def if_index(vendor: Vendor, name: str, position: int) -> int:
    """Return the number of a device's interface.

    position: its place among the device's interfaces, from 0, for those that are
        numbered in the order in which they came.
    """
    match vendor:
        case Vendor.JUNIPER:
            return _JUNIPER_FIXED.get(name, _JUNIPER_FIRST + position)
        case Vendor.NOKIA:
            return _nokia(name, position)
        case Vendor.CISCO:
            return _cisco(name, position)


def _nokia(name: str, position: int) -> int:
    """Return bit fields of slot, module and port; router interfaces count from 1."""
    if port := _NOKIA_PORT.fullmatch(name):
        slot, module, jack = port.groups(default="0")
        number = _NOKIA_CONTROL_SLOTS.get(slot) or int(slot)
        return number << 25 | int(module) << 21 | int(jack) << 15
    if lag := _NOKIA_LAG.fullmatch(name):
        return _NOKIA_LAG_FIRST + int(lag[1])
    return 1 + position


def _cisco(name: str, position: int) -> int:
    if port := _CISCO.fullmatch(name):
        return _CISCO_FIRST[port[1]] + int(port[2])
    return _CISCO_FIRST["Nu"] + 1 + position
