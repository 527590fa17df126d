from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import orjson
import pytest

from logstream.hub import clocks
from logstream.hub.clocks import ClockWatch, LatestEnds, ahead_ms
from logstream.hub.history import Wanted, count_by_time, page_after, page_before
from logstream.hub.judged_block import SourceTraits
from logstream.hub.start import FromTime, find_start
from logstream.hub.times import Span
from logstream.journal.base import Block
from logstream.journal.errors import JournalError
from logstream.records import Generation
from tests.hub_kit import CLOCK_SECONDS, Stage, drain, texts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CLOCK_MS = int(CLOCK_SECONDS * 1000)
HOUR = 3600
HOUR_MS = 3_600_000


def stamped(seconds: float, text: str) -> bytes:
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat(timespec='milliseconds')} {text}\n".encode()


def ahead_of(stage: Stage) -> dict[str, int]:
    """What the journal knows of files that are ahead, by their names."""
    lives = stage.journal._ledger.lives.values()
    return {life.generation.file.rpartition("/")[2]: life.ahead_ms for life in lives if life.ahead_ms}


async def test_lines_of_a_clock_that_is_ahead_are_found_by_their_own_times(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        ahead, punctual = stage.file("a.log"), stage.file("b.log")
        for number in range(6):
            now = CLOCK_SECONDS + number * HOUR
            await stage.tell(ahead.changes(stamped(now + 2 * HOUR, f"ahead {number}")), time=now)
            await stage.tell(punctual.changes(stamped(now, f"punctual {number}")), time=now)
        await ClockWatch(stage.hub).look()
        since_ms = CLOCK_MS + 4 * HOUR_MS
        expected = ["ahead 2", "ahead 3", "ahead 4", "punctual 4", "ahead 5", "punctual 5"]

        wanted = Wanted(stage.view(), Span(since_ms, None), 100)
        for page in (await page_before(stage.hub, wanted, None), await page_after(stage.hub, wanted, 0)):
            assert [orjson.loads(record.json)["text"].split(" ", 1)[1] for record in page.records] == expected
        counted = await count_by_time(stage.hub, stage.view(), (since_ms,), since_ms + 100 * HOUR_MS)
        assert sum(counted.counts[0].values()) == len(expected)
        start = await find_start(stage.hub, stage.view(), None, FromTime(since_ms))
        came = texts(await drain(stage.subscriber(at=start.at)))
        assert came[0].endswith("ahead 2")
        assert [text.split(" ", 1)[1] for text in came if text >= "2027-01-15T12:00"] == expected
        assert ahead_of(stage) == {"a.log": 2 * HOUR_MS}


@pytest.mark.parametrize(
    ("ahead_seconds", "noted_ms"),
    [(-HOUR, None), (0, None), (1, None), (1.001, 60_000), (60, 60_000), (61, 120_000), (26 * HOUR, 26 * HOUR_MS),
     (26 * HOUR + 1, None)],
)  # fmt: skip
async def test_what_is_noted_is_more_than_usual_in_minutes_and_no_more_than_zones_differ(
    tmp_path: Path, ahead_seconds: float, noted_ms: int | None
) -> None:
    async with Stage(tmp_path) as stage:
        await stage.tell(stage.file("a.log").changes(stamped(CLOCK_SECONDS + ahead_seconds, "line")))
        await ClockWatch(stage.hub).look()
        assert ahead_of(stage) == ({} if noted_ms is None else {"a.log": noted_ms})


async def test_the_most_that_a_file_was_ahead_counts_though_its_clock_was_put_right(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        file, watch = stage.file("a.log"), ClockWatch(stage.hub)
        for hours in (1, 3, 0):
            await stage.tell(file.changes(stamped(CLOCK_SECONDS + hours * HOUR, "line")))
            await watch.look()
        assert ahead_of(stage) == {"a.log": 3 * HOUR_MS}


def block_of(content: bytes, encoding: str = "utf-8", start: int = 0) -> Block:
    return Block(Generation("aaaaaaaa", "app", "/a.log", encoding), start, start, CLOCK_MS, b"", content)


LATE = stamped(CLOCK_SECONDS + HOUR, "late")
EARLY = stamped(CLOCK_SECONDS - HOUR, "early")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (EARLY + LATE, HOUR_MS),
        (LATE + EARLY, -HOUR_MS),
        (LATE + b"  at x.y\n  at z\n", HOUR_MS),
        (LATE + b"  at x.y\n" * 3, None),
        (b"no time\n", None),
        (LATE.rstrip(b"\n"), HOUR_MS),
        (LATE * 100, HOUR_MS),
        (b"x" * 3000 + b"\n" + LATE, HOUR_MS),
    ],
)
def test_the_last_line_that_tells_a_time_decides(content: bytes, expected: int | None) -> None:
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        ends = LatestEnds()
        ends.note([block_of(content.decode().encode(encoding), encoding, 1 << 20)])
        (end,) = ends.take(1)
        assert len(end.content) <= clocks.END_BYTES
        assert end.end == (1 << 20) + len(content.decode().encode(encoding))
        assert ahead_ms(end, SourceTraits()) == expected


