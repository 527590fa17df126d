"""A line's time as RFC 3339 with an offset, from the forms that logs use.

Owns the forms: ISO 8601 and RFC 3339, syslog (RFC 3164), the access logs' common format, C's asctime, klog's, and epoch
numbers. Refuses to look at any clock but the one it is given. A date that does not exist is no time.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD_CHARACTERS: Final = 64
"""How far into a line an ISO time may begin."""
_ACCESS_HEAD_CHARACTERS: Final = 256  # names of hosts and users stand before the time of an access log

_OFFSET: Final = r"(Z|z|[+-]\d\d(?::?\d\d)?|[ ](?:[+-]\d\d:?\d\d|UTC|GMT))?(?!\w)"
_ISO: Final = re.compile(r"\d(?<!\d\d)\d{3}([-/])\d\d\1\d\d[T ]\d\d:\d\d:\d\d(?:[.,](\d{1,9})\d*)?" + _OFFSET, re.ASCII)
_SYSLOG: Final = re.compile(r"(?:<\d{1,3}>)?([A-Z][a-z]{2}) ([ \d]\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?", re.ASCII)
_ASCTIME: Final = re.compile(
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,9}))? (\d{4})", re.ASCII
)
_ACCESS: Final = re.compile(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}", re.ASCII)

_MONTH_NAMES: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS: Final = {name: number for number, name in enumerate(_MONTH_NAMES, start=1)}

_ZONES: Final = {
    **dict.fromkeys(("UTC", "GMT", "WET", "Z"), "Z"),
    **dict.fromkeys(("CET", "MET", "WEST", "BST"), "+01:00"),
    **dict.fromkeys(("CEST", "EET", "IST"), "+02:00"),
    **dict.fromkeys(("EEST", "MSK"), "+03:00"),
    "EST": "-05:00",
    "EDT": "-04:00",
    "CST": "-06:00",
    "CDT": "-05:00",
    "MST": "-07:00",
    "MDT": "-06:00",
    "PST": "-08:00",
    "PDT": "-07:00",
    "JST": "+09:00",
    "KST": "+09:00",
    "AEST": "+10:00",
    "NZST": "+12:00",
}

_EPOCH: Final = re.compile(r"\d{9,19}(?:\.\d{1,9})?", re.ASCII)
# Epoch numbers tell their unit by their size: seconds since 1973, and each unit until the next one begins.
_EPOCH_UNITS: Final = ((10**8, 10**11, 1), (10**11, 10**14, 10**3), (10**14, 10**17, 10**6), (10**17, 10**20, 10**9))


def machine_day() -> date:
    """The present day in the machine's zone."""
    return datetime.now(UTC).astimezone().date()


class Clock(NamedTuple):
    """What a time without an offset or a year is taken to mean; by default what this machine's clock says.

    `local` is the zone of times that name none (None: the machine's); `today` is asked only for times without a year,
    which are at most a day ahead of it.
    """

    local: tzinfo | None = None
    today: Callable[[], date] = machine_day


MACHINE_CLOCK: Final = Clock()


def time_in_text(text: str, clock: Clock) -> str | None:
    """The time at or near the start of a line, as RFC 3339 with offset and the fraction as written; else None."""
    if text[:1].isdigit():
        iso = _ISO.match(text)
        if iso:
            return _from_iso(text, iso, clock)
    elif text[:1].isupper() or text[:1] == "<":
        syslog = _SYSLOG.match(text)
        if syslog:
            return _from_syslog(syslog, clock)
    # Without a bracket at the very start, where a field of a structured record has it.
    access = _ACCESS.match(text, text.find("[", 0, _ACCESS_HEAD_CHARACTERS) + 1)
    if access:
        return _from_access(access[0])
    iso = _ISO.search(text, 0, HEAD_CHARACTERS)
    return _from_iso(text, iso, clock) if iso else None


def time_from_field(value: object, clock: Clock) -> str | None:
    """The time that a structured record names: a string in one of the forms, or epoch s, ms, us or ns."""
    if isinstance(value, str):
        if _EPOCH.fullmatch(value):
            return _from_epoch(float(value) if "." in value else int(value))
        return time_in_text(value.strip(), clock)
    if isinstance(value, int | float):
        return _from_epoch(value)
    return None


def time_in_zone(text: str, zone: str, clock: Clock) -> str | None:
    """The ISO time that `text` is, in a zone that is named beside it by its abbreviation, as PostgreSQL does.

    The abbreviations are those of PostgreSQL's default set; what is not among them is the clock's zone.
    """
    iso = _ISO.fullmatch(text)
    if iso is None or iso[3] is not None:
        return None
    return _written(text[:10], text[11:19], iso[2], _ZONES.get(zone, clock.local))


