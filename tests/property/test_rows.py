"""Blocks of lines read and written at once are what reading and writing each line alone makes of them."""

from __future__ import annotations

from datetime import UTC, date, timedelta, timezone
from itertools import pairwise
from typing import TYPE_CHECKING

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logstream.api.frames import WireEncoder
from logstream.hub.frames import Shape
from logstream.hub.judged_block import JudgedBlock, SourceTraits
from logstream.journal.base import Block
from logstream.parse import FORMATS, Clock, continues, parse_line, read_rows, suspects
from logstream.parse.multiline import Folding
from logstream.records import Generation, Level
from logstream.rules import LevelCondition, Rule, RuleSet, bitmap, glob_matches, indexes_of
from logstream.rules.fields import Compared, Like, Present, Same, meets
from tests.event_stream import parse
from tests.installed import ROOT

if TYPE_CHECKING:
    from logstream.hub.frames import Columns

CLOCK = Clock(timezone(timedelta(hours=1)), lambda: date(2026, 11, 23))
SAMPLES = [
    line for path in sorted((ROOT / "tests" / "samples").glob("*.log")) for line in path.read_text().splitlines()
]
AWKWARD = ["", " ", "\t at x", "}", 'say "x"', "back\\slash", "tab\t\x07", "\u2028\x85", "äöü €", "a:  b", "DETAIL:  x"]


