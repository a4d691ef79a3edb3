"""What the exporter must say of sessions: claims, and the samples they mean."""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

type Samples = Counter[str]

BYTES_BOUNDS = tuple(2.0**power for power in range(10, 43, 4))

_SUMMARY = re.compile(
    rb"^sent (\d+) bytes  received (\d+) bytes  total size \d+$", re.MULTILINE
)
_ERROR = re.compile(rb"^rsync error: .* \(code (\d+)\) at .* \[(\w+)=", re.MULTILINE)
_WIRE = re.compile(rb"^(send|recv) .* wire=(\d+) .* [<>]f", re.MULTILINE)
_ON_THE_CLOCK = re.compile(r"rsyncd_session_duration_seconds_(?:bucket|sum)")
_TIMESTAMP = re.compile(r"rsyncd_last_\w+_timestamp_seconds")

# A direction: nothing was asked for that could take time or move bytes.
NO_REQUEST = "none"

# In place of outcomes: a session goes on, in its module or before it asked for one.
UNDER_WAY = ("under-way", "connected")
WITHOUT_MODULE = ("connected", "list", "unknown_module")


@dataclass(frozen=True)
class Moved:
    """Bytes on the wire, as the daemon counts them."""

    sent: int
    received: int


@dataclass(frozen=True)
class Logging:
    """How a module logs, and what that tells of files."""

    name: str
    settings: Mapping[str, str] = field(default_factory=dict)
    files: bool = True
    lengths: bool = True
    wire: bool = False


@dataclass(frozen=True)
class Says:
    """What the exporter must say of a scenario; all that is not named is 0.

    sessions: direction and outcome of each; "under-way" and "connected" are those that
        go on, for all that the log tells.
    total_size: of all files listed.
    sends, receives: number and bytes of files, where the module logs them.
    error: code, name and role; several of them, parted by "or", where it is chance
        what the daemon notices first: then the log tells.
    file_errors: operation and errno of each.
    also: further counters that are 1; ``{module}`` in it is the scenario's module.
    """

    sessions: tuple[str, ...]
    total_size: int = 0
    sends: tuple[int, int] = (0, 0)
    receives: tuple[int, int] = (0, 0)
    deletes: int = 0
    error: str = ""
    file_errors: tuple[str, ...] = ()
    vanished: int = 0
    also: str = ""


def sample(name: str, /, **labels: object) -> str:
    """Return a sample's name as an exposition has it, the labels in order."""
    values = ",".join(f'{label}="{labels[label]}"' for label in sorted(labels))
    return f"{name}{{{values}}}" if values else name


def read_samples(exposition: str, since: float) -> Samples:
    """Return all samples; a time is 1 when it is not before since, else it stays.

    How long sessions took is left out: only how many there were is certain.
    """
    return Counter(
        {
            sample(found.name, **_labels(found)): _value(found, since)
            for family in text_string_to_metric_families(exposition)
            for found in family.samples
            if not _ON_THE_CLOCK.fullmatch(found.name)
        }
    )


def expected_samples(
    claims: Says, module: str, moved: Iterable[Moved], log: bytes, logging: Logging
) -> Samples:
    """Return what must change, and by how much.

    moved: bytes of each session, as its client counted them; without that, the log's.
    log: all messages of the module.
    """
    samples: Samples = Counter()
    for part in (
        _of_sessions(claims, module),
        _of_bytes(claims, module, list(moved) or _summaries(log)),
        _of_failures(claims, module, log),
        _of_files(claims, module, log, logging) if logging.files else (),
    ):
        for name, value in part:
            samples[name] += value
    return samples


def _labels(found: Sample) -> dict[str, object]:
    labels: dict[str, object] = dict(found.labels)
    return labels | {"le": float(found.labels["le"])} if "le" in labels else labels


def _value(found: Sample, since: float) -> int:
    if _TIMESTAMP.fullmatch(found.name) and found.value >= since:
        return 1
    return int(found.value)


