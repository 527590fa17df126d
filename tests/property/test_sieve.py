"""What a sieve passes over against a look at each line: the records must be the same, whoever reads and wherever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from logstream.hub import block_sieve as block_sieve_module
from logstream.hub import encoded_block as encoded_block_module
from logstream.hub import merge as merge_module
from logstream.hub import parsed_lines as parsed_lines_module
from logstream.hub import recent as recent_module
from logstream.hub.frames import Shape
from logstream.hub.history import Wanted, page_after, page_before
from logstream.hub.judged_block import SourceTraits
from logstream.hub.merge import last_by_time
from logstream.hub.times import Span
from logstream.journal import ahead as ahead_module
from logstream.journal import codec as codec_module
from logstream.journal import entries as entries_module
from logstream.journal import replay as replay_module
from logstream.journal import sifting as sifting_module
from logstream.journal import upcoming as upcoming_module
from logstream.journal.ids import encode_id
from logstream.rules import Rule, RuleSet
from tests.hub_kit import CLOCK_SECONDS, Stage, drain, told

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from logstream.hub.judged_block import JudgedBlock
    from logstream.hub.picked_lines import PickedLines
    from logstream.hub.view import View
    from logstream.journal.base import Block, Picked

LONGEST: Final = 64
FILLER: Final = b"z" * 40 + b"\n"
WORDS: Final = (
    "ab",
    "sk",
    "K",
    "\N{LATIN SMALL LETTER LONG S}k",
    "\N{KELVIN SIGN}",
    "Ä",
    "ä",
    "9",
    "500",
    " ",
    "\t",
    "b",
    "\ufeff",
    "\ufffd",
    "ERROR",
)
TERMS: Final = (
    *("ab", "sk", "k", "ä", "9", "500", '" "', '"b 9"', "\ufffd", "a*b", "?k", "-ab", "-(ab OR 9)"),
    *("/^ab/", "/b$/", "/^$/", r"/\s+b/", "/[^a]9/", r"/\d{3}/", "/K/", "/ä/i", "/./", "/^.{3}$/"),
    *("level:error", "level:>=warn", "-level:error", "event:odd", "time:>2026-01-01", "msg:500"),
    *("source:app", "source:other"),
)
RULES: Final = (
    Rule("odd", match="9", event="odd"),
    Rule("drop", match="ab 9", action="drop"),
    Rule("mask", match="b+", redact=True),
)

words = st.sampled_from([word.encode() for word in WORDS] + [b"\xff", b"\xc3", b"\r"])
texts = st.lists(words, max_size=6).map(b"".join)
lines = st.one_of(
    st.tuples(texts, st.sampled_from([b"\n", b"\n", b"\r\n"])).map(b"".join),
    st.sampled_from([
        b"2026-01-02T03:04:05Z ERROR ab\n", b"    at ab\n", b"Caused by: sk\n", b'{"level":"error","msg":"500"}\n',
        b"x" * 50 + b"ab" * 20 + b"\n", b'{"log":"ab\\n","stream":"stderr","time":"2026-01-02T03:04:05Z"}\n', b"-\n",
    ]),
)  # fmt: skip
some_terms = st.lists(st.sampled_from(TERMS), min_size=2, max_size=3)
queries = st.one_of(
    st.sampled_from(TERMS),
    some_terms.map(" ".join),
    some_terms.map(" OR ".join),
    st.builds("({}) {}".format, some_terms.map(" OR ".join), st.sampled_from(TERMS)),
)


def record_of(record: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    return orjson.loads(record.json)


async def streamed_by(stage: Stage, view: View) -> list[Any]:
    """All that a view sends, event by event."""
    return [event.json for event in told(await drain(stage.subscriber(view)))]


async def selected(stage: Stage, view: View, in_batches: View) -> list[Any]:
    """All that a view selects, had in every way there is."""
    streamed = await streamed_by(stage, view)
    batched = [record for records in await streamed_by(stage, in_batches) for record in records]
    last, _ = await last_by_time(stage.hub, view, 3)
    everything = Wanted(view, Span(), 1_000)
    after = await page_after(stage.hub, everything, 0)
    before = await page_before(stage.hub, everything._replace(limit=3), None)
    pages = [[record_of(record) for record in records] for records in (last, after.records, before.records)]
    return [streamed, batched, *pages]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(lines, min_size=1, max_size=12), min_size=1, max_size=6),
    queries,
    st.sets(st.sampled_from(RULES)),
    st.tuples(
        st.sampled_from([0, 4]),
        st.sampled_from([0, 0, 3]),
        st.sampled_from([40, 200, 1 << 20]),
        st.sampled_from([0, 20, 250, 8192]),
        st.sampled_from([2, 192]),
    ),
)
@example([[b"b\xc3\xa4\n"], [b"\xff 500\n", b"500\r\n"]], "/0$/", set(), (0, 0, 40, 0, 2))
@example([[b"\xef\xbb\xbfab\n", b"9\n"]], "/^ab/", set(), (0, 0, 1 << 20, 0, 192))
@example([[FILLER, b"2026-01-02T03:04:05Z ERROR ab\n", b"    at ab\n"]], "ab", set(), (4, 0, 1 << 20, 250, 192))
@example([[b"9\n", b"b\r\n", b"b9\n"]], "b?", set(), (4, 0, 200, 0, 192))
@example([[b"9\n", b"2026-01-02T03:04:05Z ERROR ab\n", b"    at ab\n"]], "ab", set(), (4, 0, 200, 0, 192))
async def test_what_is_passed_over_holds_nothing_that_is_selected(
    tmp_path_factory: pytest.TempPathFactory,
    batches: Sequence[Sequence[bytes]],
    query: str,
    rules: set[Rule],
    bounds: tuple[int, int, int, int, int],
) -> None:
    between, recent_items, stretch_bytes, near_bytes, block_lines = bounds
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recent_module, "RECENT_ITEMS", recent_items)
        patch.setattr(replay_module, "STRETCH_BYTES", stretch_bytes)
        patch.setattr(replay_module, "LEAST_STRETCH_BYTES", stretch_bytes)
        patch.setattr(sifting_module, "NEAR_BYTES", near_bytes)
        # What is picked out is read and written at once, however little it is.
        patch.setattr(encoded_block_module, "_FEWEST_COLUMNS", 1)
        patch.setattr(parsed_lines_module, "_FEWEST_LINES", 1)
        if near_bytes:  # the walk back is short: what is before is had from the ends of the files
            patch.setattr(merge_module, "_FIRST_WINDOW_BYTES", near_bytes)
            patch.setattr(merge_module, "MERGE_BYTES", near_bytes)
        patch.setattr(sifting_module, "BLOCK_LINES", block_lines)
        async with Stage(tmp_path_factory.mktemp("sieve"), RuleSet(sorted(rules, key=lambda rule: rule.name))) as stage:
            patch.setattr(stage.journal, "_max_line_bytes", lambda _: LONGEST)
            stage.hub.traits["app"] = SourceTraits(max_line_bytes=LONGEST)
            file = stage.file("app.log")
            if between:
                await stage.tell(file.changes(*[FILLER] * 20, coarse=True))
            for batch in batches:
                await stage.tell(
                    file.changes(*[piece for line in batch for piece in (line, *[FILLER] * between)], coarse=True)
                )
            view, in_batches = stage.view(query), stage.view(query, shape=Shape.BATCH)
            sifted = await selected(stage, view, in_batches)
            view.forget_frames()
            in_batches.forget_frames()
            patch.setattr(view._query, "sieve", None)
            patch.setattr(encoded_block_module, "_FEWEST_COLUMNS", 1_000)

            assert sifted == await selected(stage, view, in_batches)


@settings(max_examples=75, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(lines, min_size=1, max_size=12), min_size=2, max_size=8),
    queries,
    st.tuples(
        st.sampled_from([0, 4]),
        st.sampled_from([80, 200, 4_000]),
        st.sampled_from([100, 500]),
        st.sampled_from([1, 3, 64]),
        st.sampled_from([1, 40, 1 << 20]),
    ),
)
async def test_what_threads_find_before_a_reader_comes_is_what_it_finds_itself(
    tmp_path_factory: pytest.TempPathFactory,
    batches: Sequence[Sequence[bytes]],
    query: str,
    bounds: tuple[int, int, int, int, int],
) -> None:
    between, read_bytes, run_bytes, most_held, most_found = bounds
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recent_module, "RECENT_ITEMS", 0)
        patch.setattr(codec_module, "COARSE_MERGE_BYTES", run_bytes)
        patch.setattr(entries_module, "RUN_BYTES", run_bytes)
        patch.setattr(upcoming_module, "AHEAD_BYTES", 3 * run_bytes)
        patch.setattr(upcoming_module, "FEWEST_BYTES", 1)
        patch.setattr(upcoming_module, "_LEAST_PAUSE_BYTES", 1)
        patch.setattr(upcoming_module, "_MOST_PAUSE_BYTES", 1)
        patch.setattr(ahead_module, "_READ_BYTES", read_bytes)
        patch.setattr(ahead_module, "MOST_HELD", most_held)
        patch.setattr(ahead_module, "_MOST_FOUND_BYTES", most_found)
        patch.setattr(ahead_module, "_cores", lambda: 2)
        async with Stage(tmp_path_factory.mktemp("ahead")) as stage:
            patch.setattr(stage.journal, "_max_line_bytes", lambda _: LONGEST)
            stage.hub.traits["app"] = SourceTraits(max_line_bytes=LONGEST)
            file = stage.file("app.log")
            for number, batch in enumerate(batches):
                lines = [piece for line in batch for piece in (line, *[FILLER] * between)]
                await stage.tell(file.changes(*lines, coarse=True), time=CLOCK_SECONDS + number // 3)
            view, in_batches = stage.view(query), stage.view(query, shape=Shape.BATCH)
            ahead = await selected(stage, view, in_batches)
            assert stage.journal._threads._held == 0
            view.forget_frames()
            in_batches.forget_frames()
            patch.setattr(ahead_module, "MOST_HELD", 0)

            assert ahead == await selected(stage, view, in_batches)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(lines, min_size=1, max_size=3), min_size=3, max_size=12),
    queries,
    st.sets(st.sampled_from(RULES)),
    st.tuples(st.sampled_from([1, 2, 4]), st.sampled_from([100, 1 << 20]), st.sampled_from([1, 2, 1_000])),
)
async def test_of_what_is_passed_over_together_near_the_head_nothing_is_selected(
    tmp_path_factory: pytest.TempPathFactory,
    batches: Sequence[Sequence[bytes]],
    query: str,
    rules: set[Rule],
    bounds: tuple[int, int, int],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, bound in zip(("FEWEST_FAR", "FAR_BYTES", "MOST_FAR"), bounds, strict=True):
            patch.setattr(block_sieve_module, name, bound)
        async with Stage(tmp_path_factory.mktemp("near"), RuleSet(sorted(rules, key=lambda rule: rule.name))) as stage:
            patch.setattr(stage.journal, "_max_line_bytes", lambda _: LONGEST)
            stage.hub.traits["app"] = SourceTraits(max_line_bytes=LONGEST)
            file = stage.file("app.log")
            subscribers = [stage.subscriber(stage.view(query, shape=shape)) for shape in Shape]
            for batch in batches:
                await stage.tell(file.changes(FILLER))
                await stage.tell(file.changes(*batch))
            together = [[event.json for event in told(await drain(subscriber))] for subscriber in subscribers]
            for view in (stage.view(query), stage.view(query, shape=Shape.BATCH)):
                view.forget_frames()
            patch.setattr(block_sieve_module.BlockSieve, "held_back", lambda *_: None)
            patch.setattr(block_sieve_module.BlockSieve, "holds_back", lambda *_: False)

            apart = [await streamed_by(stage, stage.view(query, shape=shape)) for shape in Shape]
            assert together == apart
            assert [subscriber.at for subscriber in subscribers] == [stage.hub.head] * 2


async def test_what_is_passed_over_is_not_read_line_by_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_module, "RECENT_ITEMS", 0)
    async with Stage(tmp_path) as stage:
        file = stage.file("app.log")
        await stage.tell(file.changes(*[b"nothing %d\n" % number for number in range(100_000)], b"one needle\n"))
        judged: list[bytes] = []

        def judge(block: Block) -> JudgedBlock:
            judged.append(block.content)
            return stage.hub.judge(block)

        def judge_picked(picked: Picked) -> PickedLines:
            lines = stage.hub._judge_picked(picked)
            judged.append(lines.block.content)
            return lines

        view = stage.view("needle")
        monkeypatch.setattr(view, "_judge", judge)
        monkeypatch.setattr(view, "_judge_picked", judge_picked)

        pulled = await stage.subscriber(view).pull(10)
        assert pulled is not None
        assert [event.json["text"] for event in told(pulled.content)] == ["one needle"]
        assert judged == [b"one needle\n"]


async def test_a_batch_of_lines_that_were_picked_out_tells_of_no_more_than_one_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_module, "RECENT_ITEMS", 0)
    async with Stage(tmp_path) as stage:
        file = stage.file("app.log")
        await stage.tell(file.changes(*[b"nothing %d\n" % number for number in range(10_000)], coarse=True))
        lines = [b"needle %d\n" % number if number % 500 == 0 else b"nothing %d\n" % number for number in range(60_000)]
        await stage.tell(file.changes(*lines, coarse=True))
        picked: list[int] = []
        view = stage.view("needle", shape=Shape.BATCH)

        def judge_picked(some: Picked) -> PickedLines:
            picked.append(len(some.ends))
            return stage.hub._judge_picked(some)

        monkeypatch.setattr(view, "_judge_picked", judge_picked)
        batches = await streamed_by(stage, view)

        ends = [[int(record["id"].split(".")[2], 36) for record in records] for records in batches]
        assert sum(map(len, ends)) == 120
        assert sum(picked) > 100
        assert len(batches) > len(picked)
        assert all(each[-1] - each[0] + len(b"needle 0\n") <= 65_536 for each in ends)


@pytest.mark.parametrize("shape", Shape)
async def test_lines_that_were_picked_out_together_leave_in_frames_of_a_blocks_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: Shape
) -> None:
    monkeypatch.setattr(recent_module, "RECENT_ITEMS", 0)
    async with Stage(tmp_path) as stage:
        file = stage.file("app.log")
        await stage.tell(file.changes(*[b"nothing %d\n" % number for number in range(10_000)], coarse=True))
        lines = [b"needle %d\n" % number if number % 20 == 0 else b"nothing %d\n" % number for number in range(40_000)]
        await stage.tell(file.changes(*lines, coarse=True))
        picked: list[int] = []
        view = stage.view("needle", shape=shape)

        def judge_picked(some: Picked) -> PickedLines:
            picked.append(len(some.ends))
            return stage.hub._judge_picked(some)

        monkeypatch.setattr(view, "_judge_picked", judge_picked)
        subscriber = stage.subscriber(view)
        found = []
        while subscriber.lag_bytes:
            frame = await subscriber._next_frame()
            subscriber._pass(frame)
            events = told(frame.content)
            records = [record for event in events for record in (event.json if shape is Shape.BATCH else [event.json])]
            found += [record["text"].encode() + b"\n" for record in records]
            assert frame.records == len(records) <= 192
            if records:
                # Who is cut here comes back with this position, and is told what follows.
                assert frame.position is not None
                resolution = await stage.journal.resolve(frame.position)
                assert resolution.at == subscriber.at
                assert records[-1]["id"] <= encode_id(frame.position)

        assert found == [line for line in lines if line.startswith(b"needle")]
        assert max(picked) > 192
        assert stage.hub.ahead_bytes == 0
