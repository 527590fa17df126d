"""A hub over a real journal, fed with real files, and what its subscribers get in a form that tests can compare."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import orjson

from logstream.api.frames import WireEncoder
from logstream.hub.frames import Shape
from logstream.hub.hub import Hub
from logstream.hub.start import Start
from logstream.hub.subscriber import Subscriber, subscribing
from logstream.hub.view import View, ViewKey
from logstream.journal.sqlite import SqliteJournal
from logstream.rules import RuleSet, compile_query, parse_query
from tests.event_stream import parse
from tests.story import StoryFile, batch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from logstream.hub.frames import Columns, EncodedRecord
    from logstream.journal.base import Block, Lost, Recovery
    from logstream.records import Position, Record
    from logstream.tail.batch import Change

EVERYTHING = ViewKey((), "", Shape.LINE)
CLOCK_SECONDS = 1_800_000_000.0


class CountingEncoder(WireEncoder):
    """Encodes as the wire has it, and remembers how often it was asked."""

    def __init__(self) -> None:
        self.records = 0
        self.frames = 0

    def encode_record(self, record: Record) -> EncodedRecord:
        self.records += 1
        return super().encode_record(record)

    def encode_each(self, records: Sequence[Record]) -> list[bytes]:
        self.records += len(records)
        return super().encode_each(records)

    def encode_columns(self, columns: Columns) -> list[bytes]:
        self.records += len(columns.messages)
        return super().encode_columns(columns)

    def encode_records(self, records: Sequence[EncodedRecord], shape: Shape) -> bytes:
        self.frames += 1
        return super().encode_records(records, shape)


class Stage:
    """A hub, its journal, and the files that it is told of. Everything is given back when its context ends."""

    def __init__(self, directory: Path, rules: RuleSet | None = None) -> None:
        self.directory = directory
        self.encoder = CountingEncoder()
        self.journal = SqliteJournal(directory / "state", "process", lambda _: 65_536)
        self.hub = Hub(self.journal, self.encoder, rules or RuleSet([]), {})
        self._held = ExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._held.close()
        await self.journal.aclose()

    def file(self, name: str, source: str = "app") -> StoryFile:
        """A file that does not exist yet."""
        return StoryFile(self.directory / name, source)

    async def tell(self, *changes: list[Change] | Change, time: float = CLOCK_SECONDS) -> None:
        """Record and publish one batch."""
        await self.hub.accept(batch(*changes, time=time))

    def view(self, query: str = "", sources: tuple[str, ...] = (), shape: Shape = Shape.LINE) -> View:
        """A view that is held until the end."""
        parsed = parse_query(query)
        return self._held.enter_context(self.hub.view(ViewKey(sources, parsed.canonical, shape), compile_query(parsed)))

    def subscriber(
        self,
        view: View | None = None,
        at: int = 0,
        position: Position | None = None,
        recovery: Recovery | None = None,
    ) -> Subscriber:
        """A subscriber that is held until the end."""
        start = Start(at, position, position, recovery=recovery)
        return self._held.enter_context(subscribing(self.hub, view or self.view(), start))

    async def items(self, at: int = 0) -> list[Block | Lost]:
        """All blocks and losses from a place on."""
        reader = self.journal.reader(at)
        found = []
        while (item := await reader.read(self.journal.head)) is not None:
            found.append(item)
        return found


class Told(NamedTuple):
    """One event as a client sees it; `id` is the client's cursor after it."""

    type: str
    json: Any
    id: str


def told(content: bytes) -> list[Told]:
    """The events in `content`."""
    return [Told(event.type, orjson.loads(event.data), event.last_event_id) for event in parse(content)]


def texts(content: bytes) -> list[str]:
    """The texts of the records in `content`, which holds only events of records."""
    return [event.json["text"] for event in told(content)]


async def drain(subscriber: Subscriber) -> bytes:
    """All that a subscriber can have now; a pull without a match may end before the head is reached."""
    pieces = []
    while True:
        pulled = await subscriber.pull(0)
        if pulled is not None:
            pieces.append(pulled.content)
        elif not subscriber.lag_bytes:
            return b"".join(pieces)
