"""Stretches of the recorded order that threads read and search before a reader comes to them.

Owns the threads, how many stretches may be on their way or wait to be taken, and what a thread does with one. Refuses
to decide: a thread answers only what is beyond doubt. Bytes that are not there, lines that may be over-long, many lines
that can be wanted: there it answers nothing, and the reader looks for itself and says what is the matter.

A thread reads and searches the same bytes, little by little into the same memory: what one core has read comes slowly
to another one, and slowly from main memory. But not by too little: each time it needs the interpreter in between, which
somebody else may have, and is woken for it.
"""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Final, NamedTuple

from logstream.journal.sifting import BEYOND_BYTES, Lines, Seen, Stretch, lines_at
from logstream.tail.batch import ANCHOR_BYTES
from logstream.tail.lines import may_be_over_long

if TYPE_CHECKING:
    from collections.abc import Callable

    from logstream.journal.base import Run, Sieve

AHEAD_BYTES: Final = 16 << 20
"""How much one thread is asked to look at, of bytes that were recorded at the same time."""
FEWEST_BYTES: Final = 256 * 1024
"""Less is looked at sooner than a thread is asked."""
MOST_AHEAD: Final = 4
"""How many stretches one reader has on their way or waiting for it."""
MOST_HELD: Final = 32
"""The same for all readers; who finds no room looks for itself. Each holds a descriptor until it has been read."""
_READ_BYTES: Final = 2 << 20
"""What is read at once: the search finds it in a core's own cache, or not far from it."""
_MOST_STOPS: Final = 256
"""More of them in what is read at once, and the search is not for threads: each stop waits for the interpreter."""
_MOST_FOUND_BYTES: Final = 128 * 1024
"""How long the lines that are found in a stretch may be together: they wait to be taken."""
_MOST_THREADS: Final = 4


class Found(NamedTuple):
    """What a thread has found in a run: the lines that can be wanted, which lie behind the run's start.

    `lead` was read after all else: if it still stood there, so did what is behind it. `first_end` is where the first
    line ends, and `before` are the last bytes of the run.
    """

    lead: bytes
    lines: Lines
    first_end: int
    before: bytes


class Memory:
    """What one thread reads into, as long as what is read at once: fresh memory costs a fault a page."""

    def __init__(self) -> None:
        """Nothing is read yet."""
        self._length = _READ_BYTES + BEYOND_BYTES
        self._buffer: BytesIO | None = None
        """There is one from the first time that it is filled on: most searches of many lines end before."""

    def read(self, descriptor: int, length: int, at: int) -> bytes:
        """The `length` bytes at `at`, no more than fit; fewer where the file ends.

        They lie where the last ones lay, of which whoever still holds them has a copy from now on.
        """
        if length < self._length:
            return os.pread(descriptor, length, at)
        if self._buffer is None:
            self._buffer = BytesIO(bytes(length))
        with self._buffer.getbuffer() as view:
            found = os.preadv(descriptor, [view], at)
        content = self._buffer.getvalue()
        return content if found == length else content[:found]


class SearchThreads:
    """The threads of one journal. To be used in the event loop's thread; they are begun when they are needed."""

    def __init__(self) -> None:
        """No thread runs. On a single core none ever does."""
        self._count = min(_MOST_THREADS, _cores())
        self._executor: ThreadPoolExecutor | None = None
        self._is_closed = False
        self._held = 0
        self._spare: list[Memory] = []
        """What no thread reads into now, as long as anything is on its way or waits: no more than there are threads."""

    @property
    def have_room(self) -> bool:
        """Whether another stretch may be begun."""
        return self._count > 1 and self._held < MOST_HELD and not self._is_closed

    def begin(
        self, descriptor: int, is_good: Callable[[int], bool], run: Run, sieve: Sieve, max_line_bytes: int
    ) -> Searched | None:
        """Have a run looked at, of which `descriptor` has the bytes if it `is_good`; it may be closed meanwhile.

        None: no more descriptors are to be had.
        """
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self._count, thread_name_prefix="search")
        try:
            own = os.dup(descriptor)
        except OSError:
            return None
        self._held += 1
        future = self._executor.submit(self._look, own, is_good, run, sieve, max_line_bytes)
        future.add_done_callback(partial(_close, own))
        return Searched(run, max_line_bytes, future, self._give_back)

    def _look(
        self, descriptor: int, is_good: Callable[[int], bool], run: Run, sieve: Sieve, max_line_bytes: int
    ) -> Found | None:
        try:
            memory = self._spare.pop()
        except IndexError:
            memory = Memory()
        try:
            return look(descriptor, is_good, run, sieve, max_line_bytes, memory)
        finally:
            if self._held:  # else nobody waits for this any more
                self._spare.append(memory)

    def _give_back(self) -> None:
        self._held -= 1
        if not self._held:
            self._spare.clear()

    def close(self) -> None:
        """End the threads, once what has been begun is done: milliseconds."""
        self._is_closed = True
        if self._executor is not None:
            self._executor.shutdown()


