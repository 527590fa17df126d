"""A journal's memory in another process: what is told of each change, and the ledger that follows.

Owns the values that travel, and what a replica takes over of them. Pure; how they travel is not its business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from logstream.journal.codec import RowWriter
from logstream.journal.ledger import Ledger, Stored
from logstream.records import GapReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from logstream.journal.base import Block, Lost
    from logstream.journal.held import Statement
    from logstream.journal.life import Life
    from logstream.tail.batch import Notice


class Snapshot(NamedTuple):
    """All that a journal has in memory. `held` is what its disk has not taken."""

    lives: tuple[Life, ...]
    keyframes: tuple[int, ...]
    head: int
    durable_head: int
    loaded_head: int
    last_key: str | None
    held: tuple[Statement, ...]


class Delta(NamedTuple):
    """What one batch changed: `lives` as they are now, and what was appended."""

    lives: tuple[Life, ...]
    appended: tuple[Block | Lost, ...]
    notices: tuple[Notice, ...]
    keyframe: int | None
    head: int
    durable_head: int
    last_key: str | None
    held: tuple[Statement, ...]


class Settled(NamedTuple):
    """The disk has everything up to `durable_head`, perhaps in another file."""

    durable_head: int


Change = Snapshot | Delta | Settled


class ReplicaLedger(Ledger):
    """A ledger that is told what to know. Plans nothing: it has no row to append to."""

    def __init__(self, snapshot: Snapshot, max_line_bytes: Callable[[str], int]) -> None:
        """Know what `snapshot` tells."""
        row = RowWriter.begin(snapshot.head, 0)
        super().__init__(Stored(snapshot.lives, snapshot.keyframes, row, 0, snapshot.last_key), max_line_bytes)
        self.durable_head = snapshot.durable_head

    def follow(self, delta: Delta) -> None:
        """Take over what `delta` tells."""
        for life in delta.lives:
            if life.generation.key in self.lives or life.birth_at >= self.head:
                self.lives[life.generation.key] = self.by_slot[life.slot] = life
            # Any other was forgotten after this was told.
        if delta.keyframe is not None:
            self.keyframes.append(delta.keyframe)
        self._row = RowWriter.begin(delta.head, 0)
        self.durable_head = delta.durable_head
        self.last_key = delta.last_key

    def begin_anew(self, snapshot: Snapshot) -> bool:
        """Go over to another teller's snapshot; False, and nothing changes, if it is not of the same order.

        What only the former teller's memory had is lost with it: who has told of that cannot go on.
        """
        if self.head > self.durable_head or snapshot.head < self.head:
            return False
        told = {life.generation.key: life for life in snapshot.lives}
        if self.last_key is not None and self.last_key not in told:
            return False  # what was recorded last is never forgotten
        for key, life in self.lives.items():
            now = told.get(key)
            is_forgotten = now is None and life.sealed_at is not None
            is_same = now is not None and now.slot == life.slot and now.birth_at == life.birth_at
            if not is_forgotten and not (is_same and now is not None and now.committed >= life.committed):
                return False
        self.lives = told
        self.by_slot = {life.slot: life for life in snapshot.lives}
        self.keyframes = list(snapshot.keyframes)
        self._row = RowWriter.begin(snapshot.head, 0)
        self.durable_head, self.last_key = snapshot.durable_head, snapshot.last_key
        self.epoch += 1
        return True

    def note_rewritten(self, stored: Iterable[Life], keyframes: Iterable[int]) -> None:
        """Rows have been written anew without what was forgotten; `stored` and `keyframes` are what is left."""
        slots = {life.slot for life in stored}
        self.forget(
            [
                life
                for life in self.lives.values()
                if life.slot not in slots and life.sealed_at is not None and life.birth_at < self.durable_head
            ]
        )
        for life in stored:
            if life.slot not in self.by_slot and life.gone is GapReason.EXPIRED:
                self.lives[life.generation.key] = self.by_slot[life.slot] = life
        left = frozenset(keyframes)
        self.keyframes = [start for start in self.keyframes if start in left or start >= self.durable_head]
        self.epoch += 1
