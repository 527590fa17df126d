from __future__ import annotations

import re

import pytest

from logstream.tail.stamps import COUNT, DATED, LABEL, LOOSE, label_order, read_stamp


@pytest.mark.parametrize(
    "text",
    [
        "20261123", "2026-11-23", "2026.11.23", "2026_11_23", "20261123-1700", "2026112317", "20261123.1",
        "2026-11-23T10:00:00Z", "20261123T100000Z", "2026-11-23T10-00-00.000", "2026-11-23T10:00:00.123456789Z",
        "2026-11-23T10:00:00+01:00", "2026-11-23T10:00:00-0500", "2026-11-23 10:00:00", "2026-11-23_10-00-00_000000",
        "2026-11-23T10-00-00.000-size", "2026-11-23T10-00-00.000-time",
    ],
)  # fmt: skip
def test_what_begins_with_a_date_whose_year_comes_first_is_dated(text: str) -> None:
    assert re.fullmatch(DATED, text)
    assert read_stamp(text).kind == "date"


@pytest.mark.parametrize(
    "text",
    ["1", "2026", "2026-13-01", "2026-11-32", "8080-2026-11-23", "1732752000", "23-11-2026", "2026-11-23Z1",
     "2026-11-23-backup", "2026-11-23-sized", "2026-11-23T"],
)  # fmt: skip
def test_anything_else_is_not(text: str) -> None:
    assert not re.fullmatch(DATED, text)


@pytest.mark.parametrize(
    ("kind", "older", "newer"),
    [
        (COUNT, "10", "9"),
        (COUNT, "2", "1"),
        ("number", "1732752000", "1732755600"),
        ("number", "261123", "261124"),
        ("date", "20251231", "20260101"),
        ("date", "20261123", "20261123.1"),
        ("date", "2026-11-30", "20261201"),
        ("date", "20261130", "2026-12-01"),
        ("date", "2026112309", "2026112310"),
        ("date", "2026-11-23-2", "2026-11-23-10"),
        ("date", "2026-11-23T09:59:59Z", "2026-11-23T10:00:00Z"),
        ("date", "2026-11-23T09:59:59.9Z", "2026-11-23T10:00:00Z"),
        ("date", "2026-11-23T10:00:00.45Z", "2026-11-23T10:00:00.5Z"),
        ("date", "2026-11-23T10-00-00.999", "2026-11-23T10-00-01.000"),
        ("date", "2026-11-23T10-00-00.999-size", "2026-11-23T10-00-01.000-time"),
        ("date", "20261123T095959Z", "2026-11-23T10:00:00Z"),
        # The clocks are put back: an hour comes twice.
        ("date", "2026-10-25T02:30:00+02:00", "2026-10-25T02:15:00+01:00"),
        ("date", "2026-10-25T00:30:00Z", "2026-10-25T02:15:00+01:00"),
        ("date", "2026-11-01T01:30:00-0400", "2026-11-01T01:15:00-0500"),
        ("date", "2026-12-31T23:59:00-05:00", "2027-01-01T05:00:00Z"),
    ],
)
def test_of_two_stamps_of_one_kind_one_is_newer(kind: str, older: str, newer: str) -> None:
    assert read_stamp(older).kind == read_stamp(newer).kind == kind
    assert read_stamp(older).order < read_stamp(newer).order


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("30-11-2026", "01-12-2026"),
        ("11-30-2026-1", "11-30-2026-2"),
        ("30.11.2026", "1.12.2026"),
        ("30112026", "01122026"),
        ("20112026", "01122026"),
        ("11302026", "12012026"),
    ],
)
def test_a_date_whose_year_comes_last_tells_no_more_than_the_year(older: str, newer: str) -> None:
    """Nobody knows whether the day or the month comes first."""
    assert read_stamp(older) == read_stamp(newer) == ("year", (2026,))


def test_new_year_is_after_new_year_s_eve_however_they_are_written() -> None:
    assert read_stamp("31-12-2026").order < read_stamp("01-01-2027").order
    assert read_stamp("12-31-2026").order < read_stamp("01-01-2027").order


@pytest.mark.parametrize("text", ["2026-02-30T10:00:00+01:00", "2026-11-23T99:00:00+01:00", "2026-11-23T10:00:00+99"])
def test_a_time_that_there_is_not_is_numbers(text: str) -> None:
    assert read_stamp(text).kind == "date"


def test_a_label_of_tai64n_is_as_new_as_its_hexadecimal_digits() -> None:
    labels = [
        "400000006928f9ffffffffff",
        "400000006928fa0000000000",
        "400000006928fa000000000a",
        "40000000a000000000000000",
    ]
    assert all(re.fullmatch(LABEL, label) for label in labels)
    assert sorted(labels, key=label_order) == labels
    assert not re.fullmatch(LABEL, "40000000A000000000000000")


def test_any_number_is_a_loose_stamp() -> None:
    for text in ("1", "2026", "20261123", "8080-2026-11-23", "1732752000", "2026-11-23T10:00:00+01"):
        assert re.fullmatch(LOOSE, text)
