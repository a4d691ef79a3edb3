"""The files that were behind one path, one after the other, open or remembered."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

from rsync_exporter.tail.log_file import Identity, LogFile
from rsync_exporter.tail.place import Place
from rsync_exporter.tail.reading import Reading


@dataclass(eq=False)
class Generation:
    """A file that is or was behind the path, and how far it was read.

    is_wanted: not read to its end, as far as is known, so it is looked for.
    is_copied: was rotated: the same content has another name.
    is_restored: comes from a state, and was not found since.
    changed_at: by the clock, when it last grew, was opened or got lost.
    """

    stream: int
    left_at: Place
    is_wanted: bool = True
    is_copied: bool = False
    is_restored: bool = False
    changed_at: float = 0
    reading: Reading | None = None

    @classmethod
    def restored(cls, values: dict[str, Any], now: float) -> Self:
        """Return what ``state`` was made of. Raises TypeError, KeyError, ValueError."""
        place = Place.restored(values["place"])
        wanted = bool(values["is_wanted"])
        stream = int(values["stream"])
        return cls(stream, place, wanted, is_restored=True, changed_at=now)

    def state(self) -> dict[str, Any]:
        """Return something for JSON."""
        place = self.place.as_dict()
        return {"stream": self.stream, "is_wanted": self.is_wanted, "place": place}

    @property
    def place(self) -> Place:
        """How far it was read."""
        return self.reading.place() if self.reading else self.left_at

    @property
    def offset(self) -> int:
        """Where the first line begins that was not yet handed on."""
        return self.reading.offset if self.reading else self.left_at.offset

    @property
    def size(self) -> int:
        """Bytes in the file, as far as is known."""
        return self.reading.known_size if self.reading else self.left_at.size

    @property
    def identity(self) -> Identity:
        """Device and inode."""
        return self.reading.file.identity if self.reading else self.left_at.identity

    @property
    def unread_bytes(self) -> int:
        """Bytes that were seen in the file and not handed on."""
        return self.size - self.offset

    def open(self, file: LogFile, now: float) -> None:
        """Read on in this file, at the same place; at its end when that was cut off."""
        place = self.place
        self.close()
        self.reading = Reading(file, place.offset)
        if file.is_packed:  # how much is in it, nobody can tell but who saw it unpacked
            self.reading.size = place.size
        if place.offset and not place.continues_in(file):
            self._go_to_end(file, place.seen)
        self.is_wanted, self.is_restored, self.changed_at = True, False, now

    def go_to_end(self) -> None:
        """Go on where the file ends, as some of it was read that is gone."""
        if self.reading:
            self._go_to_end(self.reading.file, self.place.seen)

    def _go_to_end(self, file: LogFile, seen: int) -> None:
        self.reading = Reading.at_end(file, min(seen, file.status().st_size))

    def give_up(self) -> int:
        """Look for it no more; return how much was not read, and never again."""
        lost_bytes = max(0, self.unread_bytes)
        self.is_wanted = False
        self.left_at = replace(self.left_at, size=self.left_at.offset)
        return lost_bytes

    def close(self) -> None:
        """Remember the place, and give the file back."""
        reading = self.release()
        if reading:
            reading.file.close()

    def release(self) -> Reading | None:
        """Remember the place, and return what was read, still open."""
        reading, self.left_at, self.reading = self.reading, self.place, None
        return reading

    def is_same_file(self, file: LogFile) -> bool:
        """Tell whether this is the file, under whatever name."""
        if self.identity != file.identity:
            return False
        return bool(self.reading) or self.left_at.begins(file)

    def is_content_of(self, file: LogFile) -> bool:
        """Tell whether all that was read stands in the file as well."""
        place = self.place
        return not place.offset or (place.begins(file) and place.continues_in(file))

    def begins(self, file: LogFile) -> bool:
        """Tell whether it is the same file or a copy, however much of one."""
        if self.reading:
            return self.reading.is_like(file)
        # Less than a line may be the beginning of any file.
        is_telling = self.left_at.offset or (
            self.left_at.seen and self.left_at.identity == file.identity
        )
        return bool(is_telling) and self.left_at.begins(file)


class Generations:
    """Those of one path, oldest first."""

    def __init__(self) -> None:
        self._all: list[Generation] = []

    def __iter__(self) -> Iterator[Generation]:
        return iter(list(self._all))

    def add(self, generation: Generation, before: Generation | None = None) -> None:
        """Put it before another one, or behind all."""
        place = self._all.index(before) if before else len(self._all)
        self._all.insert(place, generation)

    def trim(self, most: int) -> None:
        """Forget the oldest ones that nothing is to be read of."""
        spare = [each for each in self._all if not (each.reading or each.is_wanted)]
        for generation in spare[: max(0, len(self._all) - most)]:
            self._all.remove(generation)

    def opened(self) -> list[Generation]:
        """Return those that are read."""
        return [each for each in self._all if each.reading]

    def missing(self) -> list[Generation]:
        """Return those that ought to be read, and are nowhere yet."""
        return [each for each in self._all if each.is_wanted and not each.reading]

    def is_open(self, identity: Identity) -> bool:
        """Tell whether this file is read."""
        return any(each.identity == identity for each in self.opened())

    def content_of(self, file: LogFile) -> Generation | None:
        """Return the one whose content this is, even if it is only its beginning."""
        return next((each for each in reversed(self._all) if each.begins(file)), None)

    def behind(self, file: LogFile) -> Generation | None:
        """Return the one that the path's file is, if it is known."""
        for generation in reversed(self._all):
            if generation.is_same_file(file):
                return generation
        return next(
            (
                each
                for each in reversed(self._all)
                if each.place.offset and each.is_content_of(file)
            ),
            None,
        )
