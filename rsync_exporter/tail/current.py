"""What is at the path now: another file after each rotation, or none for a while."""

import logging
import os

from rsync_exporter.tail.generation import Generation, Generations
from rsync_exporter.tail.log_file import Identity, LogFile
from rsync_exporter.tail.place import Place
from rsync_exporter.tail.reading import Reading
from rsync_exporter.tail.search import Search
from rsync_exporter.tail.surroundings import Counts, Surroundings

log = logging.getLogger(__name__)


class Current:
    """The path's own file, looked for anew before each reading.

    generation: the one that was at the path last; None when there never was one.
    problem: why nothing can be read there at this moment.
    """

    def __init__(
        self,
        path: str,
        around: Surroundings,
        known: Generations,
        counts: Counts,
        search: Search,
    ) -> None:
        self.generation: Generation | None = None
        self.problem: OSError | None = None
        self._path = path
        self._around = around
        self._known = known
        self._counts = counts
        self._search = search
        self._begins = self._from_end = False

    def begin(self, *, from_end: bool) -> None:
        """Leave out at the first look what is old, as no state knows of it.

        from_end: the lines of the log itself, too, and not only rotated files.
        """
        self._begins, self._from_end = True, from_end

    def look(self) -> None:
        """Open what is at the path now, unless it is open already."""
        before, self.problem = self.problem, None
        try:
            status = os.stat(self._path)  # noqa: PTH116 -- a Path costs more than this
            self._leave_out_what_is_old(status.st_mtime_ns)
            if not self._is_open((status.st_dev, status.st_ino)):
                self._switch(LogFile.open(self._path))
            elif self._may_have_been_emptied(status.st_mtime_ns):
                self._search.begin()
            self._search.log_modified(status.st_mtime_ns)
        except OSError as error:
            self.problem = error
            self._leave_out_what_is_old(None)
            if not before and self.generation:
                self._search.begin()

    def replace(self, following: Generation) -> None:
        """Take another one for the path's, and look for what that rotation moved."""
        if self.generation:
            same = self.generation.identity == following.identity
            self._counts.rotations["truncated" if same else "replaced"] += 1
            self._search.begin()
        self.generation = following
        log.info("log opened path=%s size_bytes=%d", self._path, following.place.size)

    def has_name(self) -> bool:
        """Tell whether the file is open and not deleted, whatever it is called."""
        reading = self.generation.reading if self.generation else None
        return bool(reading and reading.file.status().st_nlink)

    def is_blocked(self) -> bool:
        """Whether the path has a file that cannot be read: it may be a missing one."""
        return bool(self.problem) and not isinstance(self.problem, FileNotFoundError)

    def is_between_two_logs(self) -> bool:
        """After a rename there is no log until the next session makes one."""
        if self.is_blocked() or not self.generation:
            return False
        return self.generation.is_copied or self.has_name()

    def _leave_out_what_is_old(self, modified_ns: int | None) -> None:
        begins, self._begins = self._begins, False
        if not begins:
            return
        self._search.remember_what_is_there(modified_ns)
        if self._from_end and modified_ns is not None:
            file = LogFile.open(self._path)
            self.generation = self._new(file)
            self.generation.reading = Reading.at_end(file, file.status().st_size)

    def _is_open(self, identity: Identity) -> bool:
        current = self.generation
        return bool(current and current.reading and current.identity == identity)

    def _may_have_been_emptied(self, modified_ns: int) -> bool:
        """Tell whether a file of which nothing was read yet was written meanwhile.

        Then nothing in it shows whether it was copied and truncated, too.
        """
        reading = self.generation.reading if self.generation else None
        if not reading or reading.seen:
            return False
        return self._search.differs(modified_ns)

    def _switch(self, file: LogFile) -> None:
        """Read this file as the path's from now on."""
        found = self._known.behind(file) or self._new(file)
        if found.reading and found.identity == file.identity:
            file.close()
        else:
            found.open(file, self._around.clock())
        if found is not self.generation:
            self.replace(found)

    def _new(self, file: LogFile) -> Generation:
        generation = Generation(self._around.number(), Place(*file.identity))
        self._known.add(generation)
        return generation
