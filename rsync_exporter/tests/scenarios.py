"""The table: what is done to a daemon, and what the exporter must say of it.

Each scenario has a module of its own, so that the label ``module`` tells them apart and
all can happen at the same time. What rsyncd writes in each was measured with 3.5.0.
"""

import os
import signal
from dataclasses import dataclass

from rsync_exporter.tests import acts
from rsync_exporter.tests.acts import (
    FILES,
    HUGE_BYTES,
    LETTER_BYTES,
    ODD_NAMES,
    Act,
    pull,
    push,
    twice,
    where,
)
from rsync_exporter.tests.daemon import Settings
from rsync_exporter.tests.says import Logging, Says


@dataclass(frozen=True)
class Scenario:
    """A row of the table. ``{folder}`` in settings is the daemon's folder."""

    name: str
    settings: Settings
    act: Act
    says: Says


def says(*sessions: str, **claims: object) -> Says:
    """Return claims about these sessions."""
    return Says(sessions, **claims)  # type: ignore[arg-type] # named in each row


def files(*names: str) -> tuple[int, int]:
    """Return the number and the bytes of some files of the exercise, or of all."""
    sizes = [FILES[name] for name in names or FILES]
    return len(sizes), sum(sizes)


def pulled(*names: str) -> Says:
    """Return what a pull of these files of the exercise must say, or of all."""
    return says("pull ok", total_size=files(*names)[1], sends=files(*names))


ALL, ALL_BYTES = files()
NO_LARGE = tuple(name for name in FILES if name != "large")
LETTER = (1, LETTER_BYTES)

# As nobody, there is something that the daemon may not read.
NOBODY: Settings = {"uid": "nobody", "gid": "nogroup"} if os.getuid() == 0 else {}
READ: Settings = {"path": "{folder}/exercise"}
HUGE: Settings = {"path": "{folder}/huge"}
OWN: Settings = {}
WRITE: Settings = {"read only": "no"}
AUTH: Settings = {
    "auth users": "alice, bob:deny, carol",
    "secrets file": "{folder}/secrets",
}

ALICE = "alice:wonder"
NO_AUTH = "none auth_failed"
FAILED = "rsyncd_auth_failures_total{{{module},"
INTERRUPTED_PULL = "20 signal sender or 10 socket_io sender"
INTERRUPTED_PUSH = "20 signal generator or 20 signal receiver or 12 stream_io generator"
KILL, TERM, INT = signal.SIGKILL, signal.SIGTERM, signal.SIGINT