def mostly(usual: list[str], *odd: str) -> st.SearchStrategy[str]:
    """Seldom one of the odd ones: a line of many parts has to be a usual one often enough."""
    return st.sampled_from(usual * (8 * len(odd) // len(usual) + 1) + list(odd))


stamps = st.builds(
    "{}{}{}{}{}".format,
    mostly(["2026-11-01"], "2026-02-30", "0000-01-01", "2026-11-0", "[2026-11-01", "2026/11/01", "9999-12-31"),
    mostly(["T", " "], "t", "_"),
    mostly(["10:00:00", "23:59:59"], "10:00:60", "24:00:00", "10:61:00", "10:00:0"),
    mostly(["", ",123", ".123456789"], ".1234567890", ","),
    mostly(["", "Z", "+01:00", " +0100"], "z", "-0330", "+01", " UTC", "+25:00", "Zx"),
)
levels = mostly(["INFO", "WARN", "WARNING", "CRITICAL"], "CRIT", "FINE", "LOG", "HELLO", "info", "DPANIC")
threads = mostly(
    ["", "[main] "], "[ main] ", "[] ", "[  ] ", "[a [b] ", "[12] ", f"[x{'y' * 199}] ", "[ä] ", '[say "x\\y"] '
)
colons = mostly(["a.b:"], "a:b:", "a -", "a: -", "a --", "a ---", "a.B$1 :", f"{'a' * 256}:", f"{'a' * 257}:", "ä:", "")
loggers = mostly(["a.b"], "a.b:", "a.B$1", "a" * 256, "a" * 257, "ä", "")
messages = mostly(["it works", *AWKWARD], " - x", "- x", "-- x", "LOG:  x", "stdout F x", "x" * 300)
logged = st.one_of(
    st.builds("{} {} {}{} {}".format, stamps, levels, threads, colons, messages),
    st.builds("{} {}{}  {} - {}".format, stamps, threads, levels, loggers, messages),
    st.builds("{} - {} - {} - {}".format, stamps, loggers, levels, messages),
    st.builds("{} | {}     | {} - {}".format, stamps, levels, loggers, messages),
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A line with a piece of it left out, doubled or put elsewhere."""
    line = draw(st.one_of(st.sampled_from(SAMPLES), logged))
    start, end = sorted((draw(st.integers(0, len(line))), draw(st.integers(0, len(line)))))
    piece = draw(st.sampled_from(["", line[start:end] * 2, " ", ":", "-", "[", "]", "9", "A", ".", '"']))
    return line[:start] + piece + line[end:]


texts = st.one_of(
    logged,
    logged,
    st.sampled_from(SAMPLES),
    mutated(),
    st.sampled_from(AWKWARD),
    st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"])),
)
# Neighbours are alike for the most part, as they are in logs.
blocks = st.lists(st.tuples(texts, st.integers(1, 4)), min_size=1, max_size=12).map(
    lambda pairs: [text for text, times in pairs for _ in range(times)]
)


@settings(max_examples=1000)
@given(blocks, st.sampled_from(FORMATS))
def test_what_is_read_of_a_block_at_once_is_what_is_read_of_each_line(lines: list[str], as_format: str) -> None:
    rows = read_rows("\n".join(lines).encode(), format=as_format, clock=CLOCK)

    if rows is not None:
        assert all(before < after for before, after in pairwise(rows.lines))
        for row, line in enumerate(rows.lines):
            assert rows.parsed(row) == parse_line(lines[line], format=as_format, clock=CLOCK)
            assert rows.only([row]).parsed(0) == rows.parsed(row)
            if rows.stamps is not None:
                told = rows.stamps[row].tobytes() + rows.said[rows.kinds[row]].heading + rows.messages[row]
                assert told.decode() == lines[line]


@given(blocks, st.sampled_from([Folding(), Folding(start=r"^\d")]))
def test_a_line_that_goes_on_is_always_a_suspect(lines: list[str], folding: Folding) -> None:
    text = "\n".join(lines).encode()
    ends = [index for index, byte in enumerate(text) if byte == ord("\n")] + [len(text)]
    found = set(suspects(text, ends, folding))

    for index, (before, line) in enumerate(pairwise(lines), start=1):
        assert index in found or not continues(line, before, folding)


RULES = (
    RuleSet([]),
    RuleSet(
        [
            Rule("bad", match="ERROR|x", event="oops", set_level=Level.FATAL),
            Rule("hidden", match=r"works?", redact=True),
            Rule("none", match="a.B", action="drop"),
        ]
    ),
)


CONDITIONS = [
    LevelCondition(sign, level) for sign in (">=", "=", "<") for level in (Level.INFO, Level.WARN, Level.FATAL)
]
FIELD_TESTS = [
    *((path, Present()) for path in ("logger", "thread", "message", "fields.message", "a.b")),
    *(("logger", test) for test in (Same("a.b"), Like("a*"), Same("A.b:"))),
    *(("message", test) for test in (Like("*x*"), Same("it works"), Like("*\\**"))),
    ("thread", Compared(">=", "12")),
]


@settings(max_examples=500)
@given(blocks, st.sampled_from(RULES), st.sampled_from([b"x\n", b"2026-11-01 10:00:00 WARN a.b: x\n"]), st.data())
def test_what_is_answered_for_many_lines_at_once_is_what_is_answered_for_each(
    lines: list[str], rules: RuleSet, lead: bytes, data: st.DataObject
) -> None:
    content = "".join(f"{line}\n" for line in lines).encode()
    block = Block(Generation("aaaaaaaa", "a", "/a.log"), len(lead), 0, 0, lead, content)
    judged, other = (JudgedBlock(block, SourceTraits(zone=UTC), rules, WireEncoder()) for _ in range(2))
    everything = st.just(set(range(len(lines))))
    asked = data.draw(st.one_of(everything, st.sets(st.sampled_from(range(len(lines))), min_size=min(8, len(lines)))))

    for condition in CONDITIONS:
        found = set(indexes_of(judged.level_lines(bitmap(asked), condition)))
        assert found == {line for line in asked if condition.holds(other.record(line).level)}
    for path, test in FIELD_TESTS:
        found = set(indexes_of(judged.field_lines(bitmap(asked), path, test)))
        assert found == {line for line in asked if meets(other.record(line).fields, path, test)}
    for glob in ("line", "oops", "o*", "*"):
        found = set(indexes_of(judged.event_lines(bitmap(asked), glob)))
        assert found == {line for line in asked if glob_matches(glob, other.record(line).event)}


@settings(max_examples=500)
@given(blocks, st.sampled_from(RULES), st.data())
def test_a_block_is_written_at_once_as_each_of_its_records(
    lines: list[str],
    rules: RuleSet,
    data: st.DataObject,
) -> None:
    content = "".join(f"{line}\n" for line in lines).encode()
    generation = Generation("aaaaaaaa", 'a "source"', "/a/b.log")
    lead = data.draw(st.sampled_from([b"", b"x\n", b"x" * 63 + b"\n"]))
    block = Block(generation, len(lead), 0, 0, lead, content, data.draw(st.booleans()))
    encoder = WireEncoder()
    some = data.draw(st.lists(st.sampled_from(range(len(lines))), unique=True).map(sorted))

    def judged() -> JudgedBlock:
        return JudgedBlock(block, SourceTraits(zone=UTC), rules, encoder)

    for asked in ([some, range(len(lines))], [range(len(lines)), some]):
        one, other = judged(), judged()
        for indexes in asked:
            alone = [encoder.encode_record(other.record(index)) for index in indexes]
            together = one.encoded_lines(indexes)
            assert list(together) == alone
            for shape in Shape:
                assert encoder.encode_records(together, shape) == encoder.encode_records(alone, shape)
            if alone:
                assert len(parse(encoder.encode_records(together, Shape.LINE))) == len(alone)


@given(blocks, st.sampled_from(RULES), st.data())
def test_a_frame_for_one_view_is_what_its_records_would_make(
    lines: list[str], rules: RuleSet, data: st.DataObject
) -> None:
    content = "".join(f"{line}\n" for line in lines).encode()
    block = Block(Generation("aaaaaaaa", "a", "/a.log"), 4, 0, 0, b"x\n", content, data.draw(st.booleans()))
    encoder = WireEncoder()
    some = data.draw(st.lists(st.sampled_from(range(len(lines))), unique=True).map(sorted))
    for indexes in (range(len(lines)), some):
        for shape in Shape:
            judged, other = (JudgedBlock(block, SourceTraits(zone=UTC), rules, encoder) for _ in range(2))
            alone = [encoder.encode_record(other.record(index)) for index in indexes]
            assert judged.frame(indexes, shape, is_kept=False) == encoder.encode_records(alone, shape)


@pytest.mark.parametrize("rules", [RULES[0], RuleSet([Rule("bad", match="line 3", event="oops")])])
@pytest.mark.parametrize("is_durable", [True, False])
def test_a_frame_for_one_view_is_written_without_a_piece_for_each_record(rules: RuleSet, *, is_durable: bool) -> None:
    lines = [f"2026-03-14T09:00:{second:02}.000Z INFO [main] a.b: line {second}" for second in range(60)]
    content = "".join(f"{line}\n" for line in lines).encode()
    block = Block(Generation("aaaaaaaa", "a", "/a.log"), 0, 0, 0, b"", content, is_durable)

    class NoPieces(WireEncoder):
        def encode_columns(self, columns: Columns) -> list[bytes]:
            raise AssertionError(columns)

    encoder = WireEncoder()
    other = JudgedBlock(block, SourceTraits(zone=UTC), rules, encoder)
    for indexes in (range(60), range(0, 60, 2)):
        alone = [encoder.encode_record(other.record(index)) for index in indexes]
        for shape in Shape:
            judged = JudgedBlock(block, SourceTraits(zone=UTC), rules, NoPieces())
            assert judged.frame(indexes, shape, is_kept=False) == encoder.encode_records(alone, shape)
            with pytest.raises(AssertionError):
                judged.frame(indexes, shape, is_kept=True)


@pytest.mark.parametrize("stamp", ["2026-03-14T09:00:00.5+01:00", "2026-03-14 09:00:00,123", "2026-03-14 09:00:00"])
@pytest.mark.parametrize("thread", ["main", 'say "x"', "back\\slash", "colour \x1b[31m", "ä €"])
@pytest.mark.parametrize("message", ["plain", 'a "quote"', "a tab\t", "\x7f"])
def test_a_text_is_written_as_it_stands_whatever_needs_an_escape(stamp: str, thread: str, message: str) -> None:
    lines = [f"{stamp} INFO [{thread}{number % 2}] a.b: {message} {number}" for number in range(20)]
    content = "".join(f"{line}\n" for line in lines).encode()
    block = Block(Generation("aaaaaaaa", "a", "/a.log"), 0, 0, 0, b"", content, is_durable=True)
    encoder = WireEncoder()
    for indexes in (range(20), range(0, 20, 2), range(0, 20, 7)):
        judged, other = (JudgedBlock(block, SourceTraits(zone=UTC), RULES[0], encoder) for _ in range(2))
        told = parse(judged.frame(indexes, Shape.LINE, is_kept=False))
        assert [event.data for event in told] == [other.encoded(index).json.decode() for index in indexes]
        assert [orjson.loads(event.data)["text"] for event in told] == [lines[index] for index in indexes]
