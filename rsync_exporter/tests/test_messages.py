"""What each message of the daemon means, and what may not pass for one."""
# ruff: noqa: E501 - messages as they are logged

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsync_exporter.rsyncd.events import (
    Allowed,
    AuthenticationFailed,
    ClientLost,
    Connected,
    ConnectionsExhausted,
    DaemonStarted,
    Denied,
    Event,
    Failed,
    FileFailed,
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
from rsync_exporter.rsyncd.messages import understand


@pytest.mark.parametrize(
    ("message", "event"),
    [
        (
            b"rsyncd version 3.5.0 starting, listening on port 8737",
            DaemonStarted("3.5.0", "8737"),
        ),
        (b"name lookup failed for ::1: Name or service not known", LookupFailed()),
        (b"forward name lookup for a.example failed: none", LookupFailed()),
        (b'a.example is not a known address for "192.0.2.1": spoofed', LookupFailed()),
        (b"connect from localhost (127.0.0.1)", Connected(b"localhost (127.0.0.1)")),
        (b"connect from UNKNOWN (::1)", Connected(b"UNKNOWN (::1)")),
        (
            b"connect from UNDETERMINED (fe80::1%eth0)",
            Connected(b"UNDETERMINED (fe80::1%eth0)"),
        ),
        (b"connect from 203.0.113.9", Connected(b"203.0.113.9")),
        (b"module-list request from localhost (127.0.0.1)", ModulesListed()),
        (b"unknown module 'no' tried from localhost (127.0.0.1)", UnknownModule()),
        (
            b"unknown module 'a' tried from h (9.9.9.9)' tried from h (127.0.0.1)",
            UnknownModule(),
        ),
        (b"rsync denied on module m from localhost (127.0.0.1)", Denied(b"m")),
        (b"proxy protocol rejected from untrusted peer h (192.0.2.1)", Denied(b"")),
        (b"rsync allowed access on module a b from h (127.0.0.1)", Allowed(b"a b")),
        (b"max connections (7) reached", ConnectionsExhausted(7)),
        (
            b"auth failed on module m from h (::1) for alice: password mismatch",
            AuthenticationFailed("password mismatch"),
        ),
        (
            b"auth failed on module m from h (::1) for x from y (9.9.9.9): denied by rule",
            AuthenticationFailed("denied by rule"),
        ),
        (
            b"auth failed on module m from h (::1): negotiated auth digest md4 is weaker"
            b" than the required 'auth digest = sha256'",
            AuthenticationFailed("digest"),
        ),
        (  # rsync 3.0
            b"auth failed on module m from h (192.0.2.1)",
            AuthenticationFailed("other"),
        ),
        (
            b"rsync on exercise/ from localhost (127.0.0.1)",
            Requested("pull", b"exercise"),
        ),
        (b"rsync on a b/c d/e from h (127.0.0.1)", Requested("pull", b"a b")),
        (b"rsync to rw/ from alice@localhost (127.0.0.1)", Requested("push", b"rw")),
        (b"building file list", Routine()),
        (b"receiving file list", Routine()),
        (b"send h [127.0.0.1] m () connect from evil (1.2.3.4) 1", FileLine()),
        (b"recv h [127.0.0.1] m () f 1", FileLine()),
        (b"del. h [127.0.0.1] m () f 0", FileLine()),
        (
            b"sent 5370019986 bytes  received 51 bytes  total size 5368709120",
            Summary(5370019986, 51, 5368709120),
        ),
        (  # rsync 3.1.0
            b"sent 1,234 bytes  received 51 bytes  total size 5,368,709",
            Summary(1234, 51, 5368709),
        ),
        (
            b"rsync error: received SIGINT, SIGTERM, or SIGHUP (code 20)"
            b" at io.c(586) [sender=3.5.0]",
            Failed(20, "sender"),
        ),
        (
            b"rsync error: error in file IO (code 11) at main.c(1) [Receiver=3.5.0]",
            Failed(11, "receiver"),
        ),
        (
            b"rsync error: some files/attrs were not transferred (see previous errors)"
            b" (code 23) at main.c(1042)",
            Failed(23, "other"),
        ),
        (
            b"rsync warning: some files vanished before they could be transferred"
            b" (code 24) at main.c(1835) [sender=3.2.7]",
            Failed(24, "sender"),
        ),
        (
            b"rsync error: remote command not found (code 127) at io.c(226) [x=3.5.0]",
            Failed(127, "other"),
        ),
        (b"rsync: [sender] write error: Broken pipe (32)", ClientLost()),
        (b"rsync: [sender] read error: Connection reset by peer (104)", ClientLost()),
        (
            b"rsync: connection unexpectedly closed (5 bytes received so far) [generator]",
            ClientLost(),
        ),
        (b"[sender] io timeout after 2 seconds -- exiting", TimedOut()),
        (b"[Receiver] daemon handshake timeout -- exiting", TimedOut()),
        (b"ERROR: module is read only", Refused()),
        (b"rsync: The server is configured to refuse --delete", Refused()),
        (b"rsync: on remote machine: --bogus: unknown option", Refused()),
        (
            b'rsync: [Receiver] ERROR: cannot stat destination "a" (in m): No (20)',
            Refused(),
        ),
        (b"pre-xfer exec returned failure (256)", Refused()),
        (b"No path specified for module m", Misconfigured()),
        (b"Invalid uid nobody", Misconfigured()),
        (
            b'rsync: [Receiver] chroot("/srv/x") failed: No such file or directory (2)',
            Misconfigured(),
        ),
        (
            b"rsync: [Receiver] chdir /gone failed: No such file or directory (2)",
            Misconfigured(),
        ),
        (
            b'rsync: [sender] link_stat "a" (in m) failed: No such file or directory (2)',
            FileFailed("link_stat", "ENOENT"),
        ),
        (
            b'rsync: [sender] send_files failed to open "a" (in m): Permission denied (13)',
            FileFailed("open", "EACCES"),
        ),
        (
            b'rsync: [receiver] write failed on "/a" (in m): No space left on device (28)',
            FileFailed("write", "ENOSPC"),
        ),
        (b'rsync: read errors mapping "a": I/O error (5)', FileFailed("read", "EIO")),
        (b'rsync: fly to "moon": Never heard (999)', FileFailed("other", "other")),
        (b'file has vanished: "a" (in m)', FileVanished()),
        (b'directory has vanished: "a" (in m)', FileVanished()),
        (b"IO error encountered -- skipping file deletion", Incomplete()),
        (b"Deletions stopped due to --max-delete limit (2 skipped)", Incomplete()),
    ],
)
def test_messages_that_count(message: bytes, event: Event):
    assert understand(message) == event


@pytest.mark.parametrize(
    ("message", "event"),
    [
        (b"auth failed on module m from h (::1) for x", AuthenticationFailed("other")),
        (b'file has vanished: "x', FileVanished()),
        (
            b'rsync: [sender] link_stat "x',
            FileFailed("link_stat", "other"),
        ),
    ],
)
def test_a_message_without_its_end_may_go_on_in_the_next_line(
    message: bytes, event: Event
):
    assert understand(message) == Unended(event)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"sent 77 bytes  received 77 bytes  total size 77 2",
        b"sent 1 bytes  received 1 bytes  total size " + b"9" * 5000,
        b"sent 1,234 bytes  received 51 bytes  99.00 bytes/sec",
        b"sent ,1 bytes  received 1 bytes  total size 1",
        b"sent 1 bytes,  received 1 bytes  total size 1",
        b"connect from localhost (127.0.0.1) and more",
        b"max connections (1) reached, connect from h (127.0.0.1)",
        b"rsync error: unexplained error (code 999) at main.c(1) [sender=3.5.0]",
        b"rsync error: (code 1)",
        b"rsync was here",
        b"rsync: nothing of note",
        b'skipping non-regular file "sent 9 bytes"',
        b"delta-transmission disabled for local transfer or --whole-file",
    ],
)
def test_messages_that_count_for_nothing(message: bytes):
    assert understand(message) is None


HEADS = (
    *(b"connect from ", b"rsync error: ", b"rsync on ", b"sent 1 bytes  ", b"rsync "),
    *(b"rsync: ", b'rsync: [sender] link_stat "', b"rsync: read error: ", b"[x] "),
    *(b"auth failed on module ", b"unknown module '", b"rsync denied on module "),
    *(b"rsync: chdir ", b"file has vanished: ", b"max connections (", b"a "),
)


@given(st.sampled_from([b"", *HEADS]), st.binary())
def test_no_message_breaks_the_reading(head: bytes, rest: bytes):
    understand(head + rest)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "filler",
    [
        *(b" ", b"(", b"1", b"a", b" (code 1)", b" at a(1)", b"[", b"1,", b"(1", b'"'),
        *(b" from ", b" from h (1)", b": ", b" failed", b": a (1)", b" ("),
        b" is not a known address for ",
    ],
)
def test_a_hostile_message_takes_no_longer_than_its_length(filler: bytes):
    for head in HEADS:
        for _ in range(5):
            understand(head + filler * (60_000 // len(filler)))
            understand(head + b" (code 1) at " + filler * (60_000 // len(filler)))
