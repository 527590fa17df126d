"""Unpacks compressed copies of generations beside the tail's own work: one at a time, in a thread.

Owns the thread and what it was asked for. Who asks gets the answer at a later look: the tail waits for nobody.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from enum import Enum
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, NamedTuple

from logstream.tail.discovery import is_absence
from logstream.tail.earlier import unpack_earlier
from logstream.tail.likeness import likeness_of
from logstream.tail.listing import locate, names_in
from logstream.tail.members import may_grow, starts_of_members
from logstream.tail.opening import EXHAUSTED, place_of
from logstream.tail.packed import (
    NoRoomError,
    StillWrittenError,
    Unpacked,
    copies_beside,
    says_it_is_of,
    unpack,
    unpack_file,
)
from logstream.tail.rotation import is_compressed_name
from logstream.tail.targets import is_pod_log, pod_logs_among

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from logstream.tail.batch import Known
    from logstream.tail.likeness import Likeness
    from logstream.tail.reader import Reader

_log = logging.getLogger(__name__)
_ATTEMPTS: Final = 5
_MOST_ATTEMPTS: Final = 20
_WRITTEN_SECONDS: Final = 0.5
"""A file that is still being written is looked at again after so long."""
_AGAIN_SECONDS: Final = 30.0
"""After there was no room, it is tried again after so long."""
_MOST_HELD: Final = 256
"""Of more compressed files than these only names and inodes are kept: descriptors are for what is read."""
_NS: Final = 1_000_000_000


class Answer(Enum):
    """What there is instead of a descriptor."""

    LATER = "later"
    """It is being unpacked; or there is no room, and it will be tried again."""
    NONE = "none"
    """There is no copy."""
    GONE = "gone"
    """The compressed file that was found is nowhere any more."""
    SHUT = "shut"
    """It is there, and cannot be opened now."""


class _Begun(NamedTuple):
    """The files that may be copies of a generation, as they stood when they were last tried, and how often."""

    copies: dict[Path, int]
    attempts: int


class Unpacking:
    """Copies on their way."""

    def __init__(self, directory: Path) -> None:
        """Unpack into `directory`."""
        self._directory = directory
        self._worker: ThreadPoolExecutor | None = None
        self._cancelled = threading.Event()
        self._wanted: dict[str, Future[Unpacked | None]] = {}
        self._not_before: dict[str, float] = {}
        self._begun: dict[str, _Begun] = {}
        self._held: dict[str, int] = {}
        """Descriptors on the compressed files of generations that are waiting to be unpacked, by their keys."""

    def hold(self, key: str, descriptor: int, most_held: int = _MOST_HELD) -> None:
        """Unpack the generation `key` from an open file, whatever its name is by then, unless too many are open."""
        if len(self._held) < min(most_held, _MOST_HELD):
            self._held[key] = descriptor
        else:
            os.close(descriptor)

    def let_go(self, key: str) -> None:
        """Close what is held of the generation `key`: it is unpacked, or nobody wants it any more."""
        descriptor = self._held.pop(key, None)
        if descriptor is not None:
            os.close(descriptor)

    def ask(self, reader: Reader, path: str) -> int | Answer:
        """A descriptor on the whole generation of `reader`, which was written under `path`; it is the caller's then."""
        under_way = self._wanted.get(reader.key)
        if under_way is None:
            return self._begin(reader, path)
        if not under_way.done():
            return Answer.LATER
        del self._wanted[reader.key]
        try:
            unpacked = under_way.result()
        except StillWrittenError:
            self._not_before[reader.key], reader.is_put_off = time.monotonic() + _WRITTEN_SECONDS, True
            return Answer.LATER
        except NoRoomError as error:
            _log.warning("%s", error)
            self._not_before[reader.key], reader.is_put_off = time.monotonic() + _AGAIN_SECONDS, True
            return Answer.LATER
        if unpacked is None:
            return self._begin_again(reader, path)
        self._begun.pop(reader.key, None)
        self.let_go(reader.key)
        reader.is_damaged, reader.member_starts = not unpacked.is_whole, unpacked.starts
        return unpacked.descriptor

    def give_back(self, reader: Reader, descriptor: int) -> None:
        """What `ask` gave of `reader` was not needed yet: the next one who asks gets it."""
        answer: Future[Unpacked | None] = Future()
        answer.set_result(Unpacked(descriptor, not reader.is_damaged, reader.member_starts))
        self._wanted[reader.key] = answer

    @contextmanager
    def unless_it_fails(self, reader: Reader, descriptor: int) -> Iterator[None]:
        """Give back what `ask` gave of `reader` if the block raises an error: whoever asks again has it then."""
        try:
            yield
        except BaseException:
            self.give_back(reader, descriptor)
            raise

    def close(self) -> None:
        """Stop unpacking, and give back what nobody has fetched."""
        self._cancelled.set()
        if self._worker is not None:
            self._worker.shutdown(wait=True)
        for future in self._wanted.values():
            if future.done() and not future.cancelled() and future.exception() is None:
                unpacked = future.result()
                if unpacked is not None:
                    os.close(unpacked.descriptor)
        self._wanted.clear()
        for key in [*self._held]:
            self.let_go(key)

    def _begin(self, reader: Reader, path: str) -> Answer:
        if time.monotonic() < self._not_before.get(reader.key, 0.0):
            return Answer.LATER
        self._not_before.pop(reader.key, None)
        likeness = likeness_of(reader)
        unpacking: Callable[[], Unpacked | None]
        if reader.is_packed:
            # It was found under a name that another file may have by now: rotation shifts names.
            file = _open_held(reader, self._held[reader.key]) if reader.key in self._held else _open_packed(reader)
            reader.is_put_off |= file is Answer.LATER
            if isinstance(file, Answer):
                return file
            unpacking = partial(self._unpack_one, likeness, file, has_members=may_grow(reader.path))
        else:
            copies, older = _copies_of(reader, path)
            if not likeness.proof_offset or (reader.size is not None and reader.size > reader.committed):
                older = {}
            if not (copies or older) or not likeness.is_certain:
                return Answer.NONE
            attempts = self._begun[reader.key].attempts if reader.key in self._begun else 0
            self._begun[reader.key] = _Begun(copies, attempts + 1)
            unpacking = partial(self._unpack_any, likeness, reader.known(), [*copies], [*older])
        if self._worker is None:
            self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="unpack")
        self._wanted[reader.key] = self._worker.submit(unpacking)
        return Answer.LATER

    def _begin_again(self, reader: Reader, path: str) -> Answer:
        """None of the files was a copy. One may have been renamed before it was opened: then others stand there now."""
        begun = self._begun.get(reader.key)
        if begun is not None and begun.attempts < _MOST_ATTEMPTS and _copies_of(reader, path)[0] != begun.copies:
            return self._begin(reader, path)
        self._begun.pop(reader.key, None)
        return Answer.NONE

    def _unpack_any(self, likeness: Likeness, known: Known, copies: list[Path], older: list[Path]) -> Unpacked | None:
        """The first of `copies` that is one; else one of the `older` that has no byte more or less than was handed on.

        Else one made before all of that was written. A copy is younger than its original, and its archive may be given
        the time of that: it is made later. Of one with more, bytes do not tell it from one of an older life.
        """
        found = unpack(likeness, copies, self._directory, is_cancelled=self._cancelled.is_set)
        for path in older if found is None else ():
            if _says_it_is_of(path, likeness, known.last_ns or 0):
                found = unpack(likeness, [path], self._directory, is_cancelled=self._cancelled.is_set)
            if found is not None and found.is_whole and os.fstat(found.descriptor).st_size == likeness.least_bytes:
                return found
            if found is not None:
                os.close(found.descriptor)
                found = None
        return found or unpack_earlier(known, [*older, *copies], self._directory, self._cancelled.is_set)

    def _unpack_one(self, likeness: Likeness, file: IO[bytes], *, has_members: bool) -> Unpacked | None:
        with file:
            unpacked = unpack_file(likeness, file, self._directory, is_cancelled=self._cancelled.is_set)
            if unpacked is None or not has_members:
                return unpacked
            size = os.fstat(unpacked.descriptor).st_size
            return unpacked._replace(starts=starts_of_members(file, size, self._cancelled.is_set))


