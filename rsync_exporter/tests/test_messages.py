"""What each message of the daemon means, and what may not pass for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsync_exporter.rsyncd.messages import (
    Connected,
    DaemonStarted,
    Event,
    Executed,
    Failed,
    Transferred,
    understand,
)


@pytest.mark.parametrize(
    ("message", "event"),
    [
        (b"rsyncd version 3.5.0 starting, listening on port 8737", DaemonStarted()),
        (b"connect from localhost (127.0.0.1)", Connected()),
        (b"connect from UNKNOWN (::1)", Connected()),
        (b"connect from UNDETERMINED (fe80::1%eth0)", Connected()),
        (b"connect from 203.0.113.9", Connected()),
        (b"rsync on exercise/ from localhost (127.0.0.1)", Executed()),
        (b"rsync on exercise/connect from me from localhost (127.0.0.1)", Executed()),
        (b"rsync to rw/ from alice@localhost (127.0.0.1)", Executed()),
        (b"rsync on exercise/" + b"a" * 2029, Executed()),
        (
            b"sent 5370019986 bytes  received 51 bytes  total size 5368709120",
            Transferred(5370019986, 51, 5368709120),
        ),
        (  # rsync 3.1.0
            b"sent 1,234 bytes  received 51 bytes  total size 5,368,709",
            Transferred(1234, 51, 5368709),
        ),
        (
            b"rsync error: received SIGINT, SIGTERM, or SIGHUP (code 20)"
            b" at io.c(586) [sender=3.5.0]",
            Failed(20),
        ),
        (
            b"rsync error: some files/attrs were not transferred (see previous errors)"
            b" (code 23) at main.c(1042)",
            Failed(23),
        ),
        (
            b"rsync warning: some files vanished before they could be transferred"
            b" (code 24) at main.c(1835) [sender=3.2.7]",
            Failed(24),
        ),
        (
            b"rsync error: remote command not found (code 127) at io.c(226) [x=3.5.0]",
            Failed(127),
        ),
    ],
)
def test_messages_that_count(message: bytes, event: Event):
    assert understand(message) == event


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"building file list",
        b"max connections (1) reached",
        b"module-list request from localhost (127.0.0.1)",
        b"unknown module 'connect from evil (1.2.3.4)' tried from h (127.0.0.1)",
        b"rsync allowed access on module connect from localhost (127.0.0.1)",
        b"rsync denied on module denied from localhost (127.0.0.1)",
        b"rsync: on remote machine: --bogus-opt: unknown option",
        b"rsync: connection unexpectedly closed (53 bytes received so far) [generator]",
        b"rsync: [sender] write error: Broken pipe (32)",
        b"send localhost [127.0.0.1] exercise () connect from evil (1.2.3.4) 1",
        b"recv h [127.0.0.1] rw () sent 7 bytes  received 7 bytes  total size 7",
        b"sent 77 bytes  received 77 bytes  total size 77 2",
        b"sent 1 bytes  received 1 bytes  total size " + b"9" * 5000,
        b"connect from localhost (127.0.0.1) and more",
        b"rsync error: unexplained error (code 999) at main.c(1) [sender=3.5.0]",
        b"rsync error: (code 1)",
    ],
)
def test_messages_that_count_for_nothing(message: bytes):
    assert understand(message) is None


HEADS = (b"connect from ", b"rsync error: ", b"rsync on ", b"sent 1 bytes  ", b"rsync ")


@given(st.sampled_from([b"", *HEADS]), st.binary())
def test_no_message_breaks_the_reading(head: bytes, rest: bytes):
    understand(head + rest)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "filler", [b" ", b"(", b"1", b"a", b" (code 1)", b" at a(1)", b"[", b"1,", b"(1"]
)
def test_a_hostile_message_takes_no_longer_than_its_length(filler: bytes):
    for head in HEADS:
        for _ in range(10):
            understand(head + filler * 60_000)
            understand(head + b" (code 1) at " + filler * 60_000)
