"""Lines of each format that `docs/formats.md` lists, as programs write them, against expectations made by hand."""

from __future__ import annotations

import re
from datetime import date, timedelta, timezone
from typing import NamedTuple

import orjson
import pytest

from logstream.parse import FORMATS, Clock, detect_format, parse_line
from tests.installed import ROOT

SAMPLES = ROOT / "tests" / "samples"
PAGE = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| ([^|]+) \| `([a-z0-9-]+)` \| \[[^]]+\]\(\.\./tests/samples/([a-z0-9-]+)\.log\) \|", re.MULTILINE)
CLOCK = Clock(timezone(timedelta(hours=1)), lambda: date(2026, 11, 23))


class Row(NamedTuple):
    """What the page says: the format of a sample."""

    written_by: str
    format: str
    sample: str


class Line(NamedTuple):
    sample: str
    text: str
    expected: str


ROWS = [Row(*row) for row in ROW.findall(PAGE)]
FORMAT_OF = {row.sample: row.format for row in ROWS}
LINES = [
    Line(path.stem, text, expected)
    for path in sorted(SAMPLES.glob("*.log"))
    for text, expected in zip(
        path.read_text(encoding="utf-8").splitlines(),
        path.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines(),
        strict=True,
    )
]


def test_the_page_has_a_row_for_each_sample_and_each_format() -> None:
    assert sorted(FORMAT_OF) == sorted(path.stem for path in SAMPLES.glob("*.log"))
    assert {"auto", *FORMAT_OF.values()} == set(FORMATS)


def test_the_shipped_configuration_lists_each_format() -> None:
    listed = (ROOT / "config.toml").read_text(encoding="utf-8").partition("# How lines are read: ")[2]
    words = re.findall(r"[a-z0-9-]+", listed.partition("# format =")[0])

    assert set(FORMATS) <= set(words)


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.sample}: {line.text[:30]}")
@pytest.mark.parametrize("is_named", [False, True], ids=["auto", "named"])
def test_a_real_line_is_read_as_expected(line: Line, *, is_named: bool) -> None:
    expected = orjson.loads(line.expected)
    as_format = FORMAT_OF[line.sample]

    found = parse_line(line.text, format=as_format if is_named else "auto", clock=CLOCK)

    assert found.format == as_format
    assert found.time == expected["time"]
    assert (found.level and found.level.word) == expected["level"]
    assert found.fields == (expected["fields"] if "fields" in expected else orjson.loads(line.text))


@pytest.mark.parametrize("sample", FORMAT_OF)
def test_the_format_of_a_file_is_found(sample: str) -> None:
    lines = (SAMPLES / f"{sample}.log").read_text(encoding="utf-8").splitlines()

    assert detect_format(lines) == FORMAT_OF[sample]


def test_continuations_and_a_few_other_lines_do_not_change_what_a_file_is() -> None:
    lines = ['{"a":1}', "Traceback (most recent call last):", '  File "x.py"', "    pass", '{"a":2}', '{"a":3}', "oh"]

    assert detect_format(lines) == "json"
    assert detect_format([]) == "plain"
    assert detect_format(["", "  "]) == "plain"


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-01T10:00:00Z worker task: failed",
        "2026-11-01T10:00:00+01:00 INFO: started",
        "2026-11-01 10:00:00 INFO started",
        "2026-11-01 10:00:00,123 - no level here - x",
        "x=1",
        "retry=3 and then some prose",
        "192.0.2.7 connected [01/Nov/2026:10:00:00 +0100]",
        "<192>not a priority",
        "<>",
        "[x] y",
        "Error: it broke",
        "INFO:     Started server process [1]",
        "Nov 31 10:00:00 host app: no such day",
        "2026/11/01 10:00:00 [loud] 1#1: x",
        '{"log":"x"',
        "I9999 10:00:00.123456",
    ],
)
def test_a_line_that_only_looks_like_a_format_is_plain(text: str) -> None:
    found = parse_line(text, format="auto", clock=CLOCK)

    assert (found.format, found.fields) == ("plain", None)