def _says_it_is_of(path: Path, likeness: Likeness, since_ns: int) -> bool:
    """Whether a file was made or renamed since then, and says that it holds exactly what was recorded."""
    try:
        with path.open("rb") as file:
            return os.fstat(file.fileno()).st_ctime_ns >= since_ns and says_it_is_of(file.fileno(), likeness)
    except OSError:
        return False


def _open_packed(reader: Reader) -> IO[bytes] | Answer:
    """The compressed file of `reader`, wherever it is now; or why there is none."""
    for _ in range(_ATTEMPTS):
        try:
            file = Path(reader.path).open("rb")  # noqa: SIM115 - closed by whoever reads it
        except OSError as error:
            if not is_absence(error):
                return _answer_to(error)
        else:
            seen = os.fstat(file.fileno())
            if (seen.st_dev, seen.st_ino) == reader.inode:
                return file
            file.close()
        try:
            path = locate(reader.inode, reader.igen, [str(Path(reader.path).parent)], reader.path)
        except OSError as error:
            return _answer_to(error)
        if path is None:
            return Answer.GONE
        reader.path = path
    return Answer.LATER


def _answer_to(error: OSError) -> Answer:
    return Answer.LATER if error.errno in EXHAUSTED else Answer.SHUT


def _open_held(reader: Reader, descriptor: int) -> IO[bytes]:
    """The same where it has been open since it was found: it may have lost its name, and still holds all."""
    reader.path = place_of(descriptor) or reader.path
    return os.fdopen(os.dup(descriptor), "rb")


