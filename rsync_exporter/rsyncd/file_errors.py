"""Errors about single files: what was being done, and the system's reason.

rsync has some 170 of these texts (3.5.0). They end in ``: REASON (NUMBER)`` and quote
the file, so they are told apart by what stands before the first quote.
"""

import errno
import re

from rsync_exporter.rsyncd.events import ClientLost, Event, FileFailed, Misconfigured

OTHER = "other"

# The last words before the file's name, and what they are called here.
_OPERATIONS = {
    b"link_stat": "link_stat",
    b"readlink_stat(": "readlink",
    b"opendir": "opendir",
    b"change_dir": "change_dir",
    b"change_dir#1": "change_dir",
    b"change_dir#2": "change_dir",
    b"change_dir#3": "change_dir",
    b"change_dir#4": "change_dir",
    b"send_files failed to open": "open",
    b"failed to open": "open",
    b"open": "open",
    b"sender failed to open": "open",
    b"read errors mapping": "read",
    b"write failed on": "write",
    b"ftruncate failed on": "truncate",
    b"fsync failed on": "fsync",
    b"close failed on": "close",
    b"mkstemp": "mkstemp",
    b"rename": "rename",
    b"rename failed for": "rename",
    b"recv_generator: mkdir": "mkdir",
    b"mkdir": "mkdir",
    b"fstat": "stat",
    b"stat": "stat",
    b"recv_generator: failed to stat": "stat",
    b"failed to set times on": "set_times",
    b"failed to set permissions on": "set_permissions",
    b"failed to modify permissions on": "set_permissions",
    b"chown": "chown",
    b"chgrp": "chown",
    b"symlink": "symlink",
    b"link": "link",
    b"mknod": "mknod",
    b"delete_file: unlink(": "delete",
    b"delete_file: rmdir(": "delete",
    b"sender failed to remove": "delete",
}
OPERATIONS = (*sorted(set(_OPERATIONS.values())), OTHER)

_CLIENT_LOST = re.compile(
    rb"connection unexpectedly closed \(.*|"
    rb"(?:read|write) error: .* \((?:32|104|110|113)\)",
    re.DOTALL,
)
_SERVER_FAILED = re.compile(
    rb"(?:chdir .* failed|chroot|daemon chroot|setuid |setgid |setgroups|initgroups"
    rb"|getpwuid|getgrouplist|failed to open lock file|fork failed|pipe failed"
    rb"|early exec|pre-xfer exec|name-converter exec|change_dir#).*",
    re.DOTALL,
)
_REASON = re.compile(rb": [^:]* \((\d{1,3})\)\Z")
_LONGEST_REASON_BYTES = 200


def understand(text: bytes) -> Event | None:
    """Return what rsync says of a file or a system call; None for anything else.

    text: the message without ``rsync: [ROLE]``.
    """
    if _CLIENT_LOST.fullmatch(text):
        return ClientLost()
    if text.startswith(b"chroot(") or (
        b'"' not in text and _SERVER_FAILED.fullmatch(text)
    ):
        return Misconfigured()
    reason = _REASON.search(text, max(0, len(text) - _LONGEST_REASON_BYTES))
    if reason is None or b'"' not in text:
        return None
    return FileFailed(_operation(text), errno.errorcode.get(int(reason[1]), OTHER))


def is_unended(text: bytes) -> bool:
    """Return whether a file's name began, and neither it nor the message ended.

    text: one that ``understand`` says nothing of.
    """
    before, quote, _ = text.partition(b'"')
    if before.rstrip() in _OPERATIONS:  # then a reason ends it, whatever the name has
        return quote != b""
    return quote != b"" and not text.endswith((b")", b'"'))


def _operation(text: bytes) -> str:
    return _OPERATIONS.get(text[: text.index(b'"')].rstrip(), OTHER)