# Names stand for themselves; the columns are: name, module, what is done, what is said.
TABLE = [
    # Pulls that go well.
    Scenario("pull", READ, pull(), pulled()),
    Scenario(
        "pull_again",
        READ,
        twice(pull()),
        says("pull ok", "pull ok", total_size=2 * ALL_BYTES, sends=files()),
    ),
    Scenario(
        "list_files",
        READ,
        acts.list_files,
        says("pull ok", total_size=ALL_BYTES),
    ),
    Scenario(
        "dry_run", READ, pull(options="-n"), says("pull ok", total_size=ALL_BYTES)
    ),
    Scenario(
        "arguments",
        READ,
        pull("small", "large", "sub/deep"),
        pulled("small", "large", "sub/deep"),
    ),
    Scenario("sub_path", READ, pull("sub/"), pulled("sub/deep")),
    Scenario("compressed", READ, pull("large", options="-z"), pulled("large")),
    Scenario("with a blank", READ, pull("small"), pulled("small")),
    Scenario("unlisted", {**READ, "list": "no"}, pull("small"), pulled("small")),
    Scenario(
        "allowed", {**READ, "hosts allow": "127.0.0.1"}, pull("small"), pulled("small")
    ),
    Scenario("excluded", {**READ, "exclude": "large"}, pull(), pulled(*NO_LARGE)),
    *(
        Scenario(f"odd_{kind}", READ, pull(name), pulled(name))
        for kind, name in ODD_NAMES.items()
    ),
    # Pulls that leave something out: the daemon names no exit code.
    Scenario(
        "missing",
        READ,
        pull("nope", ends=23),
        says("pull partial", file_errors=("link_stat ENOENT",)),
    ),
    Scenario(
        "one_missing",
        READ,
        pull("nope", "small", ends=23),
        says(
            "pull partial",
            total_size=1000,
            sends=files("small"),
            file_errors=("link_stat ENOENT",),
        ),
    ),
    Scenario(
        "glob",
        READ,
        pull("*.zzz", ends=23),
        says("pull partial", file_errors=("link_stat ENOENT",)),
    ),
    Scenario(
        "excluded_one",
        {**READ, "exclude": "large"},
        pull("large", ends=23),
        says("pull partial", file_errors=("link_stat ENOENT",)),
    ),
    Scenario(
        "traversal",
        READ,
        pull("../../../etc/passwd", ends=23),
        says("pull partial", file_errors=("change_dir ENOENT",)),
    ),
    Scenario(
        "unreadable",
        NOBODY,
        acts.pull_unreadable_files,
        says(
            "pull partial",
            total_size=30,
            sends=(1, 10),
            file_errors=("opendir EACCES", "open EACCES"),
        ),
    ),
    Scenario(
        "vanished",
        OWN,
        acts.pull_vanishing_file,
        says("pull partial", total_size=100_010, sends=(1, 100_000), vanished=1),
    ),
    # Who is not let in.
    Scenario(
        "list_modules",
        OWN,
        acts.list_modules,
        says("none list", also="rsyncd_module_list_requests_total"),
    ),
    Scenario(
        "list_modules_by_hand",
        OWN,
        acts.say(b"@RSYNCD: 31.0\n#list\n"),
        says("none list", also="rsyncd_module_list_requests_total"),
    ),
    Scenario(
        "unknown",
        OWN,
        acts.ask_for("nowhere"),
        says("none unknown_module", also="rsyncd_unknown_module_requests_total"),
    ),
    Scenario(
        "unknown_and_odd",
        OWN,
        acts.ask_for("no such'mod (1.2.3.4)' tried from evil (9.9.9.9)"),
        says("none unknown_module", also="rsyncd_unknown_module_requests_total"),
    ),
    Scenario(
        "denied",
        {**READ, "hosts deny": "*"},
        pull(ends=5),
        says("none denied", also="rsyncd_access_denied_total{{{module}}}"),
    ),
    Scenario(
        "denied_and_unlisted",
        {**READ, "hosts deny": "*", "list": "no"},
        pull(ends=5),
        says("none denied", also="rsyncd_access_denied_total{{{module}}}"),
    ),
    Scenario(
        "gone", {"path": "{folder}/nowhere"}, pull(ends=5), says("none config_error")
    ),
    Scenario(
        "no_root",
        {"use chroot": "yes", "path": "{folder}/nowhere"},
        pull(ends=5),
        says("none config_error"),
    ),
    Scenario("no_path", {"path": ""}, pull(ends=5), says("none config_error")),
    Scenario(
        "no_such_user",
        {**READ, "uid": "nosuchuser"},
        pull(ends=5),
        says("none config_error"),
    ),
    Scenario("port_scan", OWN, acts.say(b""), says("none connected")),
    Scenario(
        "web_browser", OWN, acts.say(b"GET / HTTP/1.1\r\n\r\n"), says("none connected")
    ),
    Scenario(
        "one_at_a_time",
        {**HUGE, "max connections": "1", "lock file": "{folder}/lock"},
        acts.pull_while_another_does,
        says(
            "pull aborted",
            "none max_connections",
            total_size=HUGE_BYTES,
            error=INTERRUPTED_PULL,
            also="rsyncd_max_connections_refusals_total{{{module}}}",
        ),
    ),
    # Who says who they are.
    Scenario("password", {**READ, **AUTH}, pull("small", login=ALICE), pulled("small")),
    Scenario(
        "bad_password",
        {**READ, **AUTH},
        pull(login="alice:bad", ends=5),
        says(NO_AUTH, also=FAILED + 'reason="password mismatch"}}'),
    ),
    Scenario(
        "stranger",
        {**READ, **AUTH},
        pull(login="mallory:bad", ends=5),
        says(NO_AUTH, also=FAILED + 'reason="no matching rule"}}'),
    ),
    Scenario(
        "odd_user",
        {**READ, **AUTH},
        pull(login="root (1.2.3.4) for admin:x", ends=5),
        says(NO_AUTH, also=FAILED + 'reason="no matching rule"}}'),
    ),
    Scenario(
        "denied_user",
        {**READ, **AUTH},
        pull(login="bob:builder", ends=5),
        says(NO_AUTH, also=FAILED + 'reason="denied by rule"}}'),
    ),
    Scenario(
        "nobody",
        {**READ, **AUTH},
        pull(ends=5),
        says(NO_AUTH, also=FAILED + 'reason="no matching rule"}}'),
    ),
    Scenario(
        "no_secret",
        {**READ, **AUTH},
        pull(login="carol:x", ends=5),
        says(NO_AUTH, also=FAILED + 'reason="secret not found"}}'),
    ),
    Scenario(
        "no_secrets",
        {**READ, "auth users": "alice"},
        pull(login=ALICE, ends=5),
        says(NO_AUTH, also=FAILED + 'reason="no secrets file"}}'),
    ),
    # Pushes.
    Scenario(
        "push", WRITE, push(), says("push ok", total_size=LETTER_BYTES, receives=LETTER)
    ),
    Scenario(
        "push_again",
        WRITE,
        twice(push()),
        says("push ok", "push ok", total_size=2 * LETTER_BYTES, receives=LETTER),
    ),
    Scenario(
        "push_and_delete",
        WRITE,
        where("a", "b", "folder/c", then=push(options="--delete")),
        says("push ok", total_size=LETTER_BYTES, receives=LETTER, deletes=4),
    ),
    Scenario(
        "push_with_password",
        {**WRITE, **AUTH},
        push(login=ALICE),
        says("push ok", total_size=LETTER_BYTES, receives=LETTER),
    ),
    Scenario(
        "push_other_kinds",
        WRITE,
        acts.push_other_kinds,
        says("push ok", total_size=LETTER_BYTES + len("letter"), receives=LETTER),
    ),
    # The daemon of such a push says nothing at its end.
    Scenario(
        "push_over_a_folder",
        WRITE,
        where("letter/x", then=push(ends=23)),
        says("push under-way"),
    ),
    Scenario(
        "push_and_delete_too_much",
        WRITE,
        where("a", "b", then=push(options="--delete --max-delete=1")),
        says("push under-way", receives=LETTER, deletes=1),
    ),
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

FILE_LOG = {"transfer logging": "yes"}

LOGGINGS = [
    Logging("plain", files=False),
    Logging("default_format", FILE_LOG),
    Logging(
        "wire_bytes",
        {**FILE_LOG, "log format": "%o %h [%a] %m user=(%u) wire=%b %l %c %i %f"},
        wire=True,
    ),
    Logging("itemized", {**FILE_LOG, "log format": "%i %n%L %l"}),
    Logging("grouped", {**FILE_LOG, "log format": "%o %-20h %'15l '%f'"}),
    Logging("names_only", {**FILE_LOG, "log format": "[%a] %o %n"}, lengths=False),
    Logging("no_operation", {**FILE_LOG, "log format": "[%a] %l %f"}),
    Logging("own_log", {**FILE_LOG, "log file": "{folder}/own.log"}),
]
