"""Finding a generation's bytes again: under its path, beside it under another name, or compressed.

Owns a bounded set of open descriptors, and of bytes unpacked from compressed copies. By what a file is recognised is
for `proofs`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import stat
from collections import OrderedDict
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from logstream.journal.beside import Beside
from logstream.journal.proofs import examine, latest_likeness, read_before
from logstream.records import GapReason
from logstream.tail.earlier import unpack_earlier
from logstream.tail.packed import NoRoomError, StillWrittenError, unpack
from logstream.tail.rotation import is_compressed_name
from logstream.tail.vacancy import directory_of, look_at, why_unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from logstream.journal.life import Life
    from logstream.tail.packed import Unpacked

Looked = TypeVar("Looked")
_log = logging.getLogger(__name__)
OPEN_FILES = 128
"""The most descriptors held for reading history; the least recently used one is closed."""
UNPACKED_BYTES = 4 << 30
"""The most room that unpacked generations take together; beyond it the least recently used one is given up."""
_ATTEMPTS = 5
"""How often a file is looked for again that was renamed between the listing of its directory and its opening."""
_ELSEWHERE = frozenset((GapReason.DELETED, GapReason.TRUNCATED))
"""Why bytes are not where they were; a copy of them may be left."""
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


class Locator:
    """Opens generations for reading, and remembers what it opened."""

    def __init__(self, directory: Path) -> None:
        """Hold nothing yet; `directory` is where compressed generations are unpacked."""
        self._directory = directory
        self._unpacking = asyncio.Lock()
        self._unpacked_bytes: dict[str, int] = {}
        self._open: OrderedDict[str, int] = OrderedDict()
        self._beside = Beside()
        self._used: set[str] = set()
        """What was asked for since the last `release_idle`."""

    def locate(self, life: Life) -> int | GapReason:
        """A descriptor on the generation's bytes, owned by this locator, or why there are none."""
        key = life.generation.key
        self._used.add(key)
        if life.gone is GapReason.TRUNCATED and key not in self._unpacked_bytes:
            self.forget(key)
            return life.gone
        found = self._open.get(key)
        if found is not None and self._is_good(found, life):
            self._open.move_to_end(key)
            return found
        self.forget(key)
        answer = self._search(life)
        return answer if isinstance(answer, GapReason) else self._held(key, answer)

    def _held(self, key: str, descriptor: int) -> int:
        self._open[key] = descriptor
        if len(self._open) > OPEN_FILES:
            self.forget(next(iter(self._open)))
        return descriptor

    def lend(self, life: Life) -> tuple[int, Callable[[int], bool]] | None:
        """A descriptor that held the generation when it was looked at last, and what tells whether it still does.

        That is for any thread, to be asked once something has been read. None: there is none, or only `find` knows.
        """
        key = life.generation.key
        is_unpacked = key in self._unpacked_bytes
        found = self._open.get(key)
        if found is None or (is_unpacked and not self._is_good(found, life)):
            return None
        self._used.add(key)
        facts = life.copy()  # the journal's own goes on
        return found, (lambda _: True) if is_unpacked else (lambda descriptor: examine(descriptor, facts) is None)

    def _is_good(self, descriptor: int, life: Life) -> bool:
        """Whether what is open still holds the generation: its file may have been written anew a moment ago."""
        unpacked_bytes = self._unpacked_bytes.get(life.generation.key)
        return examine(descriptor, life) is None if unpacked_bytes is None else unpacked_bytes == life.committed

    async def find_kept(self, life: Life, offset: int) -> int | GapReason:
        """As `find`, if the file still has what it had before `offset`."""
        return await self.find(life) if life.has_kept(offset) else GapReason.TRUNCATED

    async def find(self, life: Life) -> int | GapReason:
        """As `locate`, and where only a copy is left, that: as it is, or unpacked in a thread, one at a time."""
        found = self.locate(life)
        if found not in _ELSEWHERE:
            return found
        here = Path(life.path)
        if life.gone is None and (replaced := _plain_copy(life, [here])) is not None:
            # By a file that begins with all of it, which the tail has yet to see. It may be written anew at any time,
            # and is not this generation's own: so it is looked at again each time.
            return self._held(life.generation.key, replaced)
        try:
            copies = self._beside.copies_of(life.path, life.generation.file)
        except OSError:
            copies, found = [], GapReason.UNREADABLE
        if not copies:
            return found
        has_to_wait = self._unpacking.locked()
        async with self._unpacking:
            if has_to_wait and (found := self.locate(life)) not in _ELSEWHERE:
                return found  # somebody else has had it unpacked meanwhile
            try:
                descriptor = _plain_copy(life, copies) or await self._unpacked(life, copies)
                if descriptor is None and life.gone is GapReason.TRUNCATED:
                    descriptor = await self._beginning(life, copies)
            except NoRoomError as error:
                _log.warning("%s", error)
                return GapReason.UNREADABLE
        if descriptor is not None:
            self._keep(life, descriptor)
        return found if descriptor is None else descriptor

    async def _unpacked(self, life: Life, copies: list[Path]) -> int | None:
        # Not a byte more than was recorded: what is behind it belongs to nobody.
        likeness, most_bytes = latest_likeness(life), life.committed
        ask = partial(unpack, directory=self._directory, most_bytes=most_bytes)
        found = await asyncio.to_thread(_first_whole, ask, likeness, copies)
        return None if found is None else found.descriptor

    async def _beginning(self, life: Life, copies: list[Path]) -> int | None:
        """What is left in a copy that was made before the last of the generation was read: the rest was cut off."""
        ask = partial(unpack_earlier, directory=self._directory)
        found = await asyncio.to_thread(_first_whole, ask, life.known(None), copies)
        if found is None:
            return None
        life.kept_end = os.fstat(found.descriptor).st_size
        return found.descriptor

    def _keep(self, life: Life, descriptor: int) -> None:
        key = life.generation.key
        self.forget(key)
        self._open[key] = descriptor
        self._unpacked_bytes[key] = life.committed
        for other in [key for key in self._open if key in self._unpacked_bytes]:
            if other != key and sum(self._unpacked_bytes.values()) > UNPACKED_BYTES:
                self.forget(other)

    read_before = staticmethod(read_before)

    def forget(self, key: str) -> None:
        """Close what is open of the generation `key`."""
        descriptor = self._open.pop(key, None)
        self._unpacked_bytes.pop(key, None)
        if descriptor is not None:
            os.close(descriptor)

    def release_idle(self) -> None:
        """Close what nobody has asked for since the last call: an open descriptor keeps a deleted file's disk space."""
        for key in [key for key in self._open if key not in self._used]:
            self.forget(key)
        self._used.clear()

    def close(self) -> None:
        """Close everything."""
        while self._open:
            os.close(self._open.popitem()[1])

    def _search(self, life: Life) -> int | GapReason:
        answer, has_moved = _look_for(life, self._beside)
        for _ in range(_ATTEMPTS):
            if not has_moved:
                break
            answer, has_moved = _look_for(life, self._beside)
        return answer


