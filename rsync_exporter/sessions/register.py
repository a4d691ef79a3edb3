"""The sessions that go on, and what each message does to its own.

A session is a process of the daemon: from ``connect`` to its last line, which many have
not (a port scan, a push that was incomplete, a killed process). Each of its lines may
come in another file, and the summary before the error or after it. So a session that
ended stays open for errors for a moment, and one that is silent for long expires.
"""

from collections import Counter, deque
from dataclasses import fields
from typing import Any

from rsync_exporter.sessions.session import Session

# Both ends of a push log the same error within this time (measured), and a summary
# comes as near to its error.
GRACE_SECONDS = 2

# What comes so long after the end is late, not forged.
FORGET_AFTER_SECONDS = 60

# rsyncd itself gives a client a minute to say what it wants.
HANDSHAKE_SECONDS = 300

# Those that ended are among them for a while. A daemon has a process for each of the
# others; more are forged.
MAX_SESSIONS = 50_000

_SWEEP_SECONDS = 60

# What a restored session is given anew, and what is no number or text.
_GIVEN = ("format", "alike", "files", "peer")

_SAVED = [item.name for item in fields(Session) if item.name not in _GIVEN]


class Register:
    """Sessions by process.

    by_pid: all of them.
    latest: the latest time in the log so far, in seconds since 1970.
    stream: the number of the file whose records come now.
    over: those that have come to their end since it was last taken.
    """

    def __init__(self, expiry_seconds: float) -> None:
        self.expiry_seconds = expiry_seconds
        self.latest = 0
        self.stream = 0
        self.over: list[Session] = []
        self.by_pid: dict[bytes, Session] = {}
        self._ended: deque[Session] = deque()
        self._swept = 0

    def open(self, pid: bytes, session: Session) -> None:
        """Begin a session; the one before it of the same process is over."""
        if pid in self.by_pid:
            self.forget(pid)
        if len(self.by_pid) >= MAX_SESSIONS:
            self._make_room()
        self.by_pid[pid] = session

    def end(self, session: Session, time: int) -> None:
        """Note that a session has ended, unless it had already."""
        if session.ended is None:
            session.ended = time
            self._ended.append(session)

    def forget(self, pid: bytes) -> None:
        """Count a session as over, if it is there, and know it no more."""
        session = self.by_pid.pop(pid, None)
        if session:
            self._settle(session)

    def advance(self, time: int) -> None:
        """Let time pass, in seconds since 1970 by the log: what is due is over."""
        self.latest = time
        while self._ended and self._ended[0].last + GRACE_SECONDS <= time:
            self._settle(self._ended.popleft())
        if time >= self._swept + _SWEEP_SECONDS:
            self._swept = time
            self._sweep()

    def finish(self) -> None:
        """Count everything as over."""
        for pid in list(self.by_pid):
            self.forget(pid)
        self._ended.clear()

    def active(self) -> Counter[str]:
        """Return the number of sessions that go on, by module."""
        return Counter(
            session.module for session in self.by_pid.values() if session.ended is None
        )

    def streams(self) -> frozenset[int]:
        """Return the numbers of the files that sessions in progress write to."""
        return frozenset(
            session.stream for session in self.by_pid.values() if session.ended is None
        )

    def state(self) -> dict[str, Any]:
        """Return everything, for a checkpoint."""
        return {
            "latest": self.latest,
            "sessions": [
                [
                    pid.decode("latin-1"),
                    session.peer.decode("latin-1"),
                    *(getattr(session, name) for name in _SAVED),
                ]
                for pid, session in self.by_pid.items()
            ],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what a checkpoint holds; formats are to be given again."""
        self.latest = int(state["latest"])
        for pid, peer, *values in state["sessions"]:
            session = Session(**dict(zip(_SAVED, values, strict=True)))
            session.peer = peer.encode("latin-1")
            self.by_pid[pid.encode("latin-1")] = session
            if session.ended is not None and not session.is_counted:
                self._ended.append(session)

    def _make_room(self) -> None:
        """Forget a tenth at once: to sort for each alone would cost too much."""
        by_need = sorted(self.by_pid.items(), key=lambda item: _need(item[1]))
        for pid, _session in by_need[: MAX_SESSIONS // 10]:
            self.forget(pid)

    def _settle(self, session: Session) -> None:
        session.alike = None
        if not session.is_counted:
            session.is_counted = True
            self.over.append(session)

    def _sweep(self) -> None:
        expired = [
            pid for pid, session in self.by_pid.items() if self._is_stale(session)
        ]
        for pid in expired:
            self.forget(pid)

    def _is_stale(self, session: Session) -> bool:
        silent_seconds = self.latest - session.last
        if session.ended is not None:
            return silent_seconds >= FORGET_AFTER_SECONDS
        if session.direction == "none":
            return silent_seconds >= min(HANDSHAKE_SECONDS, self.expiry_seconds)
        return silent_seconds >= self.expiry_seconds


def _need(session: Session) -> tuple[int, int]:
    """Return how much a session is needed: least if it ended, or asked for nothing.

    A flood of short sessions must not end the count of a download that takes hours.
    """
    if session.ended is not None:
        return 0, session.last
    return 1 if session.direction == "none" else 2, session.last
