"""An interface as Netbeam describes it."""

from dataclasses import dataclass
from urllib.parse import quote

type Json = str | int | bool | list[str] | None


@dataclass(frozen=True, kw_only=True)
class Link:
    """What a link with a speed leads to.

    peer: a device of the network itself when ``inside``, else a site.
    """

    speed_mbits: int
    peer: str
    as_number: int
    inside: bool

    @property
    def tag(self) -> str:
        """What kind of link it is, as descriptions say it."""
        return "backbone" if self.inside else "site-ex"

    @property
    def reach(self) -> str:
        """Whether the far end belongs to the network."""
        return "intracloud" if self.inside else "intercloud"

    @property
    def speed(self) -> str:
        """The speed as descriptions say it: ``100ge``, ``800m``."""
        mbits = self.speed_mbits
        return f"{mbits}m" if mbits < 1000 else f"{mbits // 1000}ge"


@dataclass(frozen=True, kw_only=True)
class Interface:
    """One interface of one device; without a link it has no measurements."""

    device: str
    name: str
    if_index: int
    link: Link | None
    vlan: int | None = None
    port: str | None = None
    nokia_type: str | None = None
    ipv4: str | None = None
    oscars: bool = False
    lhcone: bool = False

    @property
    def resource(self) -> str:
        """Path below the API's base, percent-encoded once and to be used as it is."""
        return f"devices/{self.device}/interfaces/{quote(self.name, safe='')}"

    @property
    def description(self) -> str:
        """``alder-cr5->birch(as64501):100ge:site-ex:show:intercloud``, or nothing."""
        if not (link := self.link):
            return ""
        return (
            f"{self.device}->{link.peer}(as{link.as_number}):{link.speed}"
            f":{link.tag}:show:{link.reach}"
        )

    def record(self) -> dict[str, Json]:
        """Return the object of ``/interfaces``: 23 keys in Netbeam's order."""
        link = self.link
        inside, outside = bool(link and link.inside), bool(link and not link.inside)
        return {
            "namespace": "esnet/prod",
            "resource": self.resource,
            "name": self.name,
            "device": self.device,
            "ifIndex": str(self.if_index),
            "description": self.description,
            "speed": link.speed_mbits if link else None,
            "vlan": self.vlan,
            "port": self.port,
            "nokiaType": self.nokia_type,
            "visibility": "SHOW",
            "connection": f"{link.peer}_{link.tag}" if link else "",
            "link": f"{link.peer}_{link.speed}" if link and inside else "",
            "tags": ["demo"] if outside else [],
            "sector": "INTRACLOUD",
            "site": link.peer if link and outside else "",
            "lhcone": self.lhcone,
            "oscars": self.oscars,
            "intercloud": outside,
            "intracloud": inside,
            "remoteDevice": link.peer if link and inside else None,
            "remotePort": "1/1/1" if inside else None,
            "ipv4": self.ipv4,
        }
