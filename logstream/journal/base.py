"""What the layers above may know of a journal: its values and its protocol.

The journal owns the recorded order of all bytes. A *place* is an offset in that order: the sum of the lengths of all
extents recorded before it. Places never leave the process (ids do); `head - place` is how many bytes a reader lags.
Nothing above this module may know which implementation runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from logstream.records import GapReason
from logstream.tail.batch import ANCHOR_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from logstream.records import Gap, Generation, Position
    from logstream.tail.batch import Batch, Known


TIME_RESOLUTION_MS = 1000
"""What a journal tells as the time of recording may be earlier than it was, by less than this."""
USUALLY_AHEAD_MS = 1000
"""Lines may tell times that are later than that of recording by so much: they are written while others are read."""


class Run(NamedTuple):
    """A stretch of the recorded order that lies in one generation: bytes `[start, end)`, at place `at`.

    `lines` is None where nobody knows (a hole, or a run that begins inside a coarse extent). `hole` says why the bytes
    were lost before they could be read; a hole weighs one in the recorded order whatever its length, and its `end` is
    None if nobody knows it. Entries that were forgotten (`expired`) weigh what they did before.
    """

    generation: Generation
    start: int
    end: int | None
    at: int
    lines: int | None
    time_ms: int
    hole: GapReason | None = None

    @property
    def next_at(self) -> int:
        """The place after this run."""
        if self.end is None or self.hole not in {None, GapReason.EXPIRED}:
            return self.at + 1
        return self.at + self.end - self.start


class Block(NamedTuple):
    """The bytes of a run, at most 64 KiB, whole lines: what everything above reads.

    `lead` holds the at most 64 bytes before `start`, from which the first line's anchor is made.
    """

    generation: Generation
    start: int
    at: int
    time_ms: int
    lead: bytes
    content: bytes
    is_durable: bool = True
    """Whether the recorded order has it on the disk; else its lines have no ids, for these could not be kept."""

    @property
    def end(self) -> int:
        """The generation's offset after this block."""
        return self.start + len(self.content)

    @property
    def next_at(self) -> int:
        """The place after this block."""
        return self.at + len(self.content)

    def before(self, length: int) -> bytes:
        """The at most 64 raw bytes of the generation before byte `length` of the content: what an anchor is made of."""
        if length >= ANCHOR_BYTES:
            return self.content[length - ANCHOR_BYTES : length]
        return (self.lead + self.content[:length])[-ANCHOR_BYTES:]


class Passed(NamedTuple):
    """Whole lines of a run of which none can be wanted, and the position after them."""

    generation: Generation
    at: int
    next_at: int
    time_ms: int
    after: Position | None
    first_end_at: int
    """The place after the first of the lines."""


class Picked(NamedTuple):
    """Whole lines of a run of which only some can be wanted, and these can be told of by themselves.

    What was looked at begins at the offset `start` and the place `at`. `starts` and `ends` are where the lines that can
    be wanted lie behind that, ascending; `joined` is these lines, and `anchors` has what an id needs of the bytes
    before each end. `after` is the position after all that was looked at, `next_at` its place.
    """

    generation: Generation
    start: int
    at: int
    time_ms: int
    starts: Sequence[int]
    ends: Sequence[int]
    joined: bytes
    anchors: Sequence[int]
    next_at: int
    after: Position


class Sieve(NamedTuple):
    """What tells without a look at single lines which of them can be wanted.

    `stops` takes bytes that begin where a record does, and the length of the whole lines in them, none of which is
    over-long. What follows behind them counts for nothing, but where something does, the lines need not be copied.
    It answers ascending offsets, of which each line that can be wanted has one in it or at its end; with `tells_ends`,
    that of its line feed and no other. None: it cannot tell. `are_alone` tells of such lines, joined, whether none can
    go on with the line before it. At most `most_picked` lines are picked out at once.
    """

    stops: Callable[[bytes, int], Sequence[int] | None]
    are_alone: Callable[[bytes], bool]
    most_picked: int
    tells_ends: bool = False


class Lost(NamedTuple):
    """A stretch of the recorded order whose bytes cannot be had, and the position after it.

    Bytes that only cannot be read now have none: a client that keeps the position before may still get them. Nor has
    what the state's disk does not have yet.
    """

    gap: Gap
    at: int
    next_at: int
    after: Position | None


def without_ids(item: Block | Lost) -> Block | Lost:
    """`item` as it is told while the state cannot be written."""
    return item._replace(is_durable=False) if isinstance(item, Block) else item._replace(after=None)


class Recovery(NamedTuple):
    """How to go on after an id whose file is known, but not what else its client had.

    The client has all of generation `key` before `offset`. Up to the place `until` nobody knows what it had of other
    generations: only `key` is told there, and its positions name it `told_as`, as the id did, so that coming back in
    the middle leads here again. With `until` None everything is told, and the client may have some of it.
    `is_behind` says that nothing from before `offset` is recorded after the place to go on at.
    """

    key: str
    offset: int
    until: int | None = None
    told_as: str | None = None
    is_behind: bool = False


