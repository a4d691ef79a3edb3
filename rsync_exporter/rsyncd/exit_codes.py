"""rsync's exit codes and their names (errcode.h; the texts are log.c's)."""

from collections.abc import Mapping

NAMES: Mapping[int, str] = {
    1: "usage",
    2: "protocol",
    3: "file_select",
    4: "unsupported",
    5: "start_client",
    6: "log_file",
    10: "socket_io",
    11: "file_io",
    12: "stream_io",
    13: "message_io",
    14: "ipc",
    15: "crashed",
    16: "terminated",
    19: "signal_usr1",
    20: "signal",
    21: "wait_child",
    22: "malloc",
    23: "partial",
    24: "vanished",
    25: "del_limit",
    30: "timeout",
    35: "con_timeout",
    124: "cmd_failed",
    125: "cmd_killed",
    126: "cmd_run",
    127: "cmd_notfound",
}

MAX_CODE = 255


def name_of(code: int) -> str:
    """Return a code's name, or "unknown"."""
    return NAMES.get(code, "unknown")
