"""What each line of a session does to it, and adds to the counts."""

from collections.abc import Callable
from typing import Any

from rsync_exporter.rsyncd import events
from rsync_exporter.sessions.labels import ModuleLabels
from rsync_exporter.sessions.ledger import Ledger
from rsync_exporter.sessions.register import Register
from rsync_exporter.sessions.results import IGNORED, MATCHED, SUSPECT
from rsync_exporter.sessions.session import Outcome, Session
from rsync_exporter.sessions.transfer_log import TransferLog

type Step = Callable[[Session, int, Any], str]


class Steps:
    """Takes what a line means, by the kind of event, and returns what the line was.

    The transfer log's lines are not among them.
    """

    def __init__(
        self,
        ledger: Ledger,
        register: Register,
        modules: ModuleLabels,
        transfer_log: TransferLog,
    ) -> None:
        self._ledger = ledger
        self._register = register
        self._modules = modules
        self._transfer_log = transfer_log
        self.by_event: dict[type, Step] = {
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

    def _list(self, session: Session, time: int, _event: object) -> str:
        self._ledger.module_lists += 1
        return self._end(session, time, "list")

    def _unknown_module(self, session: Session, time: int, _event: object) -> str:
        self._ledger.unknown_modules += 1
        return self._end(session, time, "unknown_module")

    def _deny(self, session: Session, time: int, event: events.Denied) -> str:
        if event.module:
            self._use_module(session, event.module)
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
        self._ledger.add_summary(session.module, event)
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

    def _use_module(self, session: Session, name: bytes) -> None:
        session.module = self._modules.of(name)
        self._transfer_log.begin(session)

    def _end(self, session: Session, time: int, verdict: Outcome | None = None) -> str:
        session.verdict = session.verdict or verdict
        self._register.end(session, time)
        return MATCHED