def time_from_asctime(text: str, clock: Clock) -> str | None:
    """`Sun Nov 01 10:00:00.123456 2026`, in the clock's zone."""
    found = _ASCTIME.fullmatch(text)
    month = _MONTHS.get(found[1]) if found else None
    if found is None or month is None:
        return None
    day = f"{found[5]}-{month:02}-{found[2].replace(' ', '0')}"
    return _written(day, found[3], found[4], clock.local)


def time_of_day(month: int, day: int, clock_time: str, clock: Clock) -> str | None:
    """A time without a year, such as klog's: `clock_time` is `10:00:00` with or without a fraction."""
    whole, _, fraction = clock_time.partition(".")
    written_day = _latest_day(month, day, clock.today())
    return None if written_day is None else _written(written_day, whole, fraction or None, clock.local)


def offset_of(day: str, minute: str, written: str | None, clock: Clock) -> str | None:
    """The offset of a minute (`10:00`) of a day in RFC 3339's words, as `written` or else the clock's zone has it.

    None where there is no such minute or offset.
    """
    return _checked_offset(day, minute, clock.local if written is None else _normal_offset(written))


def _from_iso(text: str, found: re.Match[str], clock: Clock) -> str | None:
    start = found.start()
    day = text[start : start + 10].replace("/", "-")
    offset = found[3]
    if offset is None:
        return _written(day, text[start + 11 : start + 19], found[2], clock.local)
    return _written(day, text[start + 11 : start + 19], found[2], _normal_offset(offset))


def _from_syslog(found: re.Match[str], clock: Clock) -> str | None:
    day = _latest_day(_MONTHS.get(found[1]), int(found[2]), clock.today())
    return None if day is None else _written(day, found[3], found[4], clock.local)


@lru_cache(maxsize=256)
def _from_access(written: str) -> str | None:
    month = _MONTHS.get(written[3:6])
    if month is None:
        return None
    day, _, rest = written.partition(":")
    clock_time, offset = rest.split(" ")
    return _written(f"{day[7:]}-{month:02}-{day[:2]}", clock_time, None, _normal_offset(offset))


def _from_epoch(value: float) -> str | None:
    for least, beyond, per_second in _EPOCH_UNITS:
        if least <= value < beyond:
            # Floats hold seconds since 1970 to a quarter of a microsecond: what is finer was never there.
            whole = value if isinstance(value, int) else round(value * 1_000_000 / per_second)
            unit = per_second if isinstance(value, int) else 1_000_000
            seconds, rest = divmod(whole, unit)
            fraction = f".{rest:0{len(str(unit)) - 1}}" if rest else ""
            return f"{_utc_second(seconds)}{fraction}Z"
    return None


@lru_cache(maxsize=256)
def _utc_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[: len("2026-11-01T10:00:00")]


def _written(day: str, clock_time: str, fraction: str | None, zone: str | tzinfo | None) -> str | None:
    """RFC 3339, or None for a time that does not exist."""
    offset = _checked_offset(day, clock_time[:5], zone)
    if offset is None or clock_time[6:] > "59":  # a leap second: datetime, and so every reader, has none
        return None
    return f"{day}T{clock_time}.{fraction}{offset}" if fraction else f"{day}T{clock_time}{offset}"


@lru_cache(maxsize=256)
def _checked_offset(day: str, minute: str, zone: str | tzinfo | None) -> str | None:
    """The offset of a minute in a zone, None where there is no such minute or offset. Neighbouring lines share it."""
    try:
        if isinstance(zone, str):
            datetime.fromisoformat(f"{day}T{minute}:00{zone}")
            return zone
        naive = datetime.fromisoformat(f"{day}T{minute}:00")
        offset = (naive.astimezone() if zone is None else naive.replace(tzinfo=zone)).utcoffset()
    except (ValueError, OverflowError):
        return None
    if offset is None:
        return None
    minutes = round(offset / timedelta(minutes=1))
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


@lru_cache(maxsize=256)
def _normal_offset(written: str) -> str:
    offset = written.strip()
    if offset in {"Z", "z", "UTC", "GMT"}:
        return "Z"
    digits = offset[1:].replace(":", "").ljust(4, "0")
    return f"{offset[0]}{digits[:2]}:{digits[2:]}"


@lru_cache(maxsize=64)
def _latest_day(month: int | None, day: int, today: date) -> str | None:
    """The latest such day that is at most a day ahead of `today`: RFC 3164 has no year."""
    if month is None:
        return None
    for year in range(today.year + 1, today.year - 9, -1):  # from one leap day to the next it may be eight years
        try:
            candidate = date(year, month, day)
        except ValueError:
            continue
        if (candidate - today).days <= 1:
            return candidate.isoformat()
    return None
