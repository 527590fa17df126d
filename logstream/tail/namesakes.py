"""Which readers have files of the same name, whatever their directories.

Owns nothing but the index: with ten thousand files nobody can look at all others for each new one. Refuses to know what
the readers have in common beside the name.
"""

# ruff: noqa: PTH119 - asked for each new file: a Path object costs more

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from logstream.tail.told import Told

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logstream.tail.reader import Reader


class Namesakes:
    """Readers by the names that their files have now."""

    def __init__(self) -> None:
        """Know nobody."""
        self._readers: dict[str, dict[Reader, None]] = {}
        self._names: dict[Reader, str] = {}
        self.told = Told()
        """The same readers by what they are told as, which stays as it is."""

    def enter(self, reader: Reader) -> None:
        """Count `reader` in under the name that it has now."""
        self.leave(reader)
        name = os.path.basename(reader.path)
        self._names[reader] = name
        self._readers.setdefault(name, {})[reader] = None
        self.told.enter(reader)

    def leave(self, reader: Reader) -> None:
        """Forget `reader`, if it is known."""
        name = self._names.pop(reader, None)
        if name is not None:
            self.told.leave(reader)
            readers = self._readers[name]
            del readers[reader]
            if not readers:
                del self._readers[name]

    def note_move(self, reader: Reader) -> None:
        """Take the new name of `reader`, if it is known."""
        if reader in self._names:
            self.enter(reader)

    def of(self, path: str) -> Iterable[Reader]:
        """Those whose files have the name of `path` now."""
        return tuple(self._readers.get(os.path.basename(path), ()))
