"""Several logs at once: paths and globs, read in the order of the lines' times."""

import glob
import json
from pathlib import Path

import pytest

from rsync_exporter.tail.followers import RESCAN_SECONDS, Followers, FollowOptions
from rsync_exporter.tests.following import Clock


def test_several_logs_and_globs_are_followed(tmp_path: Path):
    clock = Clock()
    patterns = [str(tmp_path / "a.log"), str(tmp_path / "[b-z]*.log*")]
    followers = Followers(patterns, FollowOptions(), None, clock)

    def read() -> list[tuple[str, bytes]]:
        chunks = followers.poll()
        return [(Path(c.file).name, line) for c in chunks for line in c.lines]

    def write(name: str, content: bytes) -> None:
        with (tmp_path / name).open("ab") as file:
            file.write(content)

    with pytest.raises(OSError, match=r"z\]\*\.log.*; .*a\.log"):
        read()
    write("a.log", b"one\n")
    write("b.log", b"two\n")
    write("b.log.1", b"old\n")
    clock.now += RESCAN_SECONDS
    assert read() == [("a.log", b"one"), ("b.log", b"two")]
    write("c.log", b"three\n")
    assert read() == []
    clock.now += RESCAN_SECONDS
    assert read() == [("c.log", b"three")]
    (tmp_path / "c.log").unlink()
    state = followers.state()
    followers.close()
    followers = Followers(patterns, FollowOptions(from_end=True), state, clock)
    write("b.log", b"four\n")
    write("d.log", b"five\n")
    assert read() == [("b.log", b"four"), ("d.log", b"five")]
    assert len({chunk.file for chunk in followers.progress()}) == 4
    followers.close()


def test_a_backlog_in_several_logs_is_read_in_the_order_of_its_times(tmp_path: Path):
    times = [b"2026/11/21 20:55:%02d [7] x" % second for second in range(60)]
    patterns = [str(tmp_path / name) for name in ("daemon.log", "module.log")]
    for place, pattern in enumerate(patterns):
        lines = [line + b"\n" for line in times[place::2]]
        Path(pattern).write_bytes(b"".join(lines))
    found: list[bytes] = []
    followers = Followers(patterns, FollowOptions())
    while len(found) < len(times):
        state = json.loads(json.dumps(followers.state()))
        followers.close()
        followers = Followers(patterns, FollowOptions(), state)
        chunk = next(followers.poll())
        found.extend(chunk.lines)
    assert found == times
    assert not list(followers.poll())
    followers.close()


def test_an_escaped_path_is_no_glob(tmp_path: Path):
    path = tmp_path / "log[1]*"
    path.write_bytes(b"one\n")
    followers = Followers([glob.escape(str(path))], FollowOptions())
    assert [chunk.file for chunk in followers.poll()] == [str(path)]
    followers.close()


@pytest.mark.parametrize(
    "state", [{}, {"patterns": [], "next_stream": "x", "paths": {}}, {"paths": 1}]
)
def test_a_state_that_does_not_fit_is_refused(state: dict[str, object]):
    with pytest.raises((KeyError, TypeError, ValueError)):
        Followers(["log"], FollowOptions(), state)
