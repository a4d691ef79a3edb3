"""What a daemon refuses or cannot do, what breaks off, and what must be said of it."""

import signal

from rsync_exporter.tests import acts
from rsync_exporter.tests.acts import HUGE_BYTES, pull, push, where
from rsync_exporter.tests.scenario import (
    HUGE,
    INTERRUPTED_PULL,
    OWN,
    READ,
    WRITE,
    Scenario,
    says,
)

INTERRUPTED_PUSH = "20 signal generator or 20 signal receiver or 12 stream_io generator"
KILL, TERM, INT = signal.SIGKILL, signal.SIGTERM, signal.SIGINT

FAILURES = [
    # What the daemon refuses, or cannot do.
    Scenario(
        "push_to_read_only",
        OWN,
        push(ends=1),
        says("push refused", error="1 usage receiver"),
    ),
    Scenario(
        "pull_from_write_only",
        {"write only": "yes"},
        pull(ends=1),
        says("pull refused", error="1 usage sender"),
    ),
    Scenario(
        "remove_from_read_only",
        READ,
        pull("small", options="--remove-source-files", ends=1),
        says("pull refused", error="1 usage sender"),
    ),
    Scenario(
        "push_below_a_file",
        WRITE,
        where("a", then=push("a/b/c", ends=3)),
        says("push refused", error="3 file_select receiver"),
    ),
    Scenario(
        "push_to_missing_path",
        WRITE,
        push("a/b/c", ends=11),
        says("push error", error="11 file_io receiver", file_errors=("mkdir ENOENT",)),
    ),
    Scenario(
        "refused_option",
        {**WRITE, "refuse options": "delete"},
        push(options="--delete", ends=4),
        says("push refused", error="4 unsupported receiver"),
    ),
    Scenario(
        "bad_option",
        READ,
        pull(options="-M--bogus", ends=10),
        says("pull refused", error="4 unsupported sender"),
    ),
    Scenario(
        "push_with_bad_option",
        WRITE,
        push(options="-M--bogus", ends=4),
        says("push refused", error="4 unsupported receiver"),
    ),
    Scenario(
        "command_before",
        {**READ, "pre-xfer exec": "/bin/false"},
        pull(ends=10),
        says("pull refused", error="4 unsupported sender"),
    ),
    Scenario(
        "command_before_push",
        {**WRITE, "pre-xfer exec": "/bin/false"},
        push(ends=4),
        says("push refused", error="4 unsupported receiver"),
    ),
    Scenario(
        "push_too_much",
        WRITE,
        acts.push_too_much,
        says("push error", error="11 file_io receiver", file_errors=("write EFBIG",)),
    ),
    # Clients that break off.
    Scenario(
        "killed_pull",
        HUGE,
        acts.break_pull(KILL),
        says("pull aborted", total_size=HUGE_BYTES, error="10 socket_io sender"),
    ),
    Scenario(
        "terminated_pull",
        HUGE,
        acts.break_pull(TERM),
        says("pull aborted", total_size=HUGE_BYTES, error=INTERRUPTED_PULL),
    ),
    Scenario(
        "interrupted_pull",
        HUGE,
        acts.break_pull(INT),
        says("pull aborted", total_size=HUGE_BYTES, error=INTERRUPTED_PULL),
    ),
    Scenario(
        "stalled_pull",
        {**HUGE, "timeout": "2"},
        acts.stall_pull,
        says("pull timeout", total_size=HUGE_BYTES, error="30 timeout sender"),
    ),
    Scenario(
        "killed_push",
        WRITE,
        acts.break_push(KILL),
        says("push aborted", error="12 stream_io generator"),
    ),
    Scenario(
        "terminated_push",
        WRITE,
        acts.break_push(TERM),
        says("push aborted", error=INTERRUPTED_PUSH),
    ),
    Scenario(
        "interrupted_push",
        WRITE,
        acts.break_push(INT),
        says("push aborted", error=INTERRUPTED_PUSH),
    ),
    # The daemon's own processes that are ended; nobody is left to log it when killed.
    Scenario(
        "terminated_server",
        HUGE,
        acts.end_server(TERM),
        says("pull aborted", total_size=HUGE_BYTES, error="20 signal sender"),
    ),
    Scenario("killed_server", HUGE, acts.end_server(KILL), says("pull under-way")),
]
