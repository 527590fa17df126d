"""Text formats of logging libraries and of PostgreSQL: klog, Python's logging, log4j and logback with their relatives.

Owns their forms. A form that only looks alike is left to plain text: each of these has a level at a fixed place.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from logstream.parse.levels import level_from_field
from logstream.parse.logfmt import pairs_in
from logstream.parse.parsed import Parsed, number_or_text
from logstream.parse.times import time_in_text, time_in_zone, time_of_day
from logstream.records import Level

if TYPE_CHECKING:
    from logstream.parse.times import Clock

    _Forms = dict[str, tuple[re.Pattern[str], ...]]

STAMP: Final = re.compile(r"\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z| ?[+-]\d\d:?\d\d)?", re.ASCII)
_LEVEL: Final = r"(?P<level>[A-Z]{4,8})"
_LOGGER: Final = r"(?P<logger>[\w.$/<>:*~-]{1,256})"
_THREAD: Final = r"\[ *(?P<thread>[^\[\]]{1,200})\]"
_MESSAGE: Final = r"(?P<message>.*)"

# The forms that `rows` reads, many lines at once: what stands between the time and the message, as below, but over text
# that holds more than one line. A message is never empty there, for an empty one is no field, and the level is one of
# these.
ROW_LEVELS: Final = (
    *("INFO", "DEBUG", "WARNING", "WARN", "ERROR", "TRACE", "FATAL", "NOTICE", "SEVERE", "CRITICAL", "CRIT"),
    *("FINE", "FINER", "FINEST"),
)
_ROW_LEVEL: Final = f"(?P<level>{'|'.join(ROW_LEVELS)})"
_ROW_THREAD: Final = r"\[ *+(?P<thread>[^\[\] \n][^\[\]\n]{0,199}+)\]"
ROW_HEADINGS: Final = (
    ("log4j", rf" {_ROW_LEVEL} ++(?:{_ROW_THREAD} )?+(?>{_LOGGER}(?: ++--?|:) )"),
    ("log4j", rf" {_ROW_THREAD} {_ROW_LEVEL} ++{_LOGGER} ++--? "),
    ("python", rf" - {_LOGGER} - {_ROW_LEVEL} - "),
    ("python", rf" \| {_ROW_LEVEL} ++\| (?P<logger>[^\s|]{{1,256}}+) - "),
)


def _forms(*forms: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(form, re.ASCII | re.DOTALL) for form in forms)


# What stands behind the time, by the two characters there: each form that is tried in vain costs as much as one that
# fits. Under "" are those for all other characters.
_PYTHON: Final = {
    " -": _forms(rf" - {_LOGGER} - {_LEVEL} - {_MESSAGE}"),
    " |": _forms(rf" \| {_LEVEL} +\| (?P<logger>[^\s|]{{1,256}}) - {_MESSAGE}"),  # loguru
    "] ": _forms(
        rf"\] {_LEVEL} in {_LOGGER}: {_MESSAGE}",  # Flask
        rf"\] \[(?P<pid>\d{{1,10}})\] \[{_LEVEL}\] {_MESSAGE}",  # gunicorn
    ),
    ": ": _forms(rf": {_LEVEL}/(?P<process>[^\]]{{1,100}})\] {_MESSAGE}"),  # Celery
    "": (),
}
_LOG4J: Final = {
    " [": _forms(rf" {_THREAD} {_LEVEL} +{_LOGGER} +--? {_MESSAGE}"),
    "][": _forms(rf"\]\[{_LEVEL} *\]\[(?P<logger>[^\[\]]{{1,256}}?) *\] {_MESSAGE}"),  # Elasticsearch
    "] ": _forms(rf"\] {_LEVEL} {_MESSAGE} \((?P<logger>[\w.$]{{1,256}})\)\Z"),  # Kafka
    "": _forms(
        rf" {_LEVEL} +(?:{_THREAD} )?{_LOGGER}(?: +--?|:) {_MESSAGE}",
        # Spring Boot
        rf" +{_LEVEL} (?P<pid>\d{{1,10}}) --- (?:\[[^\[\]]{{0,100}}\] )?{_THREAD} {_LOGGER} *: {_MESSAGE}",
    ),
}
_PYTHON_BARE: Final = _forms(r"(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL):(?P<logger>[\w.-]{1,256}):" + _MESSAGE)
_LOG4J_BARE: Final = _forms(  # logback's default has no day
    rf"\d\d:\d\d:\d\d[.,]\d{{3}} {_THREAD} {_LEVEL} +{_LOGGER} +--? {_MESSAGE}"
)
_KLOG: Final = re.compile(
    r"([IWEF])(\d\d)(\d\d) (\d\d:\d\d:\d\d\.\d{6}) +(\d{1,10}) ([^\s:\[\]]{1,256}):(\d{1,9})\] (.*)",
    re.ASCII | re.DOTALL,
)
_KLOG_LEVELS: Final = {"I": Level.INFO, "W": Level.WARN, "E": Level.ERROR, "F": Level.FATAL}
_KLOG_MESSAGE: Final = re.compile(r'"((?:[^"\\]|\\.)*)"(?: |\Z)')
_POSTGRES: Final = re.compile(
    r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?)(?: ([A-Z]{3,5}|[+-]\d\d(?::?\d\d)?))? "
    r"\[(\d{1,10})(?:-\d{1,9})?\]:? (?:\[\d{1,9}-\d{1,4}\] )?"
    r"((?:[^\s:]\S{0,255} ){0,6}?)(DEBUG[1-5]?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC"
    r"|DETAIL|HINT|QUERY|CONTEXT|LOCATION|STATEMENT):  (.*)",
    re.ASCII | re.DOTALL,
)
_POSTGRES_LEVELS: Final = {
    **{f"DEBUG{number}": Level.DEBUG for number in ("", 1, 2, 3, 4, 5)},
    **dict.fromkeys(("LOG", "INFO", "NOTICE"), Level.INFO),
    "WARNING": Level.WARN,
    "ERROR": Level.ERROR,
    "FATAL": Level.FATAL,
    "PANIC": Level.FATAL,
}
_DURATION: Final = re.compile(r"duration: (\d{1,12}\.\d{1,6} ms)", re.ASCII)
_USER_AT_DATABASE: Final = re.compile(r"([^\s@=,]{1,63})@([^\s@=,]{1,63})\Z", re.ASCII)
_PAIR: Final = re.compile(r"(user|db|app|client)=([^,\s]+)", re.ASCII)
_PAIR_NAMES: Final = {"user": "user", "db": "database", "app": "app", "client": "client"}


def read_python(text: str, clock: Clock) -> Parsed | None:
    """`TIME - LOGGER - LEVEL - MESSAGE`, `LEVEL:LOGGER:MESSAGE`; loguru, Flask, gunicorn and Celery."""
    return _read("python", _PYTHON, _PYTHON_BARE, text, clock)


def read_log4j(text: str, clock: Clock) -> Parsed | None:
    """`TIME [THREAD] LEVEL LOGGER - MESSAGE` and its relatives; Spring Boot, Hadoop, Elasticsearch, Kafka."""
    return _read("log4j", _LOG4J, _LOG4J_BARE, text, clock)


def _read(name: str, forms: _Forms, bare: tuple[re.Pattern[str], ...], text: str, clock: Clock) -> Parsed | None:
    stamp = STAMP.match(text)
    if stamp is None:
        at, tried = 0, bare
    else:
        at = stamp.end()
        tried = forms.get(text[at : at + 2]) or forms[""]
    for form in tried:
        found = form.match(text, at)
        level = level_from_field(found["level"]) if found else None
        if found is not None and level is not None:
            fields: dict[str, Any] = {key: value for key, value in found.groupdict().items() if value}
            del fields["level"]
            if "pid" in fields:
                fields["pid"] = number_or_text(fields["pid"])
            return Parsed(time_in_text(stamp[0].lstrip("["), clock) if stamp else None, level, fields, name)
    return None


def read_klog(text: str, clock: Clock) -> Parsed | None:
    """`I1101 10:00:00.123456    1 file.go:42] MESSAGE`, and the pairs of a structured message (Kubernetes' klog)."""
    found = _KLOG.match(text)
    if found is None:
        return None
    message, pairs = found[8], {}
    structured = _KLOG_MESSAGE.match(message)
    if structured is not None:
        message, pairs = structured[1], dict(pairs_in(message[structured.end() :]))
    said = {"pid": number_or_text(found[5]), "file": found[6], "line": number_or_text(found[7]), "message": message}
    time = time_of_day(int(found[2]), int(found[3]), found[4], clock)
    return Parsed(time, _KLOG_LEVELS[found[1]], pairs | said, "klog")


def read_postgres(text: str, clock: Clock) -> Parsed | None:
    """`TIME ZONE [PID] USER@DATABASE SEVERITY:  MESSAGE`, with what `log_line_prefix` has in between.

    Lines that explain another one (DETAIL, HINT, STATEMENT, ...) have no level of their own.
    """
    found = _POSTGRES.match(text)
    if found is None:
        return None
    stamp, zone, pid, prefix, severity, message = found.groups()
    fields: dict[str, Any] = {"pid": number_or_text(pid)} | _session(prefix)
    fields |= {"severity": severity, "message": message}
    duration = _DURATION.match(message)
    if duration is not None:
        fields["duration"] = duration[1]
    is_named = zone is not None and zone.isalpha()
    time = time_in_zone(stamp, zone, clock) if is_named else time_in_text(stamp + (zone or ""), clock)
    return Parsed(time, _POSTGRES_LEVELS.get(severity), fields, "postgres")


def _session(prefix: str) -> dict[str, str]:
    pairs = {_PAIR_NAMES[name]: value for name, value in _PAIR.findall(prefix)}
    named = _USER_AT_DATABASE.match(prefix.rstrip())
    return pairs if named is None else {"user": named[1], "database": named[2]} | pairs
