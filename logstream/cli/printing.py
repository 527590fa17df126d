"""How followed lines look on a terminal, in a pipe, as JSON and as logfmt.

Owns the looks alone. A terminal gets no control characters of a log but colours: a line must not move its cursor.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

import click
import orjson

from logstream.following import UNREADABLE, CaughtUp, News, Told

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import BinaryIO

    from logstream.following import Followed

Form = Literal["text", "json", "logfmt"]
_LEVEL_COLOURS: Final = {
    "trace": "bright_black",
    "debug": "bright_black",
    "warn": "yellow",
    "error": "red",
    "fatal": "bright_red",
}
_HIGHLIGHTS: Final[dict[str, str | tuple[int, int, int]]] = {
    "red": "red",
    "orange": (255, 135, 0),
    "yellow": "yellow",
    "green": "green",
    "cyan": "cyan",
    "blue": "blue",
    "purple": "magenta",
    "grey": "bright_black",
}
_SOURCE_COLOURS: Final = ("cyan", "green", "magenta", "blue", "bright_cyan", "bright_green", "bright_magenta")
_CONTROL: Final = re.compile(r"(\x1b\[[0-9;:]*m)|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PLAIN_VALUE: Final = re.compile(r'[^\s"=\x00-\x1f]+')
_FOUND_ON, _FOUND_OFF = "\x1b[7m", "\x1b[27m"


class Pattern(Protocol):
    """What finds the matches of a query in a line."""

    def sub(self, repl: Callable[[Any], str], text: str) -> str:
        """The text with each match replaced."""


class Look:
    """Colours: whether there are any, what of a line is marked, and the colours that rules give."""

    def __init__(
        self, *, is_coloured: bool, marks: Pattern | None = None, rule_colours: Mapping[str, str] | None = None
    ) -> None:
        self.is_coloured = is_coloured
        self.marks = marks
        self.rule_colours = dict(rule_colours or {})


class Printer:
    """Writes what is followed: lines to `out`, words about them to stderr."""

    def __init__(self, form: Form, out: BinaryIO, look: Look, *, shows_source: bool) -> None:
        self._form = form
        self._out = out
        self._look = look
        self._shows_source = shows_source
        self._source_colours: dict[str, str] = {}

    def show(self, followed: Followed) -> None:
        """Write it, and let whoever reads have it at once."""
        match followed:
            case Told(records):
                self._out.write(b"".join([self._line(record) for record in records]))
                self._out.flush()
            case News(kind, facts):
                self._news(kind, facts)
            case CaughtUp():
                pass

    def _line(self, record: dict[str, Any]) -> bytes:
        if self._form == "json":
            return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
        line = logfmt(record) if self._form == "logfmt" else self._text(record)
        return line.encode("utf-8", "replace") + b"\n"

    def _text(self, record: dict[str, Any]) -> str:
        text: str = record["text"]
        source = record["source"]
        if not self._look.is_coloured:
            return f"{source} {text}" if self._shows_source else text
        text = _CONTROL.sub(lambda found: found[1] or _visible(found[0]), text)
        if self._look.marks is not None:
            text = self._look.marks.sub(_marked, text)
        colours = self._look.rule_colours
        colour = next((colours[name] for name in record["rules"] if name in colours), None)
        if colour is not None:
            text = click.style(text, fg=_HIGHLIGHTS.get(colour), bold=True)
        elif record["level"] in _LEVEL_COLOURS:
            text = click.style(text, fg=_LEVEL_COLOURS[record["level"]])
        return f"{click.style(source, fg=self._colour_of(source))} {text}" if self._shows_source else text

    def _colour_of(self, source: str) -> str:
        return self._source_colours.setdefault(
            source, _SOURCE_COLOURS[len(self._source_colours) % len(_SOURCE_COLOURS)]
        )

    def _news(self, kind: str, facts: dict[str, Any]) -> None:
        if kind == "gap" and self._form != "text":
            # A loss stands where it happened, also for programs: no record can be of this type.
            self._out.write(self._gap(facts))
            self._out.flush()
        words = told_in_words(kind, facts)
        if words:
            colour = "red" if kind == "gap" else "yellow"
            click.echo(click.style(f"logstream: {words}", fg=colour), err=True)

    def _gap(self, facts: dict[str, Any]) -> bytes:
        told = {"event": "gap", **facts}
        return orjson.dumps(told) + b"\n" if self._form == "json" else _pairs(told).encode() + b"\n"


def told_in_words(kind: str, facts: dict[str, Any]) -> str:
    """What is to be said of an event that is no line; empty for what speaks for itself."""
    words = ""
    match kind:
        case "gap":
            lost = "an unknown number of bytes" if facts["bytes"] is None else f"{facts['bytes']:,} bytes"
            lines = "" if facts["lines"] is None else f" ({facts['lines']:,} lines)"
            where = f" of {facts['file']}" if facts["file"] else ""
            words = f"gap: {lost}{lines}{where} cannot be had any more: {facts['reason']}"
        case "rotated":
            words = f"{facts['file']} was rotated"
        case "source" if facts.get("state") in UNREADABLE:
            words = f"{facts['file']} cannot be read: {facts['reason']}"
        case "lost":
            words = f"{facts['reason']}; trying again in {facts['pause_seconds']:g} s"
        case "resumed" if facts["exact"]:
            words = "connected again, nothing is missing"
        case "resumed" | "inexact":
            words = f"the place to go on from is not known: {facts['reason']}"
    return words


def logfmt(record: dict[str, Any]) -> str:
    """A record as pairs: its own members, then its fields that are no objects, under their names after `fields.`."""
    own = {name: record[name] for name in ("time", "level", "source", "event", "text") if record[name] is not None}
    fields = {
        f"fields.{name}": value
        for name, value in (record["fields"] or {}).items()
        if isinstance(value, str | int | float) and _PLAIN_VALUE.fullmatch(name)
    }
    return _pairs(own | fields)


def _pairs(told: Mapping[str, object]) -> str:
    return " ".join(f"{name}={_value(value)}" for name, value in told.items() if value is not None)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return text if _PLAIN_VALUE.fullmatch(text) else orjson.dumps(text).decode()


def _marked(found: re.Match[str]) -> str:
    return f"{_FOUND_ON}{found[0]}{_FOUND_OFF}" if found[0] else ""


def _visible(character: str) -> str:
    """A control character as the picture that Unicode has for it, or its number."""
    code = ord(character[0])
    return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else f"<{code:02x}>"  # noqa: PLR2004 - ASCII
