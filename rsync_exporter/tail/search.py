"""What rotation did while nobody looked: files that were missed, moved or copied."""

import logging

from rsync_exporter.tail.generation import Generation, Generations
from rsync_exporter.tail.log_file import (
    Content,
    Identity,
    LogFile,
    NotReadyError,
    open_rotated,
)
from rsync_exporter.tail.place import Place
from rsync_exporter.tail.reading import Reading
from rsync_exporter.tail.siblings import Sibling, siblings
from rsync_exporter.tail.surroundings import Counts, Surroundings

log = logging.getLogger(__name__)

# A folder that is being rotated may show a file twice, or not at all. So a search is
# repeated, this long.
SEARCH_SECONDS = 10

# These are read before more are opened.
MAX_FOUND_AT_ONCE = 16

# Rotated files that were there before anything was read.
MAX_REMEMBERED = 64


class Search:
    """Looks beside the log for what is to be read, for a while after each rotation.

    A file is one that is known when its content says so: the same, or a copy. One that
    nobody knows was missed when it changed after the log was last seen in peace: then
    it is read from its start.

    since_ns: when that was, by the time of the log itself.
    """

    def __init__(
        self, path: str, around: Surroundings, known: Generations, counts: Counts
    ) -> None:
        self.since_ns = 0
        self._path = path
        self._around = around
        self._known = known
        self._counts = counts
        self._until = 0.0
        self._again = False
        self._noted_ns = self._modified_ns = 0
        self._examined: set[Content] = set()
        self._opened: set[Identity] = set()
        self._damaged: dict[Identity, Content] = {}
        self._unreadable: dict[Identity, Sibling] = {}

    @property
    def is_on(self) -> bool:
        """Whether something is looked for."""
        return self._until > 0

    def begin(self) -> None:
        """Look for the files of a rotation that has just been noticed."""
        self._again = self.is_on
        self._until = self._until or self._around.clock() + SEARCH_SECONDS
        if self._known.missing():
            self._examined.clear()

    def new_poll(self) -> None:
        """Allow files to be opened again: one poll does that once, so that it ends."""
        self._opened.clear()

    def resume(self, since_ns: int) -> None:
        """Look for everything that happened since a state was made."""
        self.since_ns = self._modified_ns = self._noted_ns = since_ns
        self.begin()

    def log_modified(self, modified_ns: int) -> None:
        """Note the log's time, for when all of it was read as it should be."""
        self._noted_ns = modified_ns

    def all_is_read(self) -> None:
        """Take what came after the noted time for new; not while a search is on."""
        self._modified_ns = self._noted_ns
        if not self.is_on:
            self.since_ns = self._modified_ns

    def ignore(self, file: LogFile) -> None:
        """Look no more into a packed file that turned out to be damaged, as it is.

        If it is still being written, the rest of it can be read later.
        """
        self._damaged[file.identity] = file.content
        self.begin()

    def differs(self, modified_ns: int) -> bool:
        """Tell whether the log changed since its time was noted."""
        return modified_ns != self._modified_ns

    def remember_what_is_there(self, modified_ns: int | None) -> None:
        """Take the rotated files as read that were there before anything was.

        modified_ns: the log's own time; None when there is no log.
        """
        found = self._siblings()[-MAX_REMEMBERED:]
        newest = max((sibling.modified_ns for sibling in found), default=0)
        self.since_ns = newest + 1 if modified_ns is None else modified_ns
        self._modified_ns = self._noted_ns = self.since_ns
        for sibling in found:
            if not sibling.is_packed or sibling.modified_ns >= self.since_ns:
                self._remember(sibling)

    def step(self, current: Generation | None, *, is_blocked: bool) -> bool:
        """Open what is found. Return whether there may be more, once this is read.

        current: what is found comes before it.
        is_blocked: what is missing may be at the path, where nobody may read it.
        """
        if not self.is_on:
            return False
        opened = len(self._known.opened())
        for sibling in self._siblings():
            if len(self._known.opened()) - opened >= MAX_FOUND_AT_ONCE:
                return True
            self._examine(sibling, current)
        if self._around.clock() >= self._until and not is_blocked:
            self._end()
        return False

    def _end(self) -> None:
        """Count what was not found, and look again if there was another rotation."""
        if not self._known.missing():
            for sibling in self._unreadable.values():
                self._counts.lost_bytes += 0 if sibling.is_packed else sibling.size
        self._unreadable.clear()
        for generation in self._known.missing():
            self._give_up(generation)
        again, self._until = self._again, 0
        self.since_ns = self._modified_ns
        if again or self._known.missing():
            self.begin()

    def _give_up(self, generation: Generation) -> None:
        if self._around.clock() < generation.changed_at + SEARCH_SECONDS:
            return
        lost_bytes = generation.give_up()
        self._counts.lost_bytes += lost_bytes
        if lost_bytes or generation.is_restored:
            log.warning(
                "a file that was read before is gone or damaged, and what was not read"
                " of it path=%s lost_bytes=%d",
                self._path,
                lost_bytes,
            )

    def _siblings(self) -> list[Sibling]:
        try:
            return siblings(self._path, self._around.paths)
        except OSError as error:
            log.warning("no rotated logs to be seen path=%s: %s", self._path, error)
            return []

    def _remember(self, sibling: Sibling) -> None:
        try:
            file = open_rotated(sibling.path)
        except OSError:  # then there is nothing that could be read twice
            return
        try:
            place = _end_of(file, sibling.size)
        except OSError as error:
            log.warning("rotated log cannot be read path=%s: %s", sibling.path, error)
            return
        finally:
            file.close()
        stream = self._around.number()
        self._known.add(Generation(stream, place, is_wanted=False))

    def _examine(self, sibling: Sibling, current: Generation | None) -> None:
        is_old = sibling.modified_ns < self.since_ns and not self._known.missing()
        is_damaged = self._damaged.get(sibling.identity) == sibling.content
        is_done = is_damaged or sibling.content in self._examined
        is_done = is_done or sibling.identity in self._opened
        if is_old or is_done or self._known.is_open(sibling.identity):
            return
        try:
            self._look_into(sibling, current)
        except (FileNotFoundError, NotReadyError):  # rotated on, or being packed
            return
        except OSError as error:
            self._refused(sibling, error)
        else:
            self._examined.add(sibling.content)
            self._unreadable.pop(sibling.identity, None)

    def _look_into(self, sibling: Sibling, current: Generation | None) -> None:
        file = open_rotated(sibling.path)
        is_new = sibling.modified_ns >= self.since_ns
        try:
            owner = self._known.content_of(file)
            if owner is None and is_new:
                owner = self._missed(file, current)
            if owner and owner.reading:
                owner.is_copied = True
            wanted = owner and not owner.reading and (owner.is_wanted or is_new)
            if owner and wanted and owner.is_content_of(file):
                owner.open(file, self._around.clock())
                self._opened.add(sibling.identity)
                return
        except OSError:
            file.close()
            raise
        file.close()

    def _missed(self, file: LogFile, current: Generation | None) -> Generation:
        """Return who takes a file that nobody knows: one that lacks just that."""
        unread = [each for each in self._known.missing() if not each.place.offset]
        if unread:
            return max(
                unread,
                key=lambda each: (each.identity == file.identity, each.unread_bytes),
            )
        self._counts.rotations["recovered"] += 1
        log.info("rotated log was missed, reading it path=%s", self._path)
        generation = Generation(self._around.number(), Place(*file.identity))
        self._known.add(generation, before=current)
        return generation

    def _refused(self, sibling: Sibling, error: OSError) -> None:
        is_known = any(each.identity == sibling.identity for each in self._known)
        if is_known or sibling.modified_ns < self.since_ns:
            return
        if sibling.identity not in self._unreadable:
            log.warning("rotated log cannot be read path=%s: %s", sibling.path, error)
        self._unreadable[sibling.identity] = sibling


def _end_of(file: LogFile, size: int) -> Place:
    """Return the place after all that a file holds."""
    if not file.is_packed:
        return Reading.at_end(file, size).place()
    reading = Reading(file)
    for _ in reading.read():
        pass
    return reading.place()
