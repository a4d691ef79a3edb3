"""What the daemon did: the six metrics that have always been, and those of sessions."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client.metrics_core import Metric

from rsync_exporter.families import counter, gauge, histogram
from rsync_exporter.rsyncd.exit_codes import NAMES, name_of
from rsync_exporter.sessions.account import Totals
from rsync_exporter.sessions.ledger import Ledger

_TRANSFERS = ("module", "direction")


def families(totals: Totals, *, legacy_status_code: bool) -> Iterator[Metric]:
    """Yield all of it."""
    ledger = totals.ledger
    yield from _original(ledger, "(code {})" if legacy_status_code else "{}")
    yield from _sessions(totals)
    yield from _refusals(ledger)
    yield from _failures(ledger)
    yield from _files(ledger)
    yield from _daemon(ledger)


def _original(ledger: Ledger, status_code: str) -> Iterator[Metric]:
    yield _single("rsync_connections", "Connections to the daemon", ledger.connections)
    yield _single(
        "rsync_executions", "Transfers begun, pulls and pushes", ledger.executions
    )
    yield counter(
        "rsync_service_error",
        "Sessions that failed, by rsync's exit code",
        ["status_code"],
        {
            status_code.format(code): ledger.status_codes[code]
            for code in sorted({*NAMES, *ledger.status_codes})
        },
    )
    yield _single(
        "rsync_data_received_bytes",
        "Bytes the daemon received",
        ledger.module_received_bytes.total(),
    )
    yield _single(
        "rsync_data_sent_bytes",
        "Bytes the daemon sent",
        ledger.module_sent_bytes.total(),
    )
    yield _single(
        "rsync_exchange_data_bytes",
        "Size of all files a transfer was about, whether they had to move or not",
        ledger.exchanged_bytes,
    )


def _sessions(totals: Totals) -> Iterator[Metric]:
    ledger = totals.ledger
    yield counter(
        "rsyncd_sessions",
        "Sessions that are over, by what was asked for and how it went",
        (*_TRANSFERS, "outcome"),
        ledger.sessions,
    )
    modules = {module for module, _, _ in ledger.sessions}
    yield gauge(
        "rsyncd_sessions_active",
        "Sessions in progress",
        ["module"],
        {"": 0, **dict.fromkeys(sorted(modules), 0), **totals.active},
    )
    yield histogram(
        "rsyncd_session_duration_seconds",
        "Time from connection to end of sessions with a transfer",
        _TRANSFERS,
        ledger.durations,
    )
    yield histogram(
        "rsyncd_session_transferred_bytes",
        "Bytes on the wire in the direction of a session's transfer",
        _TRANSFERS,
        ledger.transferred,
    )
    yield counter(
        "rsyncd_sent_bytes",
        "Bytes the daemon sent",
        ["module"],
        ledger.module_sent_bytes,
    )
    yield counter(
        "rsyncd_received_bytes",
        "Bytes the daemon received",
        ["module"],
        ledger.module_received_bytes,
    )
    yield counter(
        "rsyncd_client_bytes",
        "Bytes on the wire by the client's network",
        ["network", "direction"],
        totals.client_bytes,
    )
    yield gauge(
        "rsyncd_last_session_timestamp_seconds",
        "When a session with a transfer last ended",
        _TRANSFERS,
        ledger.last_session,
    )
    yield gauge(
        "rsyncd_last_success_timestamp_seconds",
        "When a transfer last ended well",
        _TRANSFERS,
        ledger.last_success,
    )


def _refusals(ledger: Ledger) -> Iterator[Metric]:
    yield counter(
        "rsyncd_auth_failures",
        "Clients that could not prove who they are",
        ["module", "reason"],
        ledger.authentication_failures,
    )
    yield counter(
        "rsyncd_access_denied",
        "Clients whose address may not use the module",
        ["module"],
        ledger.denied,
    )
    yield _single(
        "rsyncd_unknown_module_requests",
        "Requests for modules that are not there",
        ledger.unknown_modules,
    )
    yield _single(
        "rsyncd_module_list_requests",
        "Requests for the list of modules",
        ledger.module_lists,
    )
    yield _single(
        "rsyncd_connections_without_request",
        "Connections that asked for nothing, such as port scans",
        ledger.without_request,
    )
    yield counter(
        "rsyncd_max_connections_refusals",
        "Clients sent away because the module served as many as it may",
        ["module"],
        ledger.exhausted,
    )
    yield gauge(
        "rsyncd_max_connections",
        "Most clients that the module serves at a time",
        ["module"],
        ledger.connection_limits,
    )


def _failures(ledger: Ledger) -> Iterator[Metric]:
    yield counter(
        "rsyncd_errors",
        "Sessions that failed, by rsync's exit code and the process that said so",
        ["module", "code", "name", "role"],
        {
            (module, code, name_of(code), role): number
            for (module, code, role), number in ledger.errors.items()
        },
    )
    yield counter(
        "rsyncd_file_errors",
        "Errors about single files, by what was tried and the system's reason",
        ["module", "operation", "errno"],
        ledger.file_errors,
    )
    yield counter(
        "rsyncd_files_vanished",
        "Files that were gone before they could be sent",
        ["module"],
        ledger.vanished_files,
    )


def _files(ledger: Ledger) -> Iterator[Metric]:
    cells = ledger.files.by_labels
    yield counter(
        "rsyncd_files",
        "Files moved or deleted (needs transfer logging)",
        ["module", "operation"],
        {labels: number for labels, (number, _) in cells.items()},
    )
    yield counter(
        "rsyncd_file_bytes",
        "Sizes of the files moved (needs transfer logging)",
        ["module", "operation"],
        {labels: own for labels, (_, own) in cells.items() if own},
    )
    yield counter(
        "rsyncd_file_transferred_bytes",
        "Bytes on the wire for files (needs a log format with %b)",
        ["module", "operation"],
        ledger.transferred_file_bytes,
    )


def _daemon(ledger: Ledger) -> Iterator[Metric]:
    yield _single(
        "rsyncd_name_lookup_failures",
        "Clients' names that could not be found, or are not to be trusted",
        ledger.lookup_failures,
    )
    yield _single("rsyncd_daemon_starts", "Starts of the daemon", ledger.daemon_starts)
    yield gauge(
        "rsyncd_daemon_info",
        "Version and port of the daemon that started last, always 1",
        ["version", "port"],
        ledger.daemon,
    )


def _single(name: str, documentation: str, number: int) -> Metric:
    return counter(name, documentation, [], Counter({(): number}))
