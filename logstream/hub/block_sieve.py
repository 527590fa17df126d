"""Blocks near the head in which a view can select nothing, as its sieve tells of all their bytes at once.

Owns when to ask: not where nearly each block has something, and of many blocks only where the one before had nothing.
Refuses to judge.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate, islice
from time import perf_counter_ns, thread_time_ns
from typing import TYPE_CHECKING, Final

import numpy as np

from logstream.hub.joining import Sifting
from logstream.journal.base import Block
from logstream.journal.sifting import BEYOND_BYTES
from logstream.tail.lines import may_be_over_long

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from logstream.records import Generation
    from logstream.rules.evidence import Count
    from logstream.rules.sieve import Sieve

FAR_BYTES: Final = 1 << 20
"""How much is looked at together: some tenths of a millisecond, which nobody else has meanwhile."""
FEWEST_FAR: Final = 8
"""Fewer blocks than so many are looked at as they are judged, some neighbours at a time."""
MOST_FAR: Final = 128
"""However small they are: each has a price of its own."""
_LEAST_FAR_BYTES: Final = 256 * 1024
_LONG_NS: Final = 3_000_000
"""A sieve that takes so long is given less: nobody else has a turn meanwhile."""
_LF: Final = 0x0A
_BEYOND: Final = b"\n" * BEYOND_BYTES


class BlockSieve:
    """One view's."""

    def __init__(self, sieve: Sieve | None, plain_bytes: Callable[[Generation], int | None], count: Count) -> None:
        """Ask `sieve`, if there is one, of generations for which `plain_bytes` has how long lines can be.

        `count` is told of the lines that are held back.
        """
        self._sieve = sieve
        self._plain_bytes = plain_bytes
        self._count = count
        self._sifting = Sifting()
        self._far_bytes = FAR_BYTES
        self._is_quiet = False
        """Whether nothing was found when it was asked last."""
        self._found_at: int | None = None
        """Where the block lies in which something was found when it was asked of many."""

    def holds_back(self, block: Block) -> bool:
        """Whether it is known that the view can select no line of the block, which may be one made of neighbours."""
        if not self._sifting.is_due():
            return False
        began_ns = perf_counter_ns()
        sieve = self._sieve_for(block.generation, block.content, len(block.content))
        if sieve is None:
            return False
        stops = sieve.stops(block.content, len(block.content), only_first=True)
        self._is_quiet = stops is not None and not stops
        if not self._is_quiet:
            self._sifting.was_in_vain()
            return False
        self._sifting.was_worth_while()
        self._note(block.content, len(block.content), began_ns, block.time_ms)
        return True

    def held_back(self, first: Block, following: Iterable[object]) -> Block | None:
        """The last of many blocks, `first` and those `following`, that hold nothing for the view; None: ask of each."""
        if not self._is_quiet:
            return None
        blocks = in_one_piece(first, following, self._far_bytes)
        if len(blocks) < FEWEST_FAR:
            return None
        began_ns = perf_counter_ns()
        # With something behind them the lines are not copied once more.
        content = b"".join([*(block.content for block in blocks), _BEYOND])
        ends = list(accumulate([len(block.content) for block in blocks]))
        sieve = self._sieve_for(first.generation, content, ends[-1])
        stops = None if sieve is None else self._stops(sieve, content, ends[-1])
        self._is_quiet = stops is not None and not stops
        if stops is None:
            return None
        count = bisect_right(ends, stops[0]) if stops else len(blocks)
        self._found_at = blocks[count].at if stops else None
        if not count:
            return None
        self._note(content, ends[count - 1], began_ns, blocks[count - 1].time_ms)
        return blocks[count - 1]

    def _stops(self, sieve: Sieve, content: bytes, end: int) -> Sequence[int] | None:
        began_ns = thread_time_ns()
        stops = sieve.stops(content, end)
        if thread_time_ns() - began_ns > _LONG_NS:
            self._far_bytes = max(_LEAST_FAR_BYTES, self._far_bytes // 2)
        else:
            self._far_bytes = min(FAR_BYTES, self._far_bytes * 2)
        return stops

    def has_found(self, block: Block) -> bool:
        """Whether the block is known to have something, which its neighbours need not."""
        return block.at == self._found_at

    def _sieve_for(self, generation: Generation, content: bytes, end: int) -> Sieve | None:
        """What can be asked of the lines in the first `end` bytes; None: nothing, any of them may be selected."""
        if self._sieve is None or not content.endswith(b"\n", 0, end):
            return None
        plain_bytes = self._plain_bytes(generation)
        if plain_bytes is None or may_be_over_long(content, end, plain_bytes):
            return None
        return self._sieve

    def _note(self, content: bytes, end: int, began_ns: int, time_ms: int) -> None:
        line_count = int(np.count_nonzero(np.frombuffer(content, np.uint8, end) == _LF))
        self._count.measured(line_count, perf_counter_ns() - began_ns)
        self._count.add(line_count, 0, time_ms)


def in_one_piece(first: Block, following: Iterable[object], most_bytes: int) -> Sequence[Block]:
    """`first` and the blocks that follow it in its generation without a hole, up to `most_bytes` and `MOST_FAR`."""
    found = [first]
    held_bytes = len(first.content)
    for other in islice(following, MOST_FAR - 1):
        if not isinstance(other, Block) or other.generation != first.generation:
            break
        is_next = (other.start, other.at) == (found[-1].end, found[-1].next_at)
        held_bytes += len(other.content)
        if not is_next or other.is_durable != first.is_durable or held_bytes > most_bytes:
            break
        found.append(other)
    return found