def test_a_log_that_changes_its_format_in_the_middle_is_read_on() -> None:
    lines = ["ERROR old", '{"level":"error","n":1}', "level=error n=1"]

    found = [parse_line(line, format="auto", clock=CLOCK) for line in lines]

    assert [line.format for line in found] == ["plain", "json", "logfmt"]
    assert {line.level.word for line in found if line.level} == {"error"}


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("I0229 10:00:00.123456       1 x.go:1] leap day of the year 2024", "2024-02-29T10:00:00.123456+01:00"),
        ("<13>Nov 24 10:00:00 host app: tomorrow", "2026-11-24T10:00:00+01:00"),
        ("<13>Nov 25 10:00:00 host app: a year ago", "2025-11-25T10:00:00+01:00"),
        ("2026-11-01 10:00:00 XYZ [1] LOG:  a zone that nobody knows", "2026-11-01T10:00:00+01:00"),
        ("2026-11-01 10:00:00 +05 [1] LOG:  an offset", "2026-11-01T10:00:00+05:00"),
        ("0000-11-01 10:00:00,1 - a - INFO - year 0", None),
        ("9999-12-31 23:59:59,1 - a - INFO - the last", "9999-12-31T23:59:59.1+01:00"),
        ("2999-01-01 00:00:00,1 - a - INFO - the future", "2999-01-01T00:00:00.1+01:00"),
        ("[Mon Feb 30 10:00:00 2026] [warn] no such day", None),
    ],
)
def test_a_time_at_the_edge_is_read_as_written_or_is_no_time(text: str, time: str | None) -> None:
    assert parse_line(text, format="auto", clock=CLOCK).time == time


@pytest.mark.parametrize(
    "line",
    [
        '{"log":"2020-01-01T00:00:00Z INFO inside\\n","stream":"stdout","time":"2026-11-01T10:00:00.5Z"}',
        "2026-11-01T10:00:00.5Z stdout F 2020-01-01T00:00:00Z INFO inside",
    ],
)
def test_the_runtime_s_time_wins_over_that_of_the_line_inside(line: str) -> None:
    found = parse_line(line, format="auto", clock=CLOCK)

    assert (found.time, found.level and found.level.word) == ("2026-11-01T10:00:00.5Z", "info")


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("a=123456789012345678901234567890 b=1", "a", "123456789012345678901234567890"),
        ("a=-1.5 b=1", "a", -1.5),
        ("a=1e999 b=1", "a", "1e999"),
        ("a=NaN b=1", "a", "NaN"),
        ("a=null b=1", "a", None),
        ('a="\\ud800" b=1', "a", "\\ud800"),
        ('a="\\q\\"" b=1', "a", '\\q"'),
        ('a="x=y z" b=1', "a", "x=y z"),
    ],
)
def test_a_value_of_logfmt_is_a_number_only_where_it_can_be_told_back(text: str, name: str, value: object) -> None:
    fields = parse_line(text, format="logfmt").fields

    assert fields is not None
    assert fields[name] == value
    orjson.dumps(fields)


def test_a_source_of_logfmt_may_have_bare_keys_and_lone_pairs() -> None:
    assert parse_line("started ok=true", format="logfmt").fields == {"started": True, "ok": True}
    assert parse_line("ok=true", format="logfmt").fields == {"ok": True}
    assert parse_line("just prose", format="logfmt").fields is None


def test_ten_thousand_pairs_are_read() -> None:
    fields = parse_line(" ".join(f"k{number}={number}" for number in range(10_000)), format="auto").fields

    assert fields is not None
    assert len(fields) == 10_000


@pytest.mark.parametrize(
    "wrapped", ["[" * 1000, '{"a":' * 1000, '{"log":' * 1000, "2026-11-01T10:00:00Z stdout F " * 99]
)
def test_what_is_wrapped_is_unwrapped_once(wrapped: str) -> None:
    line = orjson.dumps({"log": wrapped, "stream": "stdout", "time": "2026-11-01T10:00:00Z"}).decode()

    found = parse_line(line, format="auto")

    assert found.format == "docker-json"
    assert found.fields == {"message": wrapped.rstrip("\n"), "stream": "stdout"}


@pytest.mark.parametrize(
    "piece", ["[", "a=", 'a="', "<1>", " - ", '"', "\\", "1 ", ", client: ", "[a b=", "x y ", ": ", "("]
)
@pytest.mark.parametrize(
    "start",
    [
        "2026-11-01 10:00:00,123 ",
        "2026-11-01 10:00:00 UTC [1] ",
        '1.2.3.4 - - [01/Nov/2026:10:00:00 +0000] "',
        "<34>1 - - - - - ",
        "2026/11/01 10:00:00 [error] 1#1: ",
        "[Sun Nov 01 10:00:00 2026] ",
        "[2026-11-01 10:00:00] INFO ",
        "I1101 10:00:00.123456 1 ",
        "Nov  1 10:00:00 ",
        "",
    ],
)
def test_a_long_hostile_line_takes_no_longer_than_its_length(start: str, piece: str) -> None:
    for as_format in FORMATS:
        parse_line(start + piece * 20_000, format=as_format, clock=CLOCK)
