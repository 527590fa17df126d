"""Finished pieces of output and the protocol of what makes them.

The hub decides what is sent and when; how it looks on the wire is the api's, which gives the hub a `FrameEncoder`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, overload

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from logstream.parse import Column, Table
    from logstream.records import Gap, Generation, Level, Position, Record
    from logstream.tail.batch import Notice


LINE_EVENT: Final = "line"
"""The type of a record to which no rule gives another."""


class Shape(StrEnum):
    """Whether each record is an event, or all records of a block are one."""

    LINE = "line"
    BATCH = "batch"


class EncodedRecord(NamedTuple):
    """A record whose JSON is made."""

    id: str | None
    event: str
    json: bytes


class EncodedLines(Sequence[EncodedRecord]):
    """Many records whose JSON is made, a list for each member: who takes all of them needs no object for each.

    `ids` is None where no line has one; `events` where all are of type `line`.
    """

    def __init__(self, ids: Sequence[bytes] | None, events: Sequence[str] | None, jsons: Sequence[bytes]) -> None:
        """Hold the lists as they are."""
        self.ids = ids
        self.events = events
        self.jsons = jsons

    def __len__(self) -> int:
        """How many records there are."""
        return len(self.jsons)

    @overload
    def __getitem__(self, index: int) -> EncodedRecord: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[EncodedRecord]: ...

    def __getitem__(self, index: int | slice) -> EncodedRecord | Sequence[EncodedRecord]:
        """One of the records, or some of them."""
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        found = None if self.ids is None else self.ids[index].decode("ascii")
        event = LINE_EVENT if self.events is None else self.events[index]
        return EncodedRecord(found, event, self.jsons[index])


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """What many records have in common: all that their lines do not tell one by one.

    `fields` are those before the last one, which is the `message`. Records of many blocks have the same one, so that
    what is made of it can be found by its identity.
    """

    level: Level
    event: str
    rules: tuple[str, ...]
    fields: tuple[tuple[str, bytes], ...]
    heading: bytes
    """What stands in their lines between the time and the message."""


class Columns(NamedTuple):
    """Records of lines of one generation, a list for each member in which they differ. None of them is `cont`.

    Texts are UTF-8, and those of fields parts of the line's own. `ids` is None where no line has one. `kinds` is for
    each line the number of the one in `shared` that tells what it has in common with others. Either `texts` or `stamps`
    is there: with stamps, a text is its stamp, the heading of its kind, and its message.
    """

    generation: Generation
    ids: Column | None
    times: Column
    stamps: Table | None
    texts: Sequence[bytes]
    kinds: NDArray[np.intp]
    shared: Sequence[Shared]
    messages: Sequence[bytes]
    whole: bytes | None = None
    """Text that has all of the texts in it, and not much more, if there is such a text."""
    files: Sequence[str] | None = None
    """Where they are of several generations of one source, the file of each."""


class Frame(NamedTuple):
    """Bytes ready for the wire, the place after what they tell, and the position there.

    `content` is empty where nothing of a block was selected: then only the place moves on. `gap` is set on a frame
    that tells of a loss. `records` counts those in it.
    """

    content: bytes
    next_at: int
    position: Position | None
    gap: Gap | None = None
    records: int = 0


class FrameEncoder(Protocol):
    """Turns records, gaps and notices into wire bytes. Pure."""

    def encode_record(self, record: Record) -> EncodedRecord:
        """One record's JSON."""

    def encode_each(self, records: Sequence[Record]) -> list[bytes]:
        """The JSON of each record."""

    def encode_columns(self, columns: Columns) -> list[bytes]:
        """The same for records that were never made."""

    def encode_frames(self, columns: Columns, shape: Shape, counts: Sequence[int]) -> list[bytes]:
        """Events for each so many of records that were never made, at least one, in the given shape, with their ids."""

    def encode_records(self, records: Sequence[EncodedRecord], shape: Shape) -> bytes:
        """Events for `records` in the given shape, each with its id."""

    def encode_gap(self, gap: Gap, after: Position | None) -> bytes:
        """A `gap` event, whose id is the position after the gap."""

    def encode_notice(self, notice: Notice) -> bytes:
        """A `rotated` or `source` event."""