class Searched:
    """A run that is being looked at, or has been, until it is taken or dropped."""

    def __init__(
        self, run: Run, max_line_bytes: int, future: Future[Found | None], give_back: Callable[[], None]
    ) -> None:
        """Wait for `future`; `give_back` is called once."""
        self.run = run
        self.max_line_bytes = max_line_bytes
        self._future = future
        self._give_back = give_back

    async def take(self) -> Found | None:
        """What was found; None where the reader has to look for itself."""
        try:
            if not self._future.done():
                return await asyncio.wrap_future(self._future)
            return self._future.result()
        finally:
            self._give_back()

    def drop(self) -> None:
        """Nobody will take it."""
        self._future.cancel()
        self._give_back()


def look(  # noqa: PLR0913, PLR0917 - all that a thread may know
    descriptor: int,
    is_good: Callable[[int], bool],
    run: Run,
    sieve: Sieve,
    max_line_bytes: int,
    memory: Memory,
) -> Found | None:
    """What can be wanted in a run that begins within a file; None if it cannot be told, or is much.

    `is_good` is asked last: the file may be written anew at any moment.
    """
    try:
        found = _look(descriptor, run, sieve, max_line_bytes, memory)
        return found if found is None or is_good(descriptor) else None
    except OSError:
        return None


def _look(descriptor: int, run: Run, sieve: Sieve, max_line_bytes: int, memory: Memory) -> Found | None:
    lead_bytes = min(ANCHOR_BYTES, run.start)
    lead = os.pread(descriptor, lead_bytes, run.start - lead_bytes)
    search = _Search(run.start, lead, sieve, max_line_bytes)
    while search.at < (run.end or 0):
        length = min(_READ_BYTES, (run.end or 0) - search.at)
        # Nothing here holds what was read: the next bytes are to lie in its place.
        if not search.goes_on(memory.read(descriptor, length + BEYOND_BYTES, search.at), length):
            return None
    is_there = os.pread(descriptor, lead_bytes, run.start - lead_bytes) == lead and len(lead) == lead_bytes
    return Found(lead, search.lines(), search.first_end, search.before) if is_there else None


class _Search:
    """The way through one run, and its lines as they are found."""

    def __init__(self, start: int, lead: bytes, sieve: Sieve, max_line_bytes: int) -> None:
        """Begin at the offset `start`, before which `lead` stands."""
        self.at = start
        self.before = lead
        self.first_end = 0
        self._start = start
        self._sieve = sieve
        self._max_line_bytes = max_line_bytes
        self._found = Lines([], [], b"", [])
        self._pieces: list[bytes] = []
        self._left_bytes = _MOST_FOUND_BYTES

    def goes_on(self, content: bytes, length: int) -> bool:
        """Search the first `length` bytes of `content`, which stands here; False if that is for the reader to do."""
        end = content.rfind(b"\n", 0, length) + 1
        if len(content) < length or not end or may_be_over_long(content, end, self._max_line_bytes):
            return False
        stops = self._sieve.stops(content, end)
        if stops is None or len(stops) > _MOST_STOPS:
            return False
        stretch = Stretch(self.at, self.before, content, end)
        if stops:
            self._take(lines_at(Seen(stretch, stops, self._sieve.tells_ends), len(stops)))
        self.first_end = self.first_end or content.find(b"\n") + 1
        self.before = stretch.before(end)
        self.at += end
        return self._left_bytes >= 0

    def _take(self, lines: Lines) -> None:
        offset, found = self.at - self._start, self._found
        found.starts.extend([offset + start for start in lines.starts])
        found.ends.extend([offset + end for end in lines.ends])
        found.anchors.extend(lines.anchors)
        self._pieces.append(lines.joined)
        self._left_bytes -= len(lines.joined)

    def lines(self) -> Lines:
        """All of them."""
        return self._found._replace(joined=b"".join(self._pieces))


def _close(descriptor: int, _future: Future[Found | None]) -> None:
    os.close(descriptor)


def _cores() -> int:
    """On how many cores this process may run."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
