"""Whether a record that was read is one that a proxy writes.

Whoever can write to the file or to Redis could otherwise have labels served that are
none, which would cost Prometheus all there is.
"""

from exporter_proxy.push.groups import PREFIX, group_of
from exporter_proxy.refusals import Reason, Refused
from exporter_proxy.store.applications import check_name
from exporter_proxy.store.record import Record


def check(record: Record) -> None:
    """Raise Refused when no application can have left such a record."""
    if record.channel == "http":
        group = group_of(PREFIX + record.name)
        if (group.name, group.series_labels) != (record.name, record.labels):
            raise Refused(Reason.GROUP, "its labels are not those of its name")
    elif record.labels:
        raise Refused(Reason.GROUP, "it has labels, but is no group")
    elif record.channel == "poll":
        if not record.name.isprintable():
            raise Refused(Reason.APPLICATION, "its name is not printable")
    elif record.channel in ("json", "capnp"):
        check_name(record.name)
    else:
        raise Refused(Reason.FORMAT, "it came in no way that is known")
