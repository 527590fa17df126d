"""A sink that remembers as a journal does, and checks what every journal relies on; files to write to it with."""

from __future__ import annotations

import asyncio
import os
import time
import zlib
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from logstream.tail.batch import Batch, Birth, Cut, Hole, Known, Moved, Notice, Proof, Range, Sealed, SourceSpec
from logstream.tail.framing import framing_of
from logstream.tail.lines import strip_end
from logstream.tail.supervisor import Supervisor
from logstream.tail.turn import Pace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
    from pathlib import Path

    from logstream.tail.batch import Change
    from logstream.tail.turn import Turn

PATIENCE_SECONDS = 20.0
NOBODY = 65_534
BRISK = Pace(
    rotate_wait_seconds=0.3,
    deleted_wait_seconds=0.2,
    absence_seconds=0.05,
    sweep_seconds=0.2,
    blind_sweep_seconds=0.02,
    survey_seconds=0.5,
)


class RecordingSink:
    """Keeps all changes; `lines` are (file, text) in the recorded order."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.lines: list[tuple[str, bytes]] = []
        self.births: dict[str, Birth] = {}
        self.committed: dict[str, int] = {}
        self.encodings: dict[str, str] = {}
        self.paths: dict[str, str] = {}
        self.inodes: dict[str, tuple[int, int, int | None]] = {}
        self.proofs: dict[str, Proof] = {}
        self.sealed: dict[str, Sealed] = {}
        self.cuts: dict[str, Cut] = {}
        self.max_line_bytes = 65_536
        self.refusals: list[Exception] = []
        self.batch_bytes = 0
        self._leads: dict[str, bytes] = {}
        self._news = asyncio.Condition()

    async def accept(self, batch: Batch) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        for change in batch.changes:
            self._record(change)
        self.changes += batch.changes
        self.batch_bytes = max(self.batch_bytes, sum(len(c.content) for c in batch.changes if isinstance(c, Range)))
        async with self._news:
            self._news.notify_all()

    def _record(self, change: Change) -> None:
        match change:
            case Birth(key=key):
                assert key not in self.births
                self.births[key] = change
                self.inodes[key] = change.dev, change.ino, change.igen
                self.committed[key] = change.base
                self.paths[key] = change.path
            case Range(key=key):
                self._record_range(change)
            case Hole(key=key):
                assert change.start == self.committed[key]
                assert key not in self.sealed
                self.committed[key] = change.start if change.end is None else change.end
            case Moved(key=key):
                assert key not in self.sealed
                self.paths[key] = change.path
                self.inodes[key] = change.inode or self.inodes[key]
            case Cut(key=key):
                assert 0 < change.offset < self.committed[key]
                self.cuts[key] = change
            case Sealed(key=key):
                assert key not in self.sealed
                self.sealed[key] = change
            case Proof(key=key):
                assert change.offset == self.committed[key]
                if key in self._leads:
                    assert change.crc == zlib.crc32(self._leads[key])
                self.proofs[key] = change
            case Notice():
                pass

    def _record_range(self, change: Range) -> None:
        key = change.key
        assert key not in self.sealed
        assert change.start == self.committed[key]
        assert change.end - change.start == len(change.content) > 0
        assert len(change.content) <= 1 << 20
        assert len(change.lead) == min(64, change.start)
        assert change.lead == self._leads.get(key, change.lead)
        framing = framing_of(change.encoding)
        assert self.encodings.setdefault(key, change.encoding) == change.encoding
        ends = framing.cut_whole(change.content, change.start, self.max_line_bytes)
        if len(change.content) <= 16 * 1024:
            assert isinstance(change.lines, tuple)
            assert sum(change.lines) == len(change.content)
            assert len(change.lines) == len(ends)
        else:
            assert change.lines == len(ends)
        self.committed[key] = change.end
        self._leads[key] = (change.lead + change.content)[-64:]
        start = 0
        for end in ends:
            line = change.content[start:end]
            text = line.decode(change.encoding, "replace").encode() if framing.unit_bytes > 1 else line
            self.lines.append((self.births[key].file, strip_end(text)))
            start = end

    @property
    def texts(self) -> list[bytes]:
        return [text for _, text in self.lines]

    def of_kind(self, kind: type[Any]) -> list[Any]:
        return [change for change in self.changes if isinstance(change, kind)]

    def states(self) -> list[tuple[str, str | None]]:
        return [(n.detail.get("state", n.kind), n.detail.get("reason")) for n in self.of_kind(Notice)]

    async def until(self, is_so: Callable[[], object]) -> None:
        """Wait until `is_so` holds after some batch; fail if that takes too long."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._news:
            await self._news.wait_for(is_so)

    async def first(self, count: int) -> list[bytes]:
        """Wait for `count` lines; all texts."""
        await self.until(lambda: len(self.lines) >= count)
        return self.texts

    def _head(self, key: str, *, forgets: bool) -> tuple[int, int]:
        proof, birth = self.proofs.get(key), self.births[key]
        if proof is None or forgets:
            return birth.head_length, birth.head_crc
        return proof.head_length, proof.head_crc

    def known(self, *, forget_proofs: bool = False) -> list[Known]:
        """What a journal would give back after a restart."""
        return [
            Known(
                key=key, source=birth.source, file=birth.file, path=self.paths[key], dev=self.inodes[key][0],
                ino=self.inodes[key][1], igen=self.inodes[key][2], base=birth.base, committed=self.committed[key],
                proof_offset=0 if forget_proofs or key not in self.proofs else self.proofs[key].offset,
                proof_crc=0 if forget_proofs or key not in self.proofs else self.proofs[key].crc,
                written_ns=None if forget_proofs else (self.proofs.get(key, birth)).written_ns,
                head_length=self._head(key, forgets=forget_proofs)[0],
                head_crc=self._head(key, forgets=forget_proofs)[1], sealed=key in self.sealed,
                is_gone=key in self.sealed and self.sealed[key].reason is not None,
                encoding=self.encodings.get(key, birth.encoding),
            )
            for key, birth in self.births.items()
        ]  # fmt: skip


