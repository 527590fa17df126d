"""Follows named files in this process, without a service: tail, journal and hub over a state that is thrown away.

Owns how they are put together for one reader. Refuses to print and to serve.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from contextlib import asynccontextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from logstream.api.columns import encode_json
from logstream.api.frames import WireEncoder, gap_facts
from logstream.api.problems import UnknownSourceError
from logstream.config import SourceSettings
from logstream.following import UNREADABLE, CaughtUp, Followed, News, Told
from logstream.hub.frames import EncodedRecord, Shape
from logstream.hub.hub import Hub
from logstream.hub.start import From, FromStart, find_start
from logstream.hub.subscriber import subscribing
from logstream.hub.view import ViewKey
from logstream.journal.base import Block
from logstream.journal.sqlite import SqliteJournal
from logstream.parts import specs_of, traits_of
from logstream.records import Generation
from logstream.rules import RuleSet, compile_query, parse_query
from logstream.tail.batch import ANCHOR_BYTES
from logstream.tail.framing import framing_of
from logstream.tail.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence

    from logstream.hub.view import View
    from logstream.records import Gap, Position
    from logstream.tail.batch import Notice
    from logstream.tail.status import FileStatus

_MAX_LINE_BYTES: Final = 65_536
_LOOK_SECONDS: Final = 0.05
_PULL_SECONDS: Final = 1.0
_MAGIC: Final = re.compile(r"[*?\[]")
_NOT_IN_NAMES: Final = re.compile(r"[^a-z0-9._-]+")
_MOST_NAME_CHARACTERS: Final = 50


class Selection(NamedTuple):
    """Which lines of the files: of sources by name (globs), by a query, and from where on.

    `with_unfinished`: also what stands behind a file's last line end, once all else is told. It may be half a line, and
    has no id.
    """

    sources: tuple[str, ...]
    query: str
    begin: From
    with_unfinished: bool = False


class Progress(NamedTuple):
    """How much of the files has been read."""

    read_bytes: int
    size_bytes: int


class _JsonLines(WireEncoder):
    """A JSON value a line, after a letter that says what it is."""

    def encode_records(self, records: Sequence[EncodedRecord], shape: Shape) -> bytes:  # noqa: ARG002 - there is one
        return b"".join([b"r%b\n" % record.json for record in records])

    def encode_gap(self, gap: Gap, after: Position | None) -> bytes:  # noqa: ARG002 - nobody comes back here
        return b"g%b\n" % encode_json(gap_facts(gap))

    def encode_notice(self, notice: Notice) -> bytes:
        told = {"kind": notice.kind, "source": notice.source, "file": notice.file, **notice.detail}
        return b"n%b\n" % encode_json(told)


def sources_for(paths: Sequence[Path]) -> list[SourceSettings]:
    """A source for each file, called as the file is."""
    found: dict[str, SourceSettings] = {}
    for path in paths:
        base = _NOT_IN_NAMES.sub("-", path.name.lower()).strip("-._")[:_MOST_NAME_CHARACTERS] or "file"
        name, number = base, 1
        while name in found:
            number += 1
            name = f"{base}-{number}"
        literal = _MAGIC.sub(r"[\g<0>]", str(path.absolute()))
        found[name] = SourceSettings.model_validate({"name": name, "paths": (literal,)})
    return list(found.values())


@asynccontextmanager
async def following_files(
    paths: Sequence[Path], rules: RuleSet, selection: Selection, show: Callable[[Progress], None]
) -> AsyncIterator[AsyncGenerator[Followed]]:
    """Everything of the files in order, each record once, for as long as the context lasts.

    `show` is told how far reading is until it has caught up. Raises QueryError and UnknownSourceError before anything
    starts.
    """
    query = parse_query(selection.query)
    key = ViewKey(selection.sources, query.canonical, Shape.LINE)
    sources = sources_for(paths)
    names = tuple(source.name for source in sources)
    for glob in selection.sources:
        if not any(fnmatchcase(name, glob) for name in names):
            raise UnknownSourceError(glob, names)
    stop = asyncio.Event()
    with TemporaryDirectory(prefix="logstream-tail-") as directory:
        journal = SqliteJournal(Path(directory), "process", lambda _: _MAX_LINE_BYTES)
        hub = Hub(journal, _JsonLines(), rules, traits_of(sources))
        supervisor = Supervisor(
            specs_of(sources), (), [source.name for source in sources], hub, scratch=Path(directory)
        )
        tail = asyncio.create_task(supervisor.run(stop), name="tail")
        try:
            with hub.view(key, compile_query(query)) as view:
                yield _follow(_Reading(hub, supervisor, tail, show), view, selection)
        finally:
            stop.set()
            await asyncio.wait([tail])
            await journal.aclose()


class _Reading:
    """How far the tail is."""

    def __init__(
        self, hub: Hub, supervisor: Supervisor, tail: asyncio.Task[None], show: Callable[[Progress], None]
    ) -> None:
        self.hub = hub
        self._supervisor = supervisor
        self._tail = tail
        self._show = show

    def is_done(self) -> bool:
        """Whether all that was there has been read; raises what ended the tail, if something did."""
        if self._tail.done():
            self._tail.result()
        files = [file for _, file in self._files()]
        read, size = sum(file.read_bytes or 0 for file in files), sum(file.size_bytes or 0 for file in files)
        self._show(Progress(read, size))
        return self._supervisor.first_scan_done.is_set() and all(file.state != "catching up" for file in files)

    def troubles(self) -> list[News]:
        """What is to be said of files that cannot be read."""
        return [
            News("source", {"source": source, "file": file.file, "state": file.state, "reason": file.reason})
            for source, file in self._files()
            if file.state in UNREADABLE
        ]

    def unfinished(self, view: View) -> list[dict[str, Any]]:
        """What `view` selects of the files' last lines that have no end yet."""
        found: list[dict[str, Any]] = []
        for source, file in self._files():
            if file.key is None or not view.wants(source) or (file.size_bytes or 0) <= (file.read_bytes or 0):
                continue
            generation, offset = Generation(file.key, source, file.file, file.encoding), file.read_bytes or 0
            framing = framing_of(file.encoding)
            with suppress(OSError), Path(file.file).open("rb") as opened:
                content = os.pread(opened.fileno(), _MAX_LINE_BYTES, offset)
                content = content[: len(content) - (offset + len(content)) % framing.unit_bytes]
                lead = self.hub.journal.bytes_before(generation, offset, ANCHOR_BYTES) or b""
                block = Block(
                    generation, offset, self.hub.head, int(time.time() * 1000), lead, content + framing.line_end
                )
                found += [{**orjson.loads(record.json), "id": None} for record in view.select(self.hub.judge(block))]
        return found

    def _files(self) -> list[tuple[str, FileStatus]]:
        return [(source.name, file) for source in self._supervisor.status() for file in source.files]

    async def wait_until_done(self) -> None:
        """Until all that was there has been read."""
        while not self.is_done():  # noqa: ASYNC110 - the tail tells no event, and progress is to be shown meanwhile
            await asyncio.sleep(_LOOK_SECONDS)


