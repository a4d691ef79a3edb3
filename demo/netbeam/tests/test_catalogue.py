"""The network: its names, numbers and records look like those of the real one."""

import re

import pytest

from demo.netbeam.catalogue import Size, interfaces
from demo.netbeam.interface import Interface
from demo.netbeam.kinds import Vendor
from demo.netbeam.numbering import if_index

SMALL = interfaces("belfry", Size.SMALL)
REAL = interfaces("belfry", Size.REAL)

# The name patterns of the public lists, a number written as N, that stand there seven
# times or more; a link's far end and a circuit's code written as X.
PATTERNS = """
    ge-N/N/N ge-N/N/N.N xe-N/N/N.N N/N/N to_X xe-N/N/N irb.N pfh-N/N/N.N loN.N
    pfe-N/N/N pfe-N/N/N.N emN pfh-N/N/N emN.N lc-N/N/N lc-N/N/N.N pime pimd mtun lsi
    dsc loN tap gre ipip irb jsrv jsrv.N lsi.N aeN.N bmeN.N vme bmeN vme.N gr-N/N/N
    meN cbpN pipN vtep esi loN-X meN.N aeN sxe-N/N/N sxe-N/N/N.N es.net-N_ifce fxpN
    rbeb demuxN ppN et-N/N/N system A/N B/N lag-N ftiN et-N/N/N.N gr-N/N/N.N GiN/N
    vt-N/N/N.N pe-N/N/N pe-N/N/N.N pd-N/N/N ip-N/N/N vt-N/N/N mt-N/N/N lt-N/N/N
    ud-N/N/N FaN/N pimrp-msdp-peer
""".split()  # noqa: SIM905 - a table of words

KEYS = """
    namespace resource name device ifIndex description speed vlan port nokiaType
    visibility connection link tags sector site lhcone oscars intercloud intracloud
    remoteDevice remotePort ipv4
""".split()  # noqa: SIM905 - a table of words


def pattern(name: str) -> str:
    """Return a name with what varies replaced."""
    name = re.sub(r"^to_.*", "to_X", name)
    name = re.sub(r"^lo0-[A-Z0-9]{4}$", "loN-X", name)
    return re.sub(r"\d+", "N", name)


def named(name: str) -> Interface:
    """Return the small network's interface whose name begins so."""
    return next(each for each in SMALL if each.name.startswith(name))


def test_the_small_network_has_every_name_pattern_of_the_real_one():
    assert set(PATTERNS) <= {pattern(each.name) for each in SMALL}
    assert {pattern(each.name) for each in SMALL} == {pattern(i.name) for i in REAL}
    assert len(SMALL) < 100


def test_the_real_size_is_that_of_april_2020():
    assert len(REAL) == pytest.approx(10_176, rel=0.02)
    assert len({each.device for each in REAL}) == 149
    encoded = sum("%2F" in each.resource for each in REAL)
    assert encoded / len(REAL) == pytest.approx(0.59, abs=0.03)


@pytest.mark.parametrize("network", [SMALL, REAL], ids=["small", "real"])
def test_resources_and_numbers_are_unique(network: tuple[Interface, ...]):
    assert len({each.resource.lower() for each in network}) == len(network)
    assert len({(each.device, each.if_index) for each in network}) == len(network)
    assert max(len(each.resource) for each in network) <= 128


def test_the_order_is_by_device_and_then_by_number_as_text():
    order = [(each.device, str(each.if_index)) for each in REAL]
    assert order == sorted(order)
    assert order != sorted(order, key=lambda each: (each[0], int(each[1])))


def test_the_same_seed_makes_the_same_network():
    assert interfaces("belfry", Size.SMALL) == SMALL
    assert interfaces("another", Size.SMALL) != SMALL


@pytest.mark.parametrize(
    ("vendor", "name", "number"),
    [
        (Vendor.NOKIA, "2/1/1", 69238784),
        (Vendor.NOKIA, "4/2/1", 138444800),
        (Vendor.NOKIA, "10/1/12", 338034688),
        (Vendor.NOKIA, "A/1", 369131520),
        (Vendor.NOKIA, "B/1", 402685952),
        (Vendor.NOKIA, "lag-10", 1342177290),
        (Vendor.NOKIA, "system", 1),
        (Vendor.CISCO, "Gi0/12", 10112),
        (Vendor.CISCO, "Fa0/5", 10005),
        (Vendor.CISCO, "Vl1", 1),
        (Vendor.CISCO, "Nu0", 10501),
        (Vendor.JUNIPER, "lo0.16385", 22),
        (Vendor.JUNIPER, "ge-0/0/0", 501),
    ],
)
def test_interfaces_are_numbered_as_their_vendors_do(
    vendor: Vendor, name: str, number: int
):
    """The numbers are those of the public list of April 2020."""
    assert if_index(vendor, name, position=0) == number


def test_a_record_has_every_key_in_netbeams_order():
    for each in SMALL:
        assert list(each.record()) == KEYS


def test_a_name_is_encoded_once_and_only_in_the_resource():
    record = named("ge-").record()
    assert record["name"] == "ge-0/0/0"
    assert record["resource"] == f"devices/{record['device']}/interfaces/ge-0%2F0%2F0"
    assert record["ifIndex"] == "531"


def test_a_link_is_described_by_the_grammar():
    grammar = r"(\S+)->(\S+)\(as(\d+)\):\d+(m|ge):(backbone|site-ex):show:int\w+cloud"
    for each in SMALL:
        record = each.record()
        if record["speed"] is None:
            assert record["description"] == ""
            continue
        match = re.fullmatch(grammar, str(record["description"]))
        assert match
        assert match[1] == record["device"]
        assert record["intracloud"] is not record["intercloud"]


def test_an_interface_without_a_link_has_no_speed():
    record = named("pime").record()
    assert (record["speed"], record["description"], record["ipv4"]) == (None, "", None)
