"""A parser of event streams, written out from the standard step by step: what our encoder is measured against.

By WHATWG HTML 9.2.5 (grammar) and 9.2.6 (interpretation). Owns no tolerance and no short cut: it does what a browser
does with bytes in pieces of any size, and nothing that only our own streams need.
"""

from __future__ import annotations

import codecs
from typing import NamedTuple


class Parsed(NamedTuple):
    """A dispatched event, as a script sees it."""

    type: str
    data: str
    last_event_id: str


class EventStreamParser:
    """Takes bytes, gives events. `retry_ms` is the reconnection time, None until a valid `retry` field came."""

    def __init__(self) -> None:
        # "UTF-8 decode": one leading BOM goes, bad bytes become U+FFFD.
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._at_start = True
        self._text = ""
        self._after_cr = False
        self._data = ""
        self._type = ""
        self._id = ""
        self.last_event_id = ""
        self.retry_ms: int | None = None
        self.comments: list[str] = []

    def feed(self, chunk: bytes) -> list[Parsed]:
        """The events that these bytes complete. The end of a stream completes none, so there is no `close`."""
        events = []
        for character in self._decoder.decode(chunk):
            if self._at_start:
                self._at_start = False
                if character == "\ufeff":
                    continue
            if self._after_cr and character == "\n":
                self._after_cr = False
                continue
            self._after_cr = character == "\r"
            if character not in "\r\n":
                self._text += character
                continue
            line, self._text = self._text, ""
            if (event := self._take_line(line)) is not None:
                events.append(event)
        return events

    def _take_line(self, line: str) -> Parsed | None:
        if not line:
            return self._dispatch()
        if line.startswith(":"):
            self.comments.append(line[1:])
        elif ":" in line:
            field, _, value = line.partition(":")
            self._take_field(field, value.removeprefix(" "))
        else:
            self._take_field(line, "")
        return None

    def _take_field(self, field: str, value: str) -> None:
        if field == "event":
            self._type = value
        elif field == "data":
            self._data += value + "\n"
        elif field == "id":
            if "\0" not in value:
                self._id = value
        elif field == "retry" and value and all(digit in "0123456789" for digit in value):
            self.retry_ms = int(value)

    def _dispatch(self) -> Parsed | None:
        self.last_event_id = self._id
        data, event_type = self._data, self._type
        self._data = self._type = ""
        if not data:
            return None
        return Parsed(event_type or "message", data.removesuffix("\n"), self.last_event_id)


def parse(stream: bytes, piece_bytes: int = 0) -> list[Parsed]:
    """The events of a whole stream, fed at once or in pieces of `piece_bytes`."""
    parser = EventStreamParser()
    size = piece_bytes or len(stream) or 1
    return [event for at in range(0, len(stream), size) for event in parser.feed(stream[at : at + size])]
