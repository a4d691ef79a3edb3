"""What the daemon's messages mean.

The head of a message decides and its end must fit: what users name stands between what
the daemon itself writes, so no name can pass for a message (unless the daemon's `log
format` begins with a file's name).
Shapes measured on rsync 3.2.7 and 3.5.0, texts from their sources; commas in numbers
are 3.1.0's.
"""

import re
from collections.abc import Callable

from rsync_exporter.rsyncd import file_errors
from rsync_exporter.rsyncd.events import (
    Allowed,
    AuthenticationFailed,
    Connected,
    ConnectionsExhausted,
    DaemonStarted,
    Denied,
    Direction,
    Event,
    Failed,
    FileLine,
    FileVanished,
    Incomplete,
    LookupFailed,
    Misconfigured,
    ModulesListed,
    Refused,
    Requested,
    Routine,
    Summary,
    TimedOut,
    Unended,
    UnknownModule,
)
from rsync_exporter.rsyncd.exit_codes import MAX_CODE

type Reading = Event | Unended | None

REASONS = (
    "password mismatch",
    "secret not found",
    "no matching rule",
    "denied by rule",
    "no secrets file",
    "ignoring secrets file",
    "invalid username",
    "invalid challenge response",
    "digest",
    "other",
)
ROLES = ("sender", "receiver", "generator", "client", "server", "other")

_NUMBER = rb"(\d{1,25}+)"
_COMMA = re.compile(rb"(?<=\d),(?=\d)")
_SUMMARY = re.compile(
    rb"sent %b bytes  received %b bytes  total size %b" % (_NUMBER, _NUMBER, _NUMBER)
)
_FAILURE = re.compile(
    rb"rsync (?:error|warning): [^\[]* \(code (\d{1,3})\)"
    rb" at [^ \[]+\(\d+\)(?: \[(\w*)[^\[]*\])?"
)
_CONNECT = re.compile(rb"connect from [^ ]++(?: \([^ ()]++\))?")
_EXHAUSTED = re.compile(rb"max connections \((\d{1,9})\) reached")
_STARTED = re.compile(
    rb"rsyncd version ([^ ]{1,40}) starting, listening on port (\d{1,5})"
)
_TIMED_OUT = re.compile(
    rb"\[\w+\] (?:io timeout after \d+ seconds|daemon handshake timeout) -- exiting"
)
_ROLE = re.compile(rb"rsync: (?:\[\w+\] )?")
_NO_ADDRESS = re.compile(rb'[^ ]+ is not a known address for "[^"]*".*', re.DOTALL)


_FILE_LINE = FileLine()  # one is enough, and most lines of a busy log are of this kind


def understand(message: bytes) -> Reading:
    """Return what a message means; None where it means nothing that is counted."""
    read = _READERS.get(message.partition(b" ")[0])
    if read:
        return read(message)
    if message[:1] == b"[" and _TIMED_OUT.fullmatch(message):
        return TimedOut()
    if b" is not a known address for " in message and _NO_ADDRESS.fullmatch(message):
        return LookupFailed()
    return None


def _read_connect(message: bytes) -> Reading:
    return Connected(message[13:]) if _CONNECT.fullmatch(message) else None


def _read_summary(message: bytes) -> Reading:
    if b"," in message:
        message = _COMMA.sub(b"", message)
    match = _SUMMARY.fullmatch(message)
    if match is None:
        return None
    sent, received, total_size = match.groups()
    return Summary(int(sent), int(received), int(total_size))


def _read_rsync(message: bytes) -> Reading:
    read = _RSYNC_READERS.get(message[6:9])
    return read(message) if read else None


def _read_request(message: bytes) -> Reading:
    direction: Direction = "pull" if message[6:9] == b"on " else "push"
    return Requested(direction, message[9:].partition(b"/")[0])


def _read_allowed(message: bytes) -> Reading:
    if not message.startswith(b"rsync allowed access on module "):
        return None
    return Allowed(message[31 : message.rfind(b" from ")])


def _read_denied(message: bytes) -> Reading:
    if not message.startswith(b"rsync denied on module "):
        return None
    return Denied(message[23 : message.rfind(b" from ")])