def _of_sessions(claims: Says, module: str) -> Iterator[tuple[str, int]]:
    yield "rsync_connections_total", len(claims.sessions)
    for direction, outcome in map(str.split, claims.sessions):
        module_label = module if outcome not in WITHOUT_MODULE else ""
        where = {"module": module_label, "direction": direction}
        if direction != NO_REQUEST:
            yield "rsync_executions_total", 1
        if outcome in UNDER_WAY:
            yield sample("rsyncd_sessions_active", module=module_label), 1
            continue
        yield sample("rsyncd_sessions_total", **where, outcome=outcome), 1
        if direction != NO_REQUEST:
            yield sample("rsyncd_session_duration_seconds_count", **where), 1
    yield from _of_times(claims, module)
    if claims.also:
        yield claims.also.format(module=f'module="{module}"'), 1


def _of_times(claims: Says, module: str) -> Iterator[tuple[str, int]]:
    """Yield the times of the last sessions: 1 where there is one."""
    ended = {tuple(session.split()) for session in claims.sessions}
    for direction, outcome in sorted(ended):
        where = {"module": module, "direction": direction}
        if direction != NO_REQUEST and outcome not in UNDER_WAY:
            yield sample("rsyncd_last_session_timestamp_seconds", **where), 1
        if outcome == "ok":
            yield sample("rsyncd_last_success_timestamp_seconds", **where), 1


def _of_bytes(
    claims: Says, module: str, moved: list[Moved]
) -> Iterator[tuple[str, int]]:
    direction = claims.sessions[0].split()[0]
    where = {"module": module, "direction": direction}
    yield "rsync_exchange_data_bytes_total", claims.total_size
    for one in moved:
        yield "rsync_data_sent_bytes_total", one.sent
        yield "rsync_data_received_bytes_total", one.received
        yield sample("rsyncd_sent_bytes_total", module=module), one.sent
        yield sample("rsyncd_received_bytes_total", module=module), one.received
        yield from _observed(one.sent if direction == "pull" else one.received, where)


def _observed(value: int, where: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    name = "rsyncd_session_transferred_bytes"
    yield sample(f"{name}_sum", **where), value
    yield sample(f"{name}_count", **where), 1
    for bound in [*BYTES_BOUNDS, float("inf")][bisect_left(BYTES_BOUNDS, value) :]:
        yield sample(f"{name}_bucket", **where, le=bound), 1


def _of_failures(claims: Says, module: str, log: bytes) -> Iterator[tuple[str, int]]:
    if claims.error:
        code, name, role = _the_one_logged(claims.error.split(" or "), log)
        yield sample("rsync_service_error_total", status_code=code), 1
        labels = {"module": module, "code": code, "name": name, "role": role}
        yield sample("rsyncd_errors_total", **labels), 1
    for operation, errno in map(str.split, claims.file_errors):
        labels = {"module": module, "operation": operation, "errno": errno}
        yield sample("rsyncd_file_errors_total", **labels), 1
    yield sample("rsyncd_files_vanished_total", module=module), claims.vanished


def _of_files(
    claims: Says, module: str, log: bytes, logging: Logging
) -> Iterator[tuple[str, int]]:
    moves = {"send": claims.sends, "recv": claims.receives}
    for operation, (number, length) in (
        moves | {"delete": (claims.deletes, 0)}
    ).items():
        labels = {"module": module, "operation": operation}
        yield sample("rsyncd_files_total", **labels), number
        if logging.lengths:
            yield sample("rsyncd_file_bytes_total", **labels), length
    if logging.wire:
        for move, wire in _WIRE.findall(log):
            labels = {"module": module, "operation": move.decode()}
            yield sample("rsyncd_file_transferred_bytes_total", **labels), int(wire)


def _the_one_logged(errors: list[str], log: bytes) -> list[str]:
    first = _ERROR.search(log)
    logged = [text.decode().lower() for text in first.groups()] if first else []
    found = [error for error in map(str.split, errors) if error[::2] == logged]
    return found[0] if found else errors[0].split()


def _summaries(log: bytes) -> list[Moved]:
    return [Moved(int(sent), int(received)) for sent, received in _SUMMARY.findall(log)]