async def eventually(is_so: Callable[[], object]) -> None:
    """Wait until `is_so` holds, where no event tells of it; fail if that takes too long."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_so():  # noqa: ASYNC110 - what is waited for is outside of the loop, or inside what is tested
            await asyncio.sleep(0.001)


def open_files_below(directory: Path) -> list[str]:
    """The files below `directory` that this process has open."""
    found = []
    for fd in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names of descriptors
        with suppress(OSError):
            found.append(os.readlink(f"/proc/self/fd/{fd}"))  # noqa: PTH115 - may be no path
    return sorted(path for path in found if path.startswith(f"{directory}/"))


class Doors:
    """Stands in for os.open, with a lock for each name, and with something that happens when a name is opened."""

    def __init__(self) -> None:
        self.closed: dict[str, int] = {}
        self.upon: dict[str, Callable[[], object]] = {}

    def open(self, path: str, flags: int) -> int:
        name = path.rpartition("/")[2]
        self.upon.pop(name, lambda: None)()
        if code := self.closed.get(name, 0):
            raise OSError(code, os.strerror(code), path)
        return os.open(path, flags)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without root's right to read everything."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


@asynccontextmanager
async def tailing(
    sink: RecordingSink,
    *specs: SourceSpec,
    known: Sequence[Known] = (),
    pace: Pace = BRISK,
    **options: Any,  # noqa: ANN401 - as Supervisor has them
) -> AsyncIterator[Supervisor]:
    """A supervisor at work; afterwards it has stopped in good order."""
    first_seen = options.pop("first_seen", {spec.name for spec in specs})
    supervisor = Supervisor(specs, known, first_seen, sink, pace=pace, **options)
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(supervisor.run(stop), name="tail")
        try:
            yield supervisor
        finally:
            stop.set()


def source(*paths: object, name: str = "app", **options: Any) -> SourceSpec:  # noqa: ANN401 - as SourceSpec has them
    return SourceSpec(name, tuple(map(str, paths)), **options)


def write(path: Path | str, content: bytes) -> None:
    """Append in one write, as loggers do."""
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        assert os.write(fd, content) == len(content)
    finally:
        os.close(fd)


def rewrite(path: Path, content: bytes) -> None:
    """Truncate and write in one go, as `> file` does: the same inode."""
    fd = os.open(path, os.O_WRONLY | os.O_TRUNC)
    try:
        os.write(fd, content)
    finally:
        os.close(fd)


async def looked_everywhere(supervisor: Supervisor) -> None:
    """Wait until all directories have been searched anew, twice, all files in them been looked at, and the sink told.

    A search that has begun already does not count: on a busy machine it may have passed what was done just now.
    """
    async with asyncio.timeout(PATIENCE_SECONDS):
        for _ in range(2):
            await _looked_once(supervisor)


async def _looked_once(supervisor: Supervisor) -> None:
    search_all, deliver = supervisor._search_all, supervisor._deliver
    searched_at: list[float] = []
    has_looked = asyncio.Event()

    def search_and_note() -> Generator[None, None, dict[str, tuple[int, int]]]:
        directories = yield from search_all()
        searched_at.append(time.monotonic())
        return directories

    async def deliver_and_note(turn: Turn, stop: asyncio.Event) -> None:
        await deliver(turn, stop)
        if searched_at and turn.now > searched_at[0] and not supervisor._schedule.has_unseen:
            has_looked.set()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(supervisor, "_search_all", search_and_note)
        patch.setattr(supervisor, "_deliver", deliver_and_note)
        supervisor._look_everywhere()
        await has_looked.wait()


async def first_run(sink: RecordingSink, spec: SourceSpec, count: int) -> None:
    """Tail until there are `count` lines, and stop."""
    async with tailing(sink, spec) as supervisor:
        await supervisor.first_scan_done.wait()
        await sink.first(count)


async def second_run(sink: RecordingSink, spec: SourceSpec, count: int) -> list[bytes]:
    """Go on with what a journal would remember; all texts so far."""
    async with tailing(sink, spec, known=sink.known(), first_seen=()):
        return await sink.first(count)