def _look_for(life: Life, beside: Beside) -> tuple[int | GapReason, bool]:
    """A descriptor on the generation, or why there is none; and whether it was renamed meanwhile: it is elsewhere."""
    reason, has_moved = GapReason.DELETED, False
    for path in _candidates(life, beside):
        is_beside = path != life.path
        try:
            descriptor = os.open(path, _FLAGS)
        except FileNotFoundError:
            has_moved |= is_beside
            continue
        except OSError:
            reason = GapReason.UNREADABLE
            continue
        verdict = examine(descriptor, life)
        if verdict is None:
            return descriptor, False
        seen = os.fstat(descriptor)
        os.close(descriptor)
        has_moved |= is_beside and (seen.st_dev, seen.st_ino) != (life.dev, life.ino)
        if verdict is GapReason.TRUNCATED and not is_beside:
            # Under another name it is another file that was given the inode of a deleted one.
            reason = verdict
    if life.gone is None and reason is GapReason.DELETED and _is_vacant(life):
        reason = GapReason.UNREADABLE
    return life.gone or reason, has_moved


def _is_vacant(life: Life) -> bool:
    """Whether the generation's directory is not there either: both may come back."""
    try:
        return why_unknown(look_at(directory_of(life.path)), life.dev, was_vacant=False) is not None
    except OSError:
        return True


def _candidates(life: Life, beside: Beside) -> Iterator[str]:
    """The generation's last known path, then whatever else in that directory, or behind a link, has its inode."""
    yield life.path
    path = Path(life.path)
    # Not `resolve`: that refuses a link that leads to itself.
    behind = [Path(os.path.realpath(path)).parent] if path.is_symlink() else []
    for directory in (path.parent, *behind):
        try:
            paths = beside.paths_of(directory, life.ino)
        except OSError:
            continue
        yield from (path for path in paths if path != life.path)


def _first_whole(
    ask: Callable[[Looked, list[Path]], Unpacked | None], looked_for: Looked, copies: list[Path]
) -> Unpacked | None:
    """What `ask` finds in one of `copies`. One that is still being written keeps nobody from those that are whole."""
    for path in copies:
        with suppress(StillWrittenError):
            if (found := ask(looked_for, [path])) is not None:
                return found
    return None


def _plain_copy(life: Life, paths: list[Path]) -> int | None:
    for path in paths:
        if is_compressed_name(path.name):
            continue
        try:
            descriptor = os.open(path, _FLAGS)
        except OSError:
            continue
        if stat.S_ISREG(os.fstat(descriptor).st_mode) and latest_likeness(life).is_met_by(descriptor):
            return descriptor
        os.close(descriptor)
    return None


def is_life_at(path: str, life: Life) -> bool:
    """Whether the file at `path` is, or may be, that generation."""
    try:
        descriptor = os.open(path, _FLAGS)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        return examine(descriptor, life) is None
    except OSError:
        return True
    finally:
        os.close(descriptor)
