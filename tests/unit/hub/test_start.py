from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson
import pytest

from logstream.hub import merge as merge_module
from logstream.hub import start as start_module
from logstream.hub.start import From, FromId, FromLast, FromNow, FromStart, FromTime, Start, find_start
from logstream.journal import ledger as ledger_module
from logstream.journal.ids import anchor_of, decode_id, encode_id
from logstream.records import GapReason, Position
from tests.hub_kit import CLOCK_SECONDS, Stage, drain, texts, told

if TYPE_CHECKING:
    from pathlib import Path

    from logstream.hub.view import View


async def begun(stage: Stage, asked: From | None, event_id: str | None = None, view: View | None = None) -> Start:
    return await find_start(stage.hub, view or stage.view(), event_id, asked)


async def rest(stage: Stage, start: Start) -> list[str]:
    return texts(await drain(stage.subscriber(at=start.at, position=start.position)))


def backfill(start: Start) -> list[str]:
    return [orjson.loads(record.json)["text"] for record in start.backfill]


def stamped(seconds: float, text: str) -> bytes:
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat(timespec='milliseconds')} {text}\n".encode()


async def test_now_is_the_head_and_the_start_is_before_everything(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        assert await begun(stage, FromNow()) == Start(0, None, None)
        await stage.tell(stage.file("a.log").changes(b"a1\n"))
        now = await begun(stage, None)

        assert now == await begun(stage, FromNow())
        assert (now.at, now.position, now.is_exact) == (3, await stage.journal.position_at(3), True)
        assert await rest(stage, await begun(stage, FromStart())) == ["a1"]


@pytest.mark.parametrize("count", [1, 2, 49, 50, 51, 1_000])
async def test_the_last_records_are_found_over_many_windows_and_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(merge_module, "_FIRST_WINDOW_BYTES", 8)
    async with Stage(tmp_path) as stage:
        a, b = stage.file("a.log"), stage.file("b.log")
        told_lines = []
        for number in range(25):
            await stage.tell(a.changes(b"a%d\n" % number, coarse=number % 3 == 0), b.changes(b"b%d\n" % number))
            told_lines += [f"a{number}", f"b{number}"]
        start = await begun(stage, FromLast(count))

        assert backfill(start) == told_lines[-count:]
        assert start.at == stage.hub.head
        await stage.tell(a.changes(b"next\n"))
        assert await rest(stage, start) == ["next"]


async def test_the_last_records_are_those_that_the_view_selects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merge_module, "_FIRST_WINDOW_BYTES", 64)
    async with Stage(tmp_path) as stage:
        app, web = stage.file("a.log", "app"), stage.file("w.log", "web")
        for number in range(300):
            word = b"rare" if number % 100 == 0 else b"usual"
            await stage.tell(app.changes(b"%s %d\n" % (word, number)), web.changes(b"rare web\n"))
        view = stage.view("rare", ("app",))

        assert backfill(await begun(stage, FromLast(2), view=view)) == ["rare 100", "rare 200"]
        assert backfill(await begun(stage, FromLast(9), view=view)) == ["rare 0", "rare 100", "rare 200"]
        assert backfill(await begun(stage, FromLast(9), view=stage.view("nowhere"))) == []


@pytest.mark.parametrize("query", ["", "line", "-nothing"])
async def test_files_recorded_one_after_another_are_merged_by_the_times_at_their_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    """`-nothing` has no sieve, and each end is looked at in blocks of which it takes several."""
    monkeypatch.setattr(merge_module, "MERGE_BYTES", 500)
    monkeypatch.setattr(merge_module, "_FIRST_WINDOW_BYTES", 100)
    async with Stage(tmp_path) as stage:
        since = CLOCK_SECONDS - 10_000
        lines = {
            name: [stamped(since + 2 * number + at, f"line {number} of {name}") for number in range(700)]
            for at, name in enumerate("ab")
        }
        between = stage.file("c.log", "other")
        for name in "ab":
            file = stage.file(f"{name}.log")
            for first in range(0, 700, 10):
                await stage.tell(file.changes(*lines[name][first : first + 10]), between.changes(b"part\n"))
        view = stage.view(query, ("app",))
        start = await begun(stage, FromLast(900), view=view)

        by_time = [line.decode().rstrip() for pair in zip(*lines.values(), strict=True) for line in pair]
        assert backfill(start) == by_time[-900:]
        every = texts_by_id(await drain(stage.subscriber()))
        assert [every[record.id or ""] for record in start.backfill] == by_time[-900:]