def may_be_packed(reader: Reader, path: str) -> bool:
    """Whether a compressed file may hold what was not read of `reader`, which was written under `path`."""
    return any(is_compressed_name(copy.name) for copy in _copies_of(reader, path)[0])


def _copies_of(reader: Reader, path: str) -> tuple[dict[Path, int], dict[Path, int]]:
    """What may be a compressed copy of the reader's file, the likeliest first, with the number of its inode.

    Apart from it what was written last before the file was found: an older life may begin alike. But logrotate gives an
    archive the time of its log before the rotation, and the program may write on: of such the newest is the likeliest.
    """
    names = {Path(path).name, Path(reader.path).name}
    places = tuple(dict.fromkeys((Path(reader.path).parent, Path(path).parent)))
    if is_pod_log(path) and len(places) > 1:
        names |= pod_logs_among(names_in(str(Path(path).parent)))  # the link that leads to it led to those before
    since_ns = reader.known().last_ns or 0
    found = _standing(places, names)
    for _ in range(_ATTEMPTS):
        before, found = found, _standing(places, names)
        if found == before:
            break  # else one may have been renamed while they were listed
    begun_ns = min(reader.begun_ns or since_ns, since_ns) if reader.proof_offset else since_ns
    groups: list[dict[Path, int]] = [{}, {}, {}]
    for mtime_ns, copy, inode in sorted(found):
        groups[_is_older(mtime_ns, since_ns) + _is_older(mtime_ns, begun_ns)][copy] = inode
    return groups[0] | dict(reversed(groups[1].items())), groups[2]


def _is_older(mtime_ns: int, since_ns: int) -> bool:
    """Whether an archive was written last before that: of a whole second it is not told, as bzip2 keeps no more."""
    return mtime_ns < (since_ns if mtime_ns % _NS else since_ns - since_ns % _NS)


def _standing(places: Iterable[Path], names: set[str]) -> set[tuple[int, Path, int]]:
    """What stands in `places` under the names of copies: when it was last written, its path, its inode's number."""
    found = set()
    for copy in (copy for place in places for copy in copies_beside(place, names)):
        with suppress(OSError):
            seen = copy.stat()
            found.add((seen.st_mtime_ns, copy, seen.st_ino))
    return found
