"""What a session adds to the counts once it is over."""

from rsync_exporter.sessions.ledger import Ledger
from rsync_exporter.sessions.networks import Networks
from rsync_exporter.sessions.session import Session

# The seconds of a log without times are counted from nought; no log is of 1970.
_FIRST_TIME = 365 * 86_400


def close(session: Session, ledger: Ledger, networks: Networks) -> None:
    """Count a session, and what it moved in which time if it came to a transfer."""
    direction, outcome, ended = session.direction, session.outcome, session.ended
    key = session.module, direction
    ledger.sessions[*key, outcome] += 1
    if direction == "none":
        ledger.without_request += outcome == "expired"
        return
    if session.sent is not None and session.received is not None:
        moved = session.sent if direction == "pull" else session.received
        ledger.transferred.observe(key, moved)
        if networks.are_counted:
            networks.add(session.address, session.sent, session.received)
    if ended is not None and ended >= _FIRST_TIME:
        _count_end(ledger, key, session.began, ended)
        if outcome == "ok" and ledger.last_success.get(key, 0) < ended:
            ledger.last_success[key] = ended


def _count_end(ledger: Ledger, key: tuple[str, str], began: int, ended: int) -> None:
    if ended < began:  # the clock was set, or summer time ended
        ledger.clock_regressions += 1
    ledger.durations.observe(key, max(0, ended - began))
    if ledger.last_session.get(key, 0) < ended:
        ledger.last_session[key] = ended