def texts_by_id(content: bytes) -> dict[str, str]:
    return {event.json["id"]: event.json["text"] for event in told(content)}


async def test_each_id_leads_to_the_line_after_it(tmp_path: Path) -> None:
    """Conformance: I1."""
    async with Stage(tmp_path) as stage:
        file = stage.file("a.log")
        await stage.tell(file.changes(b"a1\n", b"a2\n", b"a3\n"))
        events = told(await drain(stage.subscriber()))
        for index, event in enumerate(events):
            start = await begun(stage, FromStart(), event.id)
            assert start == await begun(stage, FromId(event.id))
            assert start.position == decode_id(event.id)
            assert await rest(stage, start) == [later.json["text"] for later in events[index + 1 :]]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [(None, []), (FromNow(), []), (FromStart(), ["a1", "a2"]), (FromLast(1), []), (FromId("1.aaaaaaaa.1.1"), [])],
)
@pytest.mark.parametrize("event_id", ["", "garbage", "\x00", "1.aaaaaaaa.3.1", "x" * 100_000])
async def test_an_unknown_id_goes_on_where_else_was_asked_with_a_reason_and_a_gap(
    tmp_path: Path, event_id: str, asked: From | None, expected: list[str]
) -> None:
    async with Stage(tmp_path) as stage:
        await stage.tell(stage.file("a.log").changes(b"a1\n", b"a2\n"))
        start = await begun(stage, asked, event_id)

        assert await rest(stage, start) == expected
        if event_id or isinstance(asked, FromId):
            assert not start.is_exact
            assert start.reason
            assert [gap.reason for gap in start.gaps] == [GapReason.UNKNOWN_ID]
        else:
            assert start.is_exact
            assert start.gaps == ()
        assert backfill(start) == (["a2"] if isinstance(asked, FromLast) else [])