class Resolution(NamedTuple):
    """What an id led to: the place to go on at, or the reason why there is none.

    A place may come with a reason too: why what follows is not just what the client has not had.
    """

    at: int | None
    reason: str | None
    recovery: Recovery | None = None


class Health(NamedTuple):
    """Whether the journal can record."""

    is_ready: bool
    reason: str | None


class Reached(NamedTuple):
    """How far a generation was recorded at some place: bytes from `base` on, where streaming began, up to `offset`."""

    generation: Generation
    base: int
    offset: int


class BlockReader(Protocol):
    """Reads the recorded order onward from one place. Belongs to one subscriber."""

    @property
    def at(self) -> int:
        """The place that is read next."""

    async def read(self, until: int) -> Block | Lost | None:
        """The next block, which ends at `until` or before, or what was lost there; None once `until` is reached."""

    async def sift(self, until: int) -> Block | Lost | Passed | None:
        """As `read`, but lines that the reader's sieve holds back are passed over, many at a time."""

    async def pick(self, until: int) -> Block | Lost | Passed | Picked | None:
        """As `sift`, but lines that can be told of by themselves come without what lies between them."""

    def close(self) -> None:
        """Give back what the reader holds."""


class Journal(Protocol):
    """The recorded order of all bytes of all files, and the ids that point into it."""

    @property
    def head(self) -> int:
        """The place after everything recorded so far."""

    @property
    def durable_head(self) -> int:
        """The place up to which the order lasts; `head` but for the time in which the state cannot be written."""

    @property
    def health(self) -> Health:
        """Whether recording works."""

    @property
    def size_bytes(self) -> int:
        """How much room the state takes on its disk."""

    async def commit(self, batch: Batch) -> tuple[Block | Lost, ...]:
        """Record `batch` for good, then answer what it appended, cut in blocks; raises JournalError.

        While the state cannot be written, batches are kept in memory, and their lines have no ids.
        """

    async def resolve(self, position: Position, tells: Callable[[str], bool] | None = None) -> Resolution:
        """The place after `position`, checked against the file's own bytes while they exist.

        With `tells`, sources that it refuses are unknown: so is an id of theirs, and no file of theirs is looked at.
        """

    async def position_at(self, at: int, tells: Callable[[str], bool] | None = None) -> Position | None:
        """The position of the last byte recorded before the place `at`; None at the very start.

        With `tells`, of the last one that is of a source which it accepts: between the two nothing is of such a source.
        """

    async def place_of_time(self, time_ms: int, wants: Callable[[str], bool] | None = None) -> int:
        """A place before which nothing was recorded at or after `time_ms` (epoch milliseconds), or tells such a time.

        That goes for sources that `wants` accepts, and as far as `note_ahead` has said how much they are ahead.
        """

    async def note_ahead(self, ahead_ms: Mapping[str, int]) -> None:
        """Remember by how much lines of generations, by key, are ahead of their recording; raises JournalError."""

    async def align(self, at: int) -> int:
        """The last place at or before `at` where a line is known to begin."""

    def reader(
        self,
        at: int,
        wants: Callable[[str], bool] | None = None,
        *,
        only: str | None = None,
        sieve_of: Callable[[Generation], Sieve | None] | None = None,
    ) -> BlockReader:
        """A reader that begins at the place `at`, a line's start, and passes over sources that `wants` refuses.

        With `only`, it passes over all generations but that one. Who calls `sift` or `pick` gives the sieve of a
        generation.
        """

    def bytes_before(self, generation: Generation, offset: int, length: int) -> bytes | None:
        """The at most `length` bytes of `generation` before `offset`; None while they cannot be read."""

    async def reached(self, at: int) -> tuple[Reached, ...]:
        """How far each generation was recorded at the place `at`, for those of which something was."""

    async def place_in(self, generation: Generation, offset: int) -> int | None:
        """The place of the byte `offset` of a generation, which was recorded; None if that has been forgotten since."""

    def known(self) -> tuple[Known, ...]:
        """Every generation of which something may still be on disk, for the tail to go on with or to recognise."""

    def sources_seen(self) -> Mapping[str, float | None]:
        """The sources that have been watched before, and since when, in epoch seconds; None: nobody noted that."""

    async def note_sources(self, names: frozenset[str], now_seconds: float) -> None:
        """Remember that the sources `names` are being watched, those that are new since `now_seconds`."""

    async def run(self) -> None:
        """Keep the state in shape; runs until cancelled, in the owner's task."""

    async def aclose(self) -> None:
        """Finish writing and release the state."""
