"""The visits: all that can happen between a daemon and its clients, once a round."""

from typing import NamedTuple

from demo.rsyncd.acts import (
    Act,
    interrupted,
    killed,
    knock,
    meanwhile,
    midway,
    removed,
    rsync,
    stalled,
)
from demo.rsyncd.files import PASSWORD


class Visit(NamedTuple):
    """Something that happens.

    outcome: as rsync_exporter counts it in rsyncd_sessions_total.
    leaves: a regular expression for what the daemon's log then says, without stamps.
    """

    what: str
    outcome: str
    act: Act
    leaves: bytes


# A megabyte takes four seconds.
SLOWLY = "--bwlimit=250"
NARROW = "-a DAEMON/narrow/small.tar COPY"

FROM = rb"from \S+ \(127\.0\.0\.1\)"

VISITS = (
    # First, as it is the last to be known: a connection expires after five minutes.
    Visit("a port scan", "expired", knock, rb"connect " + FROM),
    Visit(
        "a list of modules",
        "list",
        rsync("DAEMON/"),
        rb"module-list request " + FROM,
    ),
    Visit(
        "a pull of large files",
        "ok",
        rsync("-a DAEMON/releases/ COPY"),
        rb"send 127\.0\.0\.1 releases \(\) 1\.0\.iso 1000000 1000\d+",
    ),
    Visit(
        "a pull of odd names",
        "ok",
        rsync("-a 'DAEMON/photo album/' COPY"),
        rb"send .* photo album \(\) two\\#012lines\.jpg 2000",
    ),
    Visit(
        "a pull with a password",
        "ok",
        rsync("-a DAEMON/private/ COPY", user="alice", password=PASSWORD),
        rb"rsync on private/ from alice@\S+ \(127\.0\.0\.1\)",
    ),
    Visit(
        "a push",
        "ok",
        rsync("-r FILES/outbox/ DAEMON/incoming/"),
        rb"recv .* incoming \(\) report\.txt 12",
    ),
    Visit(
        "a push of odd names, with deletions",
        "ok",
        rsync("-r --delete 'FILES/photo album/' DAEMON/incoming/"),
        rb"del\. .* incoming \(\) report\.txt 0",
    ),
    Visit(
        "a pull of a file that nobody may read",
        "partial",
        rsync("-a DAEMON/backup/ COPY"),
        rb'rsync: \[sender\] send_files failed to open "3 key\.pem"'
        rb" \(in backup\): Permission denied \(13\)",
    ),
    Visit(
        "a pull of a file that vanishes",
        "partial",
        midway(
            f"{SLOWLY} -a --exclude=*.pem DAEMON/backup/ COPY",
            removed("backup/2 notes.txt"),
        ),
        rb'file has vanished: "2 notes\.txt" \(in backup\)',
    ),
    Visit(
        "a push into a folder that is missing",
        "error",
        rsync("-r FILES/outbox/ DAEMON/incoming/not/here/"),
        rb"rsync error: .* \(code (3|11)\) at .*",
    ),
    Visit(
        "a pull whose client is killed",
        "aborted",
        midway(f"{SLOWLY} -a DAEMON/releases/ COPY", killed),
        rb"rsync error: error in socket IO \(code 10\) at .*",
    ),
    Visit(
        "a pull that someone ends with Ctrl-C",
        "aborted",
        midway(f"{SLOWLY} -a DAEMON/releases/ COPY", interrupted),
        rb"rsync error: received SIGINT, SIGTERM, or SIGHUP \(code 20\) at .*",
    ),
    Visit(
        "a push whose client is killed",
        "aborted",
        midway(f"{SLOWLY} -r FILES/outbox/ DAEMON/incoming/", killed),
        rb"rsync error: error in rsync protocol data stream \(code 12\) at .*",
    ),
    Visit(
        "a pull whose client stands still",
        "timeout",
        midway("--bwlimit=20000 -a DAEMON/narrow/large.tar COPY", stalled),
        rb"rsync error: timeout in data send/receive \(code 30\) at .*",
    ),
    Visit(
        "a pull while another has the only place",
        "max_connections",
        midway(f"{SLOWLY} {NARROW}", meanwhile(rsync(NARROW))),
        rb"max connections \(1\) reached",
    ),
    Visit(
        "a wrong password",
        "auth_failed",
        rsync("DAEMON/private/", user="alice", password="guess"),  # noqa: S106
        rb"auth failed on module private .* for alice: password mismatch",
    ),
    Visit(
        "an unknown user",
        "auth_failed",
        rsync("DAEMON/private/", user="mallory", password="guess"),  # noqa: S106
        rb"auth failed on module private .* for mallory: no matching rule",
    ),
    Visit(
        "nobody at all",
        "auth_failed",
        rsync("DAEMON/private/"),
        rb"auth failed on module private .* for nobody: no matching rule",
    ),
    Visit(
        "a client that is not welcome",
        "denied",
        rsync("DAEMON/internal/"),
        rb"rsync denied on module internal " + FROM,
    ),
    Visit(
        "a module that is unknown",
        "unknown_module",
        rsync("DAEMON/nonsense/"),
        rb"unknown module 'nonsense' tried " + FROM,
    ),
    Visit(
        "a push to what is read-only",
        "refused",
        rsync("-r FILES/outbox/ DAEMON/exercise/"),
        rb"ERROR: module is read only",
    ),
    Visit(
        "a pull of what is write-only",
        "refused",
        rsync("-r DAEMON/dropbox/ COPY"),
        rb"ERROR: module is write only",
    ),
    Visit(
        "a push with an option that is refused",
        "refused",
        rsync("-r --delete FILES/outbox/ DAEMON/dropbox/"),
        rb"rsync: The server is configured to refuse --delete",
    ),
    Visit(
        "a module without a folder",
        "config_error",
        rsync("DAEMON/lost/"),
        rb"rsync: \[Receiver\] chdir \S+/lost failed: No such file or directory \(2\)",
    ),
)
