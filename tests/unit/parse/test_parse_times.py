"""Times as logs write them, turned into RFC 3339 with an offset."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from time import tzset
from zoneinfo import ZoneInfo

import pytest

from logstream.parse import Clock, parse_line

ARABIC_INDIC = {ord("0") + digit: 0x660 + digit for digit in range(10)}
BERLIN = Clock(ZoneInfo("Europe/Berlin"), lambda: date(2026, 11, 23))


def time(text: str, clock: Clock = BERLIN) -> str | None:
    return parse_line(text, format="plain", clock=clock).time


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-11-23T16:04:01Z x", "2026-11-23T16:04:01Z"),
        ("2026-11-23T16:04:01z x", "2026-11-23T16:04:01Z"),
        ("2026-11-23T16:04:01.123456789Z x", "2026-11-23T16:04:01.123456789Z"),
        ("2026-11-23T16:04:01+02:00 x", "2026-11-23T16:04:01+02:00"),
        ("2026-11-23T16:04:01-0730 x", "2026-11-23T16:04:01-07:30"),
        ("2026-11-23 16:04:01-08 x", "2026-11-23T16:04:01-08:00"),
        ("2026-11-23 16:04:01 +0000 x", "2026-11-23T16:04:01+00:00"),
        ("2026-11-23 16:04:01.5 UTC [12] x", "2026-11-23T16:04:01.5Z"),
        ("2026-11-23 16:04:01,123 x", "2026-11-23T16:04:01.123+01:00"),
        ("2026-07-23 16:04:01 x", "2026-07-23T16:04:01+02:00"),
        ("2026-11-23 16:04:01 -12 items", "2026-11-23T16:04:01+01:00"),
        ("2026/11/23 16:04:01 [error] x", "2026-11-23T16:04:01+01:00"),
        ("[2026-11-23 16:04:01] x", "2026-11-23T16:04:01+01:00"),
        ("[2026-11-23T16:04:01+0200] x", "2026-11-23T16:04:01+02:00"),
        ("INFO 2026-11-23 16:04:01 x", "2026-11-23T16:04:01+01:00"),
        ("<34>1 2026-11-23T16:04:01.003Z host app", "2026-11-23T16:04:01.003Z"),
        ("2026-11-23T16:04:01.1234567890123Z", "2026-11-23T16:04:01.123456789Z"),
        ("1800-01-01 00:00:00 x", "1800-01-01T00:00:00+00:53"),
        ("9999-12-31 23:59:59 x", "9999-12-31T23:59:59+01:00"),
    ],
)
def test_iso_times_at_or_near_the_start_keep_their_offset_and_fraction(text: str, found: str) -> None:
    assert time(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Nov 23 16:04:01 host x", "2026-11-23T16:04:01+01:00"),
        ("Nov  3 16:04:01.25 host x", "2026-11-03T16:04:01.25+01:00"),
        ("<34>Nov 23 16:04:01 host x", "2026-11-23T16:04:01+01:00"),
        ("Nov 24 16:04:01 host x", "2026-11-24T16:04:01+01:00"),
        ("Nov 25 16:04:01 host x", "2025-11-25T16:04:01+01:00"),
        ("Dec 31 16:04:01 host x", "2025-12-31T16:04:01+01:00"),
        ("Feb 29 16:04:01 host x", "2024-02-29T16:04:01+01:00"),
    ],
)
def test_syslog_times_are_of_the_latest_year_that_is_not_in_the_future(text: str, found: str) -> None:
    assert time(text) == found


def test_the_first_of_january_may_come_a_day_early() -> None:
    clock = Clock(UTC, lambda: date(2026, 12, 31))

    assert time("Jan  1 00:00:01 host x", clock) == "2027-01-01T00:00:01+00:00"


@pytest.mark.parametrize(
    "text",
    [
        '10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 2326',
        '::1 some.user@example.com x [10/Oct/2000:13:55:36 -0700] "GET /',
        "10/Oct/2000:13:55:36 -0700",
    ],
)
def test_access_log_times_are_found(text: str) -> None:
    assert time(text) == "2000-10-10T13:55:36-07:00"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no time",
        "0000-01-01 00:00:00 x",
        "2026-02-30 00:00:00 x",
        "2026-13-01 00:00:00 x",
        "2026-11-23 24:00:00 x",
        "2026-11-23 16:60:00 x",
        "2026-11-23 23:59:60 x",
        "2026-11-23T16:04:01+24:00 x",
        "2026-11/23 16:04:01 x",
        "2026-11-23",
        "12026-11-23 16:04:01 x",
        "2026-11-23 16:04:011 x",
        "Foo 23 16:04:01 x",
        "Nov 31 16:04:01 x",
        "Nov 00 16:04:01 x",
        "Nov 23 25:04:01 x",
        "[10/Foo/2000:13:55:36 -0700] x",
        "[32/Oct/2000:13:55:36 -0700] x",
        "2026-11-23 16:04:01".translate(ARABIC_INDIC),
        "x" * 64 + " 2026-11-23 16:04:01",
    ],
)
def test_what_is_no_time_that_exists_is_none(text: str) -> None:
    assert time(text) is None


class Nowhere(tzinfo):
    """A zone that does not know its offset."""

    def utcoffset(self, _when: datetime | None) -> timedelta | None:
        return None

    def dst(self, _when: datetime | None) -> timedelta | None:
        return None

    def tzname(self, _when: datetime | None) -> str | None:
        return None


def test_a_zone_without_an_offset_gives_no_time() -> None:
    assert time("2026-11-23 16:04:01", Clock(Nowhere())) is None


@pytest.mark.parametrize(
    ("zone", "text"), [("Asia/Tokyo", "0001-01-01 00:07:00"), ("America/Lima", "9999-12-31 23:58:00")]
)
def test_a_time_beyond_the_edges_of_the_calendar_is_none(zone: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    tzset()
    try:
        found = time(text, Clock())
    finally:
        monkeypatch.undo()
        tzset()

    assert found is None


def test_offsets_west_of_greenwich_are_negative() -> None:
    clock = Clock(timezone(-timedelta(hours=3, minutes=30)))

    assert time("2026-11-23 16:04:01", clock) == "2026-11-23T16:04:01-03:30"


def test_without_a_clock_the_machine_says_zone_and_day() -> None:
    today = datetime.now(UTC).astimezone()

    found = parse_line(f"{today:%b %d} 12:00:00 host x", format="plain").time

    assert found is not None
    read = datetime.fromisoformat(found)
    assert abs(read - today) < timedelta(days=2)
    assert read.utcoffset() == read.replace(tzinfo=None).astimezone().utcoffset()
