"""Thousands of files are taken in a few at a time: what happens meanwhile waits, and nothing of it is lost."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

import pytest

from logstream.tail import slices
from logstream.tail.batch import Birth, Hole, Known
from logstream.tail.slices import SLICE_FILES
from logstream.tail.supervisor import Supervisor
from logstream.tail.watcher import Hint
from tests.tail_kit import BRISK, RecordingSink, eventually, open_files_below, second_run, source, tailing, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from logstream.tail.batch import SourceSpec
    from logstream.tail.lineage import Lineage

COUNT = 600


@pytest.fixture(autouse=True)
def _each_pause_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "_SLICE_SECONDS", -1.0)


@pytest.fixture
def logs(tmp_path: Path) -> list[Path]:
    found = [tmp_path / f"{number:04}.log" for number in range(COUNT)]
    for log in found:
        write(log, log.name.encode() + b"\n")
    return found


def texts_of(logs: list[Path]) -> list[bytes]:
    return [log.name.encode() for log in logs]


def in_the_middle(supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Have something happen once half of the files have been entered."""
    sighted, asked = supervisor._roster._sighted, [0]
    base_of = sighted.base_of

    def counted(*arguments: object) -> object:
        asked[0] += 1
        if asked[0] == COUNT // 2:
            # As another task does it: in the next pause.
            asyncio.get_running_loop().call_soon(act)
        return base_of(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(sighted, "base_of", counted)


async def test_others_have_their_turn_while_files_are_entered(tmp_path: Path, logs: list[Path]) -> None:
    sink = RecordingSink()
    counts = [0]

    async def others(supervisor: Supervisor) -> None:
        while counts[-1] < COUNT:
            await asyncio.sleep(0)
            counts.append(len(supervisor._roster.lineages))

    async with tailing(sink, source(tmp_path / "*.log")) as supervisor:
        await others(supervisor)
        assert max(after - before for before, after in itertools.pairwise(counts)) <= SLICE_FILES
        await sink.first(COUNT)
    assert sink.texts == texts_of(logs)
    assert [birth.path for birth in sink.of_kind(Birth)] == [*map(str, logs)]


async def test_other_sources_that_are_asked_for_meanwhile_are_followed_then(
    tmp_path: Path, logs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = RecordingSink()
    other = source(tmp_path / "*[02468].log", name="other")
    async with tailing(sink, source(tmp_path / "*.log")) as supervisor:
        in_the_middle(supervisor, monkeypatch, lambda: supervisor.reconfigure([other], {"other"}))
        await sink.first(COUNT // 2)
        await eventually(lambda: len(supervisor._roster.lineages) == COUNT // 2)
        for log in logs:
            write(log, b"more\n")
        await sink.until(lambda: sink.texts.count(b"more") == COUNT // 2)
    read = [text for text in sink.texts if text != b"more"]
    assert len(read) == len(set(read))
    assert set(read) >= set(texts_of(logs[::2]))
    assert {birth.source for birth in sink.of_kind(Birth) if birth.path in {*map(str, logs[::2])}} <= {"app", "other"}
    assert not sink.of_kind(Hole)


async def test_a_stop_meanwhile_loses_nothing(
    tmp_path: Path, logs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    sink, spec, stop = RecordingSink(), source(tmp_path / "*.log"), asyncio.Event()
    supervisor = Supervisor([spec], (), {"app"}, sink, pace=BRISK)
    in_the_middle(supervisor, monkeypatch, stop.set)
    await supervisor.run(stop)
    assert len(sink.texts) < COUNT
    assert not open_files_below(tmp_path)
    assert sorted(await second_run(sink, spec, COUNT)) == texts_of(logs)


async def test_who_is_cancelled_meanwhile_leaves_nothing_open_and_loses_nothing(
    tmp_path: Path, logs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    sink, spec = RecordingSink(), source(tmp_path / "*.log")
    supervisor = Supervisor([spec], (), {"app"}, sink, pace=BRISK)
    tail = asyncio.create_task(supervisor.run(asyncio.Event()), name="tail")
    in_the_middle(supervisor, monkeypatch, tail.cancel)
    with pytest.raises(asyncio.CancelledError):
        await tail
    assert not open_files_below(tmp_path)
    assert sorted(await second_run(sink, spec, COUNT)) == texts_of(logs)


async def test_a_hint_of_a_log_of_the_past_that_comes_meanwhile_leaves_its_history_alone(
    tmp_path: Path, logs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was found, and is gone by the time that it is entered."""
    sink, log = RecordingSink(), tmp_path / "z.log"
    write(log, b"found\n")
    known = Known(
        key="past", source="app", file=str(log), path=str(log), dev=1, ino=1, igen=None, base=0, committed=5,
        proof_offset=5, proof_crc=1, written_ns=1, head_length=5, head_crc=1, sealed=True, is_gone=True,
    )  # fmt: skip

    async with tailing(sink, source(tmp_path / "*.log"), known=[known], first_seen=()) as supervisor:

        def vanish() -> None:
            log.unlink()
            supervisor._hints.take([Hint(str(log), is_structural=True)])

        entered: list[Lineage] = []
        found = supervisor._roster._found

        def noted(spec: SourceSpec, path: str, *, is_first: bool) -> Lineage:
            lineage = found(spec, path, is_first=is_first)
            entered.extend([lineage] if path == str(log) else [])
            return lineage

        monkeypatch.setattr(supervisor._roster, "_found", noted)
        in_the_middle(supervisor, monkeypatch, vanish)
        await sink.first(COUNT)
    assert entered
    assert all(lineage.has_history for lineage in entered)
    assert sink.texts == texts_of(logs)
