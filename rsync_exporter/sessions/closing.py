"""What a session adds to the counts once it is over."""

from rsync_exporter.sessions.ledger import Ledger
from rsync_exporter.sessions.networks import Networks
from rsync_exporter.sessions.session import Session

# The seconds of a log without times are counted from nought; no log is of 1970.
_FIRST_TIME = 365 * 86_400


def close(session: Session, ledger: Ledger, networks: Networks) -> None:
    """Count a session, and what it moved in which time if it came to a transfer."""
    module, direction, outcome = session.module, session.direction, session.outcome
    ledger.sessions[module, direction, outcome] += 1
    if direction == "none":
        ledger.without_request += outcome == "expired"
        return
    if session.sent is not None and session.received is not None:
        networks.add(session.address, session.sent, session.received)
        moved = session.sent if direction == "pull" else session.received
        ledger.transferred.observe((module, direction), moved)
    if session.ended is not None:
        _count_end(ledger, (module, direction), session.began, session.ended)
        if outcome == "ok" and session.ended >= _FIRST_TIME:
            _advance(ledger.last_success, (module, direction), session.ended)


def _count_end(ledger: Ledger, key: tuple[str, str], began: int, ended: int) -> None:
    if ended < _FIRST_TIME:
        return
    if ended < began:  # the clock was set, or summer time ended
        ledger.clock_regressions += 1
    ledger.durations.observe(key, max(0, ended - began))
    _advance(ledger.last_session, key, ended)


def _advance(times: dict[tuple[str, str], int], key: tuple[str, str], to: int) -> None:
    if times.get(key, 0) < to:
        times[key] = to
