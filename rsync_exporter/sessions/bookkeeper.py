"""What each message adds to the counts, by what is known of its session."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from rsync_exporter.rsyncd import events
from rsync_exporter.rsyncd.alike import Alike
from rsync_exporter.rsyncd.log_format import LogFormat
from rsync_exporter.sessions.labels import ModuleLabels
from rsync_exporter.sessions.ledger import Ledger
from rsync_exporter.sessions.networks import Networks
from rsync_exporter.sessions.register import Register
from rsync_exporter.sessions.session import Outcome, Session

MATCHED, IGNORED, SUSPECT = "matched", "ignored", "suspect"

_MOST_MASTERS = 100

type Handler = Callable[[Session, int, Any], str]


class Bookkeeper:
    """Takes records one by one and keeps the ledger.

    formats: the log format of each module, by its label, and of all others.
    stream: the number of the file whose records come now.
    """

    def __init__(
        self,
        ledger: Ledger,
        register: Register,
        modules: ModuleLabels,
        networks: Networks,
    ) -> None:
        self.formats: dict[str, LogFormat] = {}
        self.stream = 0
        self.masters: dict[bytes, None] = {}
        self._ledger = ledger
        self._register = register
        self._modules = modules
        self._networks = networks
        self._results = Counter[str]()
        self._handlers: dict[type, Handler] = {
            events.ModulesListed: self._list,
            events.UnknownModule: self._unknown_module,
            events.Denied: self._deny,
            events.Allowed: self._allow,
            events.ConnectionsExhausted: self._exhaust,
            events.AuthenticationFailed: self._fail_authentication,
            events.Requested: self._request,
            events.Summary: self._summarise,
            events.Failed: self._fail,
            events.FileFailed: self._fail_file,
            events.FileVanished: self._vanish,
            events.Incomplete: self._note_incomplete,
            events.ClientLost: self._lose_client,
            events.TimedOut: self._time_out,
            events.Refused: self._refuse,
            events.Misconfigured: self._misconfigure,
            events.Routine: self._ignore,
        }

    def take(
        self,
        time: int | None,
        pid: bytes | None,
        message: bytes,
        event: events.Event | None,
    ) -> None:
        """Count a record, in parts as it costs too much to put together and apart."""
        register = self._register
        if time is None:
            time = register.latest
        elif time > register.latest:
            register.advance(time)
            self.settle()
        session = register.by_pid.get(pid) if pid else None
        if session is None or type(event) in _BEFORE_SESSIONS:
            self._results[self._begin(pid, time, event)] += 1
            return
        session.last, session.stream = time, self.stream
        handler = self._handlers.get(type(event))
        if handler:
            self._results[handler(session, time, event)] += 1
        else:
            self._results[self._take_file_line(session, message, event)] += 1

    def take_results(self) -> Counter[str]:
        """Return how many records were matched, ignored or suspect since last asked."""
        results, self._results = self._results, Counter()
        return results

    def settle(self) -> None:
        """Count the sessions that are over."""
        over, self._register.over = self._register.over, []
        for session in over:
            self._count(session)

    def give_formats(self) -> None:
        """Give each session its module's log format."""
        for session in self._register.by_pid.values():
            session.format = self._format_of(session.module)
            session.take_alike = None

    # ---- lines that need no session -------------------------------------------------

    def _begin(self, pid: bytes | None, time: int, event: events.Event | None) -> str:
        ledger = self._ledger
        if pid is None:
            return self._take_of_no_session(event)
        match event:
            case events.Connected(address):
                self._open(pid, Session(time, time, self.stream, address))
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
        session.format = self.formats[""]
        self._register.open(pid, session)
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
        if pid in self.masters or event in _DAEMON_STOPPED:
            return IGNORED
        if type(event) is events.ClientLost:
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
                self._add_summary("", event)
            case events.Failed(code, _):
                ledger.status_codes[code] += 1
            case _:
                return IGNORED
        return MATCHED

    # ---- lines of a session ---------------------------------------------------------

    def _take_file_line(
        self, session: Session, message: bytes, event: events.Event | None
    ) -> str:
        if event is None and session.format.begins_with_operation:
            return IGNORED
        transfer = session.format.read(message)
        if transfer is None:
            return IGNORED
        if session.take_alike is None and (alike := session.format.alike(message)):
            session.take_alike = partial(self._take_alike, session, alike)
        operation, length, transferred = transfer
        operation = operation or _OPERATIONS.get(session.direction, "send")
        ledger, key = self._ledger, (session.module, operation)
        ledger.files[key] += 1
        if length:
            ledger.file_bytes[key] += length
        if transferred is not None:
            ledger.transferred_file_bytes[key] += transferred
        return MATCHED

    def _take_alike(
        self, session: Session, alike: Alike, time: int | None, message: bytes
    ) -> bool:
        """Count a line that begins like one before: most lines of a busy log do."""
        length = alike.length(message)
        if length is None or time is None or time > self._register.latest:
            return False
        session.last, session.stream = time, self.stream
        key = session.module, alike.operation
        self._ledger.files[key] += 1
        if length:
            self._ledger.file_bytes[key] += length
        self._results[MATCHED] += 1
        return True

    def _list(self, session: Session, time: int, _event: object) -> str:
        self._ledger.module_lists += 1
        return self._end(session, time, "list")

    def _unknown_module(self, session: Session, time: int, _event: object) -> str:
        self._ledger.unknown_modules += 1
        return self._end(session, time, "unknown_module")

    def _deny(self, session: Session, time: int, event: events.Denied) -> str:
        if event.module:
            session.module = self._modules.of(event.module)
        self._ledger.denied[session.module] += 1
        return self._end(session, time, "denied")

    def _allow(self, session: Session, _time: int, event: events.Allowed) -> str:
        self._use_module(session, event.module)
        return MATCHED

    def _exhaust(
        self, session: Session, time: int, event: events.ConnectionsExhausted
    ) -> str:
        self._ledger.exhausted[session.module] += 1
        self._ledger.connection_limits[session.module] = event.limit
        return self._end(session, time, "max_connections")

    def _fail_authentication(
        self, session: Session, time: int, event: events.AuthenticationFailed
    ) -> str:
        self._ledger.authentication_failures[session.module, event.reason] += 1
        return self._end(session, time, "auth_failed")

    def _request(self, session: Session, _time: int, event: events.Requested) -> str:
        if session.direction != "none":
            return SUSPECT
        self._ledger.executions += 1
        session.direction = event.direction
        if not session.module:
            self._use_module(session, event.module)
        return MATCHED

    def _summarise(self, session: Session, time: int, event: events.Summary) -> str:
        if session.sent is not None:
            return SUSPECT
        session.sent, session.received = event.sent, event.received
        self._add_summary(session.module, event)
        return self._end(session, time)

    def _fail(self, session: Session, time: int, event: events.Failed) -> str:
        if session.code is None:
            session.code = event.code
            self._ledger.status_codes[event.code] += 1
            self._ledger.errors[session.module, event.code, event.role] += 1
        return self._end(session, time)

    def _fail_file(self, session: Session, _time: int, event: events.FileFailed) -> str:
        session.incomplete = True
        self._ledger.file_errors[session.module, event.operation, event.errno] += 1
        return MATCHED

    def _vanish(self, session: Session, _time: int, _event: object) -> str:
        session.incomplete = True
        self._ledger.vanished_files[session.module] += 1
        return MATCHED

    def _note_incomplete(self, session: Session, _time: int, _event: object) -> str:
        session.incomplete = True
        return MATCHED

    def _lose_client(self, session: Session, _time: int, _event: object) -> str:
        session.client_lost = True
        return MATCHED

    def _time_out(self, session: Session, time: int, _event: object) -> str:
        return self._end(session, time, "timeout")

    def _refuse(self, session: Session, _time: int, _event: object) -> str:
        session.verdict = session.verdict or "refused"
        return MATCHED

    def _misconfigure(self, session: Session, time: int, _event: object) -> str:
        return self._end(session, time, "config_error")

    def _ignore(self, _session: Session, _time: int, _event: object) -> str:
        return IGNORED

    # ---- what they have in common ---------------------------------------------------

    def _use_module(self, session: Session, name: bytes) -> None:
        session.module = self._modules.of(name)
        session.take_alike = None
        session.format = self._format_of(session.module)

    def _format_of(self, module: str) -> LogFormat:
        return self.formats.get(module) or self.formats[""]

    def _end(self, session: Session, time: int, verdict: Outcome | None = None) -> str:
        session.verdict = session.verdict or verdict
        self._register.end(session, time)
        return MATCHED

    def _add_summary(self, module: str, summary: events.Summary) -> None:
        ledger = self._ledger
        ledger.sent_bytes += summary.sent
        ledger.received_bytes += summary.received
        ledger.exchanged_bytes += summary.total_size
        ledger.module_sent_bytes[module] += summary.sent
        ledger.module_received_bytes[module] += summary.received

    def _count(self, session: Session) -> None:
        module, direction, outcome = session.module, session.direction, session.outcome
        self._ledger.sessions[module, direction, outcome] += 1
        if direction == "none":
            self._ledger.without_request += outcome == "expired"
            return
        if session.sent is not None and session.received is not None:
            self._networks.add(session.address, session.sent, session.received)
            moved = session.sent if direction == "pull" else session.received
            self._ledger.transferred.observe((module, direction), moved)
        if session.ended is not None:
            self._count_ended((module, direction), session.began, session.ended)
            if outcome == "ok":
                _advance(self._ledger.last_success, (module, direction), session.ended)

    def _count_ended(self, key: tuple[str, str], began: int, ended: int) -> None:
        ledger, seconds = self._ledger, ended - began
        if seconds < 0:  # the clock was set, or summer time ended
            ledger.clock_regressions += 1
        ledger.durations.observe(key, max(0, seconds))
        _advance(ledger.last_session, key, ended)


def _advance(times: dict[tuple[str, str], int], key: tuple[str, str], to: int) -> None:
    if times.get(key, 0) < to:
        times[key] = to


# Where the log format does not say it.
_OPERATIONS = {"pull": "send", "push": "recv"}
_BEFORE_SESSIONS = frozenset(
    [events.Connected, events.DaemonStarted, events.LookupFailed]
)
_DAEMON_STOPPED = (events.Summary(0, 0, 0), events.Failed(20, "receiver"))
