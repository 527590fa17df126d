"""syslog: RFC 3164 with and without its priority, the same with ISO times as rsyslog writes files, and RFC 5424.

Owns the headers and structured data. A priority says the level: 0-2 fatal, 3 error, 4 warn, 5-6 info, 7 debug.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from logstream.parse.levels import level_from_severity, level_in_text
from logstream.parse.parsed import Parsed, number_or_text
from logstream.parse.times import time_in_text

if TYPE_CHECKING:
    from logstream.parse.times import Clock

SEVERITIES: Final = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
_FACILITIES: Final = (
    *("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp"),
    *("ntp", "audit", "alert", "clock", *(f"local{number}" for number in range(8))),
)
_PRIORITY: Final = re.compile(r"<(\d|[1-9]\d|1[0-8]\d|19[01])>", re.ASCII)
_STAMP_3164: Final = r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})?"
_STAMP_ISO: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?[+-]\d\d:?\d\d"
_HEADER: Final = re.compile(rf"({_STAMP_3164}|{_STAMP_ISO}) ([^\s:\[\]]{{1,255}}) (.*)", re.ASCII | re.DOTALL)
_TAG: Final = re.compile(r"([^\s:\[\]]{1,128})(?:\[([^\]\s]{1,64})\])?:(?: |\Z)(.*)", re.ASCII | re.DOTALL)
_LEVEL_WORDS: Final = frozenset(("TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "WARNING", "ERROR", "FATAL", "CRITICAL"))
_5424: Final = re.compile(
    r"1 (-|\d{4}-\d\d-\d\dT\S{8,30}) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) (.*)", re.ASCII | re.DOTALL
)
_SD_ID: Final = re.compile(r'\[([^\s=\]"]{1,64})')
_SD_PARAMETER: Final = re.compile(r' ([^\s=\]"]{1,64})="((?:[^"\\]|\\.)*)"', re.DOTALL)
_SD_ESCAPED: Final = re.compile(r'\\(["\\\]])')


def read_syslog(text: str, clock: Clock) -> Parsed | None:
    """A line of syslog of any of these kinds."""
    priority = _PRIORITY.match(text)
    if priority is None:
        return _read_header(text, clock)
    number, rest = int(priority[1]), text[priority.end() :]
    found = _read_5424(rest, clock) or _read_header(rest, clock) or Parsed(None, None, {"message": rest})
    said = {"facility": _FACILITIES[number // 8], "severity": SEVERITIES[number % 8]}
    return Parsed(found.time, level_from_severity(number % 8), said | (found.fields or {}), "syslog")


def _read_header(text: str, clock: Clock) -> Parsed | None:
    """`TIME HOST APP[PID]: MESSAGE`. The tag is needed with an ISO time, which many other formats begin with."""
    found = _HEADER.match(text)
    if found is None:
        return None
    is_iso = text[0].isdigit()
    tag = _TAG.match(found[3])
    if is_iso and (tag is None or found[2].upper() in _LEVEL_WORDS):
        return None
    time = time_in_text(found[1], clock)
    if time is None:
        return None
    fields: dict[str, Any] = {"host": found[2]}
    if tag is None:
        fields["message"] = found[3]
    else:
        fields["app"] = tag[1]
        if tag[2]:
            fields["pid"] = number_or_text(tag[2])
        fields["message"] = tag[3]
    return Parsed(time, level_in_text(text), fields, "syslog")


def _read_5424(text: str, clock: Clock) -> Parsed | None:
    found = _5424.match(text)
    if found is None:
        return None
    names = ("host", "app", "pid", "msgid")
    fields: dict[str, Any] = {
        name: number_or_text(said) for name, said in zip(names, found.groups()[1:5], strict=True) if said != "-"
    }
    read = _structured(found[6])
    if read is None:
        return None
    structured, message = read
    if structured:
        fields["structured"] = structured
    fields["message"] = message.removeprefix("\ufeff")
    return Parsed(None if found[1] == "-" else time_in_text(found[1], clock), None, fields, "syslog")


def _structured(text: str) -> tuple[dict[str, dict[str, str]], str] | None:
    """STRUCTURED-DATA (RFC 5424, 6.3) by its ids, and the message behind it; None where it is not well formed."""
    elements: dict[str, dict[str, str]] = {}
    at = 1 if text.startswith("-") else 0
    while not text.startswith("-") and (element := _SD_ID.match(text, at)) is not None:
        parameters = elements.setdefault(element[1], {})
        at = element.end()
        while (parameter := _SD_PARAMETER.match(text, at)) is not None:
            parameters[parameter[1]] = _SD_ESCAPED.sub(r"\1", parameter[2])
            at = parameter.end()
        if not text.startswith("]", at):
            return None
        at += 1
    if not at or text[at : at + 1] not in {"", " "}:
        return None
    return elements, text[at + 1 :]