async def test_bytes_that_only_cannot_be_read_now_are_a_gap_without_an_id_and_come_later(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        file = stage.file("a.log")
        await stage.tell(file.changes(b"a1\n"))
        first = encode_id(Position(file.key, 3, anchor_of(b"a1\n")))
        await stage.tell(file.changes(b"a2\n"))
    async with Stage(tmp_path) as stage:
        file.path.rename(tmp_path / "away.log")
        file.path.symlink_to(file.path)  # a loop: opening it fails as a missing right does, also for root
        (tmp_path / "away.log").rename(tmp_path.with_name(f"{tmp_path.name}-away.log"))
        (gap,) = told(await drain(stage.subscriber(at=3)))
        file.path.unlink()
        tmp_path.with_name(f"{tmp_path.name}-away.log").rename(file.path)

        assert (gap.type, gap.json["reason"], gap.id) == ("gap", "unreadable", "")
        assert await rest(stage, await begun(stage, None, first)) == ["a2"]


async def test_an_id_ahead_of_its_file_or_made_from_other_bytes_is_not_exact(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        await stage.tell(stage.file("a.log").changes(b"a1\n"))
        good = await stage.journal.position_at(3)
        assert good is not None
        for bad in (good._replace(offset=1_000), good._replace(anchor=good.anchor ^ 1)):
            assert not (await begun(stage, None, encode_id(bad))).is_exact


async def test_a_time_begins_with_the_first_line_that_tells_it_or_a_later_one(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        file = stage.file("a.log")
        for number in range(50):
            at = CLOCK_SECONDS + number * 0.3
            await stage.tell(file.changes(stamped(at, f"line {number}")), time=at)
        for number in range(50):
            start = await begun(stage, FromTime(int((CLOCK_SECONDS + number * 0.3 - 0.1) * 1000)))
            told_lines = await rest(stage, start)
            assert [line.split(" ", 1)[1] for line in told_lines] == [f"line {later}" for later in range(number, 50)]
            assert start.position == await stage.journal.position_at(start.at)


async def test_a_backlog_that_was_recorded_late_is_passed_over_by_its_own_times(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        old = [stamped(CLOCK_SECONDS - 1_000 + number, f"old {number}") for number in range(5)]
        await stage.tell(stage.file("a.log").changes(b"before\n"), time=CLOCK_SECONDS - 2_000)
        await stage.tell(stage.file("b.log").changes(*old, stamped(CLOCK_SECONDS, "new")), time=CLOCK_SECONDS)
        start = await begun(stage, FromTime(int((CLOCK_SECONDS - 997) * 1000)))

        assert [line.split(" ", 1)[1] for line in await rest(stage, start)] == ["old 3", "old 4", "new"]


async def test_lines_without_a_time_have_that_of_the_line_before_them_or_of_their_recording(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        file = stage.file("a.log")
        lines = [stamped(CLOCK_SECONDS - 100, "old"), b"  its trace\n", stamped(CLOCK_SECONDS, "new"), b"  trace\n"]
        await stage.tell(file.changes(*lines), time=CLOCK_SECONDS)
        found = await rest(stage, await begun(stage, FromTime(int(CLOCK_SECONDS * 1000))))
        assert [line.split()[-1] for line in found] == ["new", "trace"]

        bare = stage.file("b.log")
        await stage.tell(bare.changes(b"one\n"), time=CLOCK_SECONDS + 10)
        await stage.tell(bare.changes(b"two\n"), time=CLOCK_SECONDS + 10.9)
        found = await rest(stage, await begun(stage, FromTime(int((CLOCK_SECONDS + 10.5) * 1000))))
        assert found[-1] == "two"


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_time_before_all_is_the_start_and_one_to_come_is_now(tmp_path: Path, hours: int) -> None:
    async with Stage(tmp_path) as stage:
        await stage.tell(stage.file("a.log").changes(stamped(CLOCK_SECONDS, "a1")), time=CLOCK_SECONDS)
        start = await begun(stage, FromTime(int((CLOCK_SECONDS + hours * 3600) * 1000)))

        assert start.at == (0 if hours < 0 else stage.hub.head)


async def test_a_clock_that_was_set_back_hides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Conformance: G9."""
    monkeypatch.setattr(ledger_module, "ROW_BYTES", 1)
    async with Stage(tmp_path) as stage:
        file = stage.file("a.log")
        for text, seconds in (("one", 0), ("two", 100), ("three", -500), ("four", -400)):
            await stage.tell(file.changes(f"{text}\n".encode()), time=CLOCK_SECONDS + seconds)
        start = await begun(stage, FromTime(int((CLOCK_SECONDS + 50) * 1000)))

        assert await rest(stage, start) == ["two", "three", "four"]


async def test_what_is_lost_has_no_time_and_is_passed_over(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        file, other = stage.file("a.log"), stage.file("b.log")
        await stage.tell(file.changes(stamped(CLOCK_SECONDS, "gone")), time=CLOCK_SECONDS)
        await stage.tell(other.changes(stamped(CLOCK_SECONDS + 1, "kept")), time=CLOCK_SECONDS + 1)
        file.path.unlink()
        start = await begun(stage, FromTime(int(CLOCK_SECONDS * 1000)))

        assert [line.split(" ", 1)[1] for line in await rest(stage, start)] == ["kept"]


@pytest.mark.parametrize("is_read", [True, False])
async def test_after_a_lost_record_an_id_is_exact_once_all_has_been_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_read: bool
) -> None:
    monkeypatch.setattr(start_module, "FIRST_LOOK_SECONDS", 0)
    async with Stage(tmp_path) as stage:
        await stage.tell(stage.file("a.log").changes(b"a1\n", b"a2\n"), stage.file("b.log").changes(b"b1\n"))
        lost = Position("lostlost", 3, anchor_of(b"a1\n"))
        if not is_read:
            stage.hub.has_looked.clear()
        start = await begun(stage, None, encode_id(lost))

        assert start.is_exact is is_read
        assert start.reason is not None
        assert [(gap.file, gap.end) for gap in start.gaps] == [(str(tmp_path / "b.log"), 3)]