def test_of_a_line_that_is_longer_than_what_is_held_nothing_is() -> None:
    ends = LatestEnds()
    ends.note([block_of(b"x" * 3000 + b"\n")])
    assert ends.take(1) == []


def test_only_the_last_block_of_a_file_waits_and_who_has_waited_longest_is_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clocks, "MOST_HELD", 3)
    ends = LatestEnds()
    blocks = [block_of(b"%d\n" % number) for number in range(6)]
    named = [
        block._replace(generation=block.generation._replace(key=key))
        for block, key in zip(blocks, "abacbd", strict=True)
    ]
    ends.note(named[:4])
    ends.note(named[4:])
    assert repr(ends) == "<LatestEnds held=3>"
    assert ends.take(2) == [named[4], named[3]]
    assert ends.take(2) == [named[5]]
    assert ends.take(2) == []


async def test_the_watch_looks_once_something_was_read_and_outlives_a_journal_that_takes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clocks, "PAUSE_SECONDS", 0)
    async with Stage(tmp_path) as stage:
        told: asyncio.Queue[Mapping[str, int]] = asyncio.Queue()

        async def refuse(ahead: Mapping[str, int]) -> None:
            await told.put(ahead)
            raise JournalError(tmp_path, OSError("full"))

        monkeypatch.setattr(stage.journal, "note_ahead", refuse)
        watch = asyncio.create_task(ClockWatch(stage.hub).run(), name="watch")
        file = stage.file("a.log")
        for hours in (1, 2):
            await stage.tell(file.changes(stamped(CLOCK_SECONDS + hours * HOUR, "line")))
            assert await asyncio.wait_for(told.get(), 10) == {file.key: hours * HOUR_MS}
        watch.cancel()
        await asyncio.wait({watch})


async def test_so_many_files_are_looked_at_after_each_pause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clocks, "FILES_A_LOOK", 20)
    async with Stage(tmp_path) as stage:
        for number in range(30):
            await stage.tell(stage.file(f"{number}.log").changes(stamped(CLOCK_SECONDS + HOUR, "line")))
        watch = ClockWatch(stage.hub)
        for known in (20, 30, 30):
            await watch.look()
            assert len(ahead_of(stage)) == known


async def test_what_is_found_while_sources_are_told_others_is_found_by_what_is_known_of_them_now(
    tmp_path: Path,
) -> None:
    """What is noted once is never taken back."""
    async with Stage(tmp_path) as stage:
        line = f"{datetime.fromtimestamp(CLOCK_SECONDS + 2 * HOUR, UTC):%Y-%m-%d %H:%M:%S} line\n".encode()
        for number in range(20):
            await stage.tell(stage.file(f"{number}.log").changes(line))
        looking = asyncio.create_task(ClockWatch(stage.hub).look(), name="look")
        await asyncio.sleep(0)
        assert not looking.done()
        stage.hub.reconfigure(stage.hub.rules, {"app": SourceTraits(zone=timezone(timedelta(hours=2)))})
        await looking
        assert ahead_of(stage) == {}
        stage.hub.reconfigure(stage.hub.rules, {})
        await stage.tell(stage.file("late.log").changes(line))
        await ClockWatch(stage.hub).look()
        assert ahead_of(stage) == {"late.log": 2 * HOUR_MS}
