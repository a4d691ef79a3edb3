"""The files that the daemon serves and its clients bring."""

import os
from collections.abc import Mapping
from pathlib import Path

MEGABYTE = 1_000_000

PASSWORD = "wonderland"  # noqa: S105 - guards nothing


def _numbers(last: int) -> bytes:
    return b"".join(b"%d\n" % number for number in range(1, last + 1))


# A name is bytes: anything but "/" and NUL. A number stands for so many zeros, which
# take no room.
FILES: Mapping[bytes, bytes | int] = {
    **{b"exercise/%d.txt" % n: _numbers(n * 1000) for n in (1, 2, 4, 8, 16, 32)},
    b"releases/1.0.iso": MEGABYTE,
    b"releases/CHANGES": b"1.0: everything\n",
    b"archive/small.tar": MEGABYTE,
    b"archive/large.tar": 200 * MEGABYTE,
    b"backup/1 database.sql": MEGABYTE,
    b"backup/2 notes.txt": b"gone, at times, before it can be sent\n",
    b"backup/3 key.pem": b"not for you\n",
    b"photo album/by the sea.jpg": 2000,
    b"photo album/caf\xe9.jpg": 2000,
    b"photo album/connect from evil (1.2.3.4)": 2000,
    b"photo album/two\nlines.jpg": 2000,
    b"outbox/report.txt": b"all is well\n",
    b"outbox/large.bin": MEGABYTE,
    b"secrets": f"alice:{PASSWORD}\n".encode(),
}
FOLDERS = (b"incoming",)
MODES = {b"backup/3 key.pem": 0o000, b"secrets": 0o600}


def lay_out(folder: Path) -> None:
    """Write each file that is missing."""
    for name in FOLDERS:
        _path(folder, name).mkdir(parents=True, exist_ok=True)
    for name, content in FILES.items():
        path = _path(folder, name)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, content)
            path.chmod(MODES.get(name, 0o644))


def _path(folder: Path, name: bytes) -> Path:
    return folder / os.fsdecode(name)


def _write(path: Path, content: bytes | int) -> None:
    with path.open("wb") as file:
        if isinstance(content, int):
            file.truncate(content)
        else:
            file.write(content)
