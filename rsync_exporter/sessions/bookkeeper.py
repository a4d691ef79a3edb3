"""Records of a daemon's log to counts, by what is known of their sessions."""

from rsync_exporter.rsyncd import events
from rsync_exporter.sessions.closing import close
from rsync_exporter.sessions.labels import ModuleLabels
from rsync_exporter.sessions.ledger import Ledger
from rsync_exporter.sessions.networks import Networks
from rsync_exporter.sessions.register import Register
from rsync_exporter.sessions.results import IGNORED, MATCHED, SUSPECT
from rsync_exporter.sessions.session import Session
from rsync_exporter.sessions.steps import Steps
from rsync_exporter.sessions.transfer_log import TransferLog

# A daemon restarts now and then; who forges starts is not to fill the memory.
_MOST_MASTERS = 100

_BEFORE_SESSIONS = frozenset(
    [events.Connected, events.DaemonStarted, events.LookupFailed]
)
_DAEMON_STOPPED = (events.Summary(0, 0, 0), events.Failed(20, "receiver"))


class Bookkeeper:
    """Takes records one by one and keeps the ledger.

    by_pid: the sessions that are known.
    masters: processes that said they listen for connections.
    """

    def __init__(
        self,
        ledger: Ledger,
        register: Register,
        modules: ModuleLabels,
        networks: Networks,
    ) -> None:
        self.transfer_log = TransferLog(ledger, register)
        self.take_alike = self.transfer_log.take_alike
        self.by_pid = register.by_pid
        self.masters: dict[bytes, None] = {}
        self._ledger = ledger
        self._register = register
        self._networks = networks
        self._steps = Steps(ledger, register, modules, self.transfer_log).by_event
        self._results = dict.fromkeys((MATCHED, IGNORED, SUSPECT), 0)

    def take(
        self,
        session: Session | None,
        time: int | None,
        pid: bytes | None,
        message: bytes,
        event: events.Event | None,
    ) -> None:
        """Count a record, which comes in its parts; session: whose it is, if known."""
        register = self._register
        if time is None:
            time = register.latest
        elif time > register.latest:
            register.advance(time)
            self.settle()
            session = register.by_pid.get(pid) if pid else None
        if session is None or type(event) in _BEFORE_SESSIONS:
            result = self._begin(pid, time, event)
        else:
            session.last, session.stream = time, register.stream
            if step := self._steps.get(type(event)):
                result = step(session, time, event)
            else:
                result = self.transfer_log.take(session, message, event)
        self._results[result] += 1

    def take_results(self) -> dict[str, int]:
        """Return how many records were matched, ignored or suspect since last asked."""
        results, self._results = self._results, dict.fromkeys(self._results, 0)
        results[MATCHED] += self.transfer_log.take_alike_count()
        return results

    def settle(self) -> None:
        """Count the sessions that are over."""
        over, self._register.over = self._register.over, []
        for session in over:
            close(session, self._ledger, self._networks)

    def give_formats(self) -> None:
        """Read each session's lines by the formats as they are now."""
        for session in self._register.by_pid.values():
            self.transfer_log.begin(session)

    def _begin(self, pid: bytes | None, time: int, event: events.Event | None) -> str:
        ledger = self._ledger
        if pid is None:
            return self._take_of_no_session(event)
        if type(event) is events.Connected:
            self._open(pid, Session(time, time, self._register.stream, event.peer))
            return MATCHED
        match event:
            case events.LookupFailed():
                ledger.lookup_failures += 1
            case events.DaemonStarted():
                self._start_daemon(pid, event)
            case None | events.Routine():
                return IGNORED
            case _:
                return self._take_orphan(pid, event)
        return MATCHED

    def _open(self, pid: bytes, session: Session) -> None:
        self._ledger.connections += 1
        self.masters.pop(pid, None)
        self.transfer_log.begin(session)
        self._register.open(pid, session)
        if self._register.over:
            self.settle()

    def _start_daemon(self, pid: bytes, event: events.DaemonStarted) -> None:
        self._ledger.daemon_starts += 1
        self._ledger.daemon = {(event.version, event.port): 1}
        self.masters[pid] = None
        if len(self.masters) > _MOST_MASTERS:
            del self.masters[next(iter(self.masters))]

    def _take_orphan(self, pid: bytes, event: events.Event) -> str:
        """Judge a line of a session that nobody has seen begin.

        A daemon that is told to stop says so as a session would, and by nothing else.
        A push has two processes, and the second logs by its own number when the first
        is gone: that its client is lost (measured).
        """
        is_lost = type(event) is events.ClientLost
        if pid in self.masters or event in _DAEMON_STOPPED or is_lost:
            return IGNORED
        return SUSPECT

    def _take_of_no_session(self, event: events.Event | None) -> str:
        """Count what a line says by itself: its format has no process number."""
        ledger = self._ledger
        match event:
            case events.Connected():
                ledger.connections += 1
            case events.Requested():
                ledger.executions += 1
            case events.Summary():
                ledger.add_summary("", event)
            case events.Failed(code, _):
                ledger.status_codes[code] += 1
            case _:
                return IGNORED
        return MATCHED
