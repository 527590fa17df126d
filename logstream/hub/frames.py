"""Finished pieces of output and the protocol of what makes them.

The hub decides what is sent and when; how it looks on the wire is the api's, which gives the hub a `FrameEncoder`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logstream.records import Gap, Position, Record
    from logstream.tail.batch import Notice


class Shape(StrEnum):
    """Whether each record is an event, or all records of a block are one."""

    LINE = "line"
    BATCH = "batch"


class EncodedRecord(NamedTuple):
    """A record whose JSON is made."""

    id: str | None
    event: str
    json: bytes


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

    def encode_records(self, records: Sequence[EncodedRecord], shape: Shape) -> bytes:
        """Events for `records` in the given shape, each with its id."""

    def encode_gap(self, gap: Gap, after: Position | None) -> bytes:
        """A `gap` event, whose id is the position after the gap."""

    def encode_notice(self, notice: Notice) -> bytes:
        """A `rotated` or `source` event."""