async def _follow(reading: _Reading, view: View, selection: Selection) -> AsyncGenerator[Followed]:
    hub = reading.hub
    if not isinstance(selection.begin, FromStart):
        await reading.wait_until_done()
    start = await find_start(hub, view, None, selection.begin)
    if start.backfill:
        yield Told([orjson.loads(record.json) for record in start.backfill])
    has_caught_up = False
    with subscribing(hub, view, start) as subscriber:
        while True:
            pulled = await subscriber.pull(_PULL_SECONDS if has_caught_up else _LOOK_SECONDS)
            if pulled is not None:
                for followed in _read(pulled.content):
                    yield followed
            elif has_caught_up:
                yield CaughtUp()
            elif reading.is_done() and not subscriber.lag_bytes:
                has_caught_up = True
                for trouble in reading.troubles():
                    yield trouble
                if selection.with_unfinished and (unfinished := reading.unfinished(view)):
                    yield Told(unfinished)
                yield CaughtUp()


def _read(content: bytes) -> Iterator[Followed]:
    records: list[dict[str, Any]] = []
    for line in content.split(b"\n")[:-1]:
        told = orjson.loads(line[1:])
        if line.startswith(b"r"):
            records.append(told)
            continue
        if records:
            yield Told(records)
            records = []
        yield News("gap" if line.startswith(b"g") else told.pop("kind"), told)
    if records:
        yield Told(records)