def _read_failure(message: bytes) -> Reading:
    match = _FAILURE.fullmatch(message)
    if match is None or int(match[1]) > MAX_CODE:
        return None
    role = (match[2] or b"").decode("ascii").lower()
    return Failed(int(match[1]), role if role in ROLES else "other")


def _read_colon(message: bytes) -> Reading:
    match = _ROLE.match(message)
    text = message[match.end() if match else 0 :]
    if text.startswith((b"ERROR: ", b"on remote machine: ", b"The server is config")):
        return Refused()
    if event := file_errors.understand(text):
        return event
    if file_errors.is_unended(text):
        return Unended(file_errors.understand(text + b'": cut (0)') or Routine())
    return None


def _read_unknown(message: bytes) -> Reading:
    return UnknownModule() if message.startswith(b"unknown module '") else None


def _read_list(message: bytes) -> Reading:
    asked = message.startswith(b"module-list request from ")
    return ModulesListed() if asked else None


def _read_exhausted(message: bytes) -> Reading:
    match = _EXHAUSTED.fullmatch(message)
    return ConnectionsExhausted(int(match[1])) if match else None


def _read_authentication(message: bytes) -> Reading:
    if not message.startswith(b"auth failed on module "):
        return None
    reason = message.rpartition(b": ")[2].decode("ascii", "replace")
    if reason in REASONS:
        return AuthenticationFailed(reason)
    if b"auth digest" in message[-200:]:
        return AuthenticationFailed("digest")
    event = AuthenticationFailed("other")
    return event if message.endswith(b")") or b": " in message else Unended(event)


def _read_vanished(message: bytes) -> Reading:
    if b" has vanished: " not in message[:24]:
        return None
    event = FileVanished()
    return event if message.endswith((b")", b'"')) else Unended(event)


def _read_file_line(_message: bytes) -> Reading:
    return _FILE_LINE


def _read_daemon(message: bytes) -> Reading:
    match = _STARTED.fullmatch(message)
    if match is None:
        return None
    return DaemonStarted(*(part.decode("ascii", "replace") for part in match.groups()))


def _when(start: bytes, event: Event) -> Callable[[bytes], Reading]:
    return lambda message: event if message.startswith(start) else None


_RSYNC_READERS: dict[bytes, Callable[[bytes], Reading]] = {
    b"on ": _read_request,
    b"to ": _read_request,
    b"all": _read_allowed,
    b"den": _read_denied,
    b"err": _read_failure,
    b"war": _read_failure,
}

_READERS: dict[bytes, Callable[[bytes], Reading]] = {
    b"send": _read_file_line,
    b"recv": _read_file_line,
    b"del.": _read_file_line,
    b"deleting": _read_file_line,
    b"connect": _read_connect,
    b"rsync": _read_rsync,
    b"sent": _read_summary,
    b"building": _when(b"building file list", Routine()),
    b"receiving": _when(b"receiving file list", Routine()),
    b"rsync:": _read_colon,
    b"ERROR:": _when(b"ERROR: ", Refused()),
    b"pre-xfer": _when(b"pre-xfer exec returned failure", Refused()),
    b"early": _when(b"early exec returned failure", Refused()),
    b"unknown": _read_unknown,
    b"module-list": _read_list,
    b"max": _read_exhausted,
    b"auth": _read_authentication,
    b"file": _read_vanished,
    b"directory": _read_vanished,
    b"IO": _when(b"IO error encountered", Incomplete()),
    b"Deletions": _when(b"Deletions stopped due to --max-delete", Incomplete()),
    b"name": _when(b"name lookup failed for ", LookupFailed()),
    b"forward": _when(b"forward name lookup for ", LookupFailed()),
    b"No": _when(b"No path specified for module ", Misconfigured()),
    b"Invalid": _when(b"Invalid uid ", Misconfigured()),
    b"Symlink": _when(b"Symlink munging is unsafe", Misconfigured()),
    b"normalize_path(": _when(b"normalize_path(", Misconfigured()),
    b"proxy": _when(b"proxy protocol rejected ", Denied(b"")),
    b"rsyncd": _read_daemon,
}
