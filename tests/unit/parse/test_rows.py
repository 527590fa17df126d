from __future__ import annotations

from datetime import UTC

import pytest

from logstream.parse import Clock, Rows, parse_line, read_rows
from logstream.records import Level

CLOCK = Clock(UTC)
USUAL = "2026-11-01T10:00:00.123+01:00 INFO  [worker-1] shop.orders: order 7 took 5 ms"


def rows(*lines: str, as_format: str = "auto") -> Rows | None:
    return read_rows("\n".join(lines).encode(), format=as_format, clock=CLOCK)


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        (USUAL, ["thread", "logger", "message"]),
        ("2026-11-01 10:00:00,123 WARN a.b: slow", ["logger", "message"]),
        ("2026-11-01 10:00:00,123 [main] ERROR a.b - oops", ["thread", "logger", "message"]),
        ("2026-11-01 10:00:00,123 - a.b - DEBUG - x", ["logger", "message"]),
        ("2026-11-01 10:00:00.123 | INFO     | a:b:1 - x", ["logger", "message"]),
    ],
)
def test_lines_of_loggers_are_read_at_once(line: str, fields: list[str]) -> None:
    found = rows(line, line)

    assert found is not None
    assert found.lines == range(2)
    assert list(found.parsed(0).fields or ()) == fields
    assert found.parsed(1) == parse_line(line, format="auto", clock=CLOCK)


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-01 10:00:00 INFO a: - ",  # the logger is `a:`, and there is no message
        "2026-11-01 10:00:00 WARN [12] a: LOG:  x",  # PostgreSQL, in a zone called WARN
        "2026-11-01 10:00:60 INFO a.b: a leap second",
        "2026-11-01 10:00:00 HELLO a.b: no level",
        "2026-11-01 10:00:00 INFO prose",
        "",
    ],
)
def test_what_may_be_read_otherwise_is_left_to_the_line_s_own_reader(line: str) -> None:
    found = rows(USUAL, line, USUAL)

    assert found is not None
    assert list(found.lines) == [0, 2]
    assert rows(line) is None


def test_lines_of_a_form_are_found_in_the_middle_of_others() -> None:
    found = rows(*["other"] * 10, USUAL, USUAL, *["other"] * 9)

    assert found is not None
    assert list(found.lines) == [10, 11]


def test_lines_without_a_thread_are_read_beside_others_that_have_one() -> None:
    found = rows(USUAL, USUAL.replace("[worker-1] ", ""), USUAL)

    assert found is not None
    assert list(found.lines) == [0, 1, 2]
    assert [list(found.parsed(row).fields or ())[:2] for row in (0, 1)] == [["thread", "logger"], ["logger", "message"]]


def test_times_that_are_written_alike_are_read_whatever_their_minutes() -> None:
    lines = [USUAL.replace("10:00:00.123", f"10:{minute}") for minute in ("00:59.999", "01:00.000", "01:00.001")]
    found = rows(*lines)

    assert found is not None
    assert [found.parsed(row).time for row in range(3)] == [
        f"2026-11-01T10:{minute}+01:00" for minute in ("00:59.999", "01:00.000", "01:00.001")
    ]
    assert rows(lines[0], lines[1].replace("01:00", "61:00")) is None


def test_a_block_with_a_day_that_does_not_exist_is_left_as_a_whole() -> None:
    assert rows(USUAL, USUAL.replace("11-01", "11-31")) is None


@pytest.mark.parametrize(("as_format", "count"), [("auto", 1), ("log4j", 1), ("python", 0), ("json", 0)])
def test_only_forms_of_the_source_s_format_are_tried(as_format: str, count: int) -> None:
    found = rows(USUAL, as_format=as_format)

    assert (0 if found is None else len(found.lines)) == count


def test_each_minute_has_the_offset_that_its_line_or_the_clock_says() -> None:
    found = rows(USUAL, USUAL.replace("+01:00", ""), USUAL.replace("+01:00", " -0330"))

    assert found is not None
    assert [time[-6:] for time in found.times] == [b"+01:00", b"+00:00", b"-03:30"]
    assert [found.parsed(row).level for row in range(3)] == [Level.INFO] * 3


def test_headings_are_forgotten_when_there_are_too_many_and_say_the_same_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logstream.parse.rows._HEADINGS_KNOWN", 3)
    for first in (0, 4, 0):
        lines = [f"2026-11-01 10:00:00 INFO a.b{first + number % 4}: x" for number in range(8)]
        found = rows(*lines)

        assert found is not None
        assert [found.parsed(row) for row in range(8)] == [
            parse_line(line, format="auto", clock=CLOCK) for line in lines
        ]
        assert len(found.said) == 4
