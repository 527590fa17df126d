"""Server-sent events as bytes: pure functions, by WHATWG HTML 9.2.5.

Owns what makes an event safe to send: nothing in a payload can end a line, an event or forge a field. Refuses to know
what the events mean, and never repairs a type or an id in silence: those two are the program's own words, so a bad one
is an error.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from logstream.sse.errors import UnsafeFieldError

# WHATWG HTML 9.2.5: a line ends at CRLF, LF or CR alone. No other separator (U+2028, U+0085) ends one, so
# `splitlines()` would cut where no parser does.
_LINE_END = re.compile(rb"\r\n|\n|\r")
_LINE_END_IN_TYPE = re.compile(r"[\r\n\ud800-\udfff]")
# Narrower than the standard, which forbids NUL, CR and LF only (whatwg/html#7363). An id comes back as the header
# Last-Event-ID: servers read header bytes as Latin-1, refuse control characters and strip blanks at both ends.
_NOT_IN_ID = re.compile(r"^ |[^\x20-\x7e]| $")
_SURROGATE = re.compile("[\ud800-\udfff]")


class Event(NamedTuple):
    """One event before encoding. `type` "" means `message`; `id` None leaves the client's cursor where it is."""

    type: str
    data: str | bytes
    id: str | None = None

    def encode(self) -> bytes:
        """These three as one whole event; raises `UnsafeFieldError`."""
        return encode_event(self.type, self.data, self.id)


def encode_event(event_type: str, data: str | bytes, event_id: str | None = None) -> bytes:
    r"""One whole event: `event`, a `data` line for each line of `data`, then `id`, then the blank line.

    `id` stands last so that a parser that takes it at once (and not, as it should, at the blank line) never holds the
    id of an event that was cut. The parser gives back `data` with every line end as LF. Text that is not encodable
    (lone surrogates) becomes U+FFFD; bytes must be UTF-8, a parser turns anything else into U+FFFD.

    An empty type means `message`. An empty id (not None) clears the client's cursor, as the standard has it.

    Raises:
        UnsafeFieldError: the type holds CR or LF, or the id anything but printable ASCII.
    """
    payload = _utf8(data) if isinstance(data, str) else data
    if b"\n" in payload or b"\r" in payload:
        payload = b"\ndata: ".join(_LINE_END.split(payload))
    head = b"event: %b\ndata: " % _type_bytes(event_type) if event_type else b"data: "
    tail = b"\n\n" if event_id is None else b"\nid: %b\n\n" % _id_bytes(event_id)
    return b"%b%b%b" % (head, payload, tail)


def encode_comment(text: str) -> bytes:
    """Lines that every parser ignores and no script sees; keeps a connection warm, nothing more."""
    return b": %b\n\n" % b"\n: ".join(_LINE_END.split(_utf8(text)))


def encode_retry(milliseconds: int) -> bytes:
    """Tells the client how long to wait before it reconnects. Fires no event.

    Raises:
        UnsafeFieldError: negative; parsers take ASCII digits only.
    """
    if milliseconds < 0:
        raise UnsafeFieldError(field="retry", value=str(milliseconds), offset=0)
    return b"retry: %d\n\n" % milliseconds


def check_type(event_type: str) -> str:
    """`event_type` as it is, if it can be sent; raises `UnsafeFieldError` if not."""
    if fault := _LINE_END_IN_TYPE.search(event_type):
        raise UnsafeFieldError(field="event", value=event_type, offset=fault.start())
    return event_type


def check_id(event_id: str) -> str:
    """`event_id` as it is, if it survives the way to the client and back; raises `UnsafeFieldError` if not."""
    if fault := _NOT_IN_ID.search(event_id):
        raise UnsafeFieldError(field="id", value=event_id, offset=fault.start())
    return event_id


def _type_bytes(event_type: str) -> bytes:
    return check_type(event_type).encode()


def _id_bytes(event_id: str) -> bytes:
    return check_id(event_id).encode("ascii")


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text).encode()
