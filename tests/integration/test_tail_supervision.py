from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

from logstream.errors import LogstreamError
from logstream.tail import watcher as watching
from logstream.tail.batch import Proof, Range
from logstream.tail.supervisor import Supervisor
from logstream.tail.turn import Pace
from tests.tail_kit import RecordingSink, eventually, open_files_below, source, tailing, write

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from logstream.tail.batch import Batch


class DiskFullError(LogstreamError):
    def __str__(self) -> str:
        return "the state disk is full"


async def test_a_sink_that_refuses_gets_the_same_batch_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    sink.refusals = [DiskFullError(), DiskFullError()]
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        assert await sink.first(1) == [b"one"]
        write(log, b"two\n")
        assert await sink.first(2) == [b"one", b"two"]
    assert [record.message for record in caplog.records] == ["reading waits: the state disk is full"]


async def test_a_stop_does_not_wait_for_a_sink_that_refuses(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        sink.refusals = [DiskFullError()] * 1000
        write(log, b"two\n")
        await eventually(lambda: len(sink.refusals) < 1000)
    assert sink.texts == [b"one"]


async def test_a_defect_in_the_sink_ends_the_tail(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    sink.refusals = [ZeroDivisionError("a defect")]
    write(log, b"one\n")
    supervisor = Supervisor([source(log)], [], {"app"}, sink)
    with pytest.raises(ExceptionGroup) as caught:
        await supervisor.run(asyncio.Event())
    assert caught.group_contains(ZeroDivisionError)


async def test_everything_handed_on_is_proven_at_the_stop(tmp_path: Path) -> None:
    """Of a young file all is proven at once; of others that waits."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n" * 1024)
    async with tailing(sink, source(log)):
        for number in range(5):
            await sink.first(1024 + number)
            write(log, b"more\n")
        await sink.first(1029)
    assert isinstance(sink.changes[-1], Proof)
    assert sink.changes[-1].offset == sink.of_kind(Range)[-1].end == 4096 + 25
    assert len(sink.of_kind(Proof)) == 2


async def test_the_first_lines_of_a_file_are_proven_at_once(tmp_path: Path) -> None:
    """They may be those that its program writes at each start: they alone tell it from no other. Conformance: D3."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"ready\n")
    async with tailing(sink, source(log), pace=Pace(proof_seconds=3600.0)):
        for number in range(1, 5):
            await sink.first(number)
            assert [proof.offset for proof in sink.proofs.values()] == [*sink.committed.values()]
            write(log, b"working\n")


async def test_growth_is_proven_within_about_a_second_of_quiet(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log), pace=Pace(proof_seconds=0.05, sweep_seconds=0.05)):
        await sink.first(1)
        write(log, b"two\n")
        await sink.until(lambda: sink.proofs and next(iter(sink.proofs.values())).offset == 8)


async def test_nothing_is_left_open_after_a_stop(tmp_path: Path) -> None:
    sink = RecordingSink()
    for number in range(10):
        write(tmp_path / f"{number}.log", b"x\n")
    async with tailing(sink, source(tmp_path / "*.log")):
        await sink.first(10)
        assert len(open_files_below(tmp_path)) == 10
        (tmp_path / "1.log").unlink()
        (tmp_path / "2.log").rename(tmp_path / "2.log.1")
    assert open_files_below(tmp_path) == []
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_events_that_stop_are_told_once_and_polling_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Conformance: G2, G4."""
    tries: list[int] = []

    async def failing(*_paths: str, **_options: object) -> AsyncIterator[set[tuple[object, str]]]:
        tries.append(len(tries))
        await asyncio.sleep(0)
        if tries:
            raise OSError("OS file watch limit reached")
        yield set()

    monkeypatch.setattr(watching, "awatch", failing)
    monkeypatch.setattr(watching, "_FIRST_RETRY_SECONDS", 0.01)
    sink, log = RecordingSink(), tmp_path / "app.log"
    async with tailing(sink, source(tmp_path / "*.log")):
        for number in range(5):
            write(log, b"%d\n" % number)
            await sink.first(number + 1)
        await eventually(lambda: len(tries) > 2)
    warnings = [record.message for record in caplog.records]
    assert warnings == ["file events stopped, polling instead: OSError: OS file watch limit reached"]


async def test_a_name_that_kills_the_watcher_does_not_keep_it_down(tmp_path: Path) -> None:
    """Conformance: F9, G4."""
    sink = RecordingSink()
    async with tailing(sink, source(tmp_path / "*.log")) as supervisor:
        await supervisor.first_scan_done.wait()
        watcher = supervisor._watcher
        assert watcher is not None
        await eventually(lambda: watcher.is_armed)
        write(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"), b"")
        await eventually(lambda: not watcher.is_armed)
        write(tmp_path / "a.log", b"meanwhile\n")
        await sink.first(1)
        await eventually(lambda: watcher.is_armed)


async def test_a_burst_leaves_the_loop_to_others(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"")
    steps = 0
    done = asyncio.Event()

    async def count_steps() -> None:
        nonlocal steps
        while not done.is_set():
            steps += 1
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        group.create_task(count_steps(), name="others")
        with log.open("ab") as file:
            file.write((b"x" * 99 + b"\n") * 200_000)
        async with tailing(sink, source(log)):
            await sink.first(200_000)
        done.set()
    # 20 MB come in turns of at most 4 MiB.
    assert steps > 5


async def test_a_batch_and_a_range_have_a_size(tmp_path: Path) -> None:
    """Conformance: F12."""
    sink = RecordingSink()
    for number in range(20):
        with (tmp_path / f"{number}.log").open("wb") as file:
            file.write((b"x" * 99 + b"\n") * 20_000)
    sizes: list[int] = []

    class Measuring(RecordingSink):
        async def accept(self, batch: Batch) -> None:
            sizes.append(sum(len(change.content) for change in batch.changes if isinstance(change, Range)))
            await super().accept(batch)

    sink = Measuring()
    async with tailing(sink, source(tmp_path / "*.log")):
        await sink.first(400_000)
    assert 1 << 20 < max(sizes) <= 5 << 20
