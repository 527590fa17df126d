"""What this package refuses, as facts: unsafe fields, too many streams, a server on its way down, sources."""

from __future__ import annotations

from typing import Literal

from logstream.errors import LogstreamError

Scope = Literal["server", "client"]


class UnsafeFieldError(LogstreamError):
    """A field's value would be cut, ignored or mistaken for other fields by an event-stream parser.

    `field` is `event`, `id` or `retry`; `offset` is the place of the first character at fault.
    """

    def __init__(self, field: str, value: str, offset: int) -> None:
        super().__init__(field, value, offset)
        self.field = field
        self.value = value
        self.offset = offset

    def __str__(self) -> str:
        if self.offset >= len(self.value):
            return f"SSE field {self.field}: {self.value!r} cannot be sent"
        return f"SSE field {self.field}: character U+{ord(self.value[self.offset]):04X} at {self.offset} cannot be sent"


class RefusedError(LogstreamError):
    """No stream now, but one in `retry_after_seconds` may do. Common root of the two reasons below."""

    retry_after_seconds: int


class TooManyStreamsError(RefusedError):
    """All `limit` streams are taken: those of the whole server, or those that one client may have."""

    def __init__(self, limit: int, retry_after_seconds: int, scope: Scope) -> None:
        super().__init__(limit, retry_after_seconds, scope)
        self.limit = limit
        self.retry_after_seconds = retry_after_seconds
        self.scope: Scope = scope

    def __str__(self) -> str:
        whose = "this server serves" if self.scope == "server" else "one client may hold"
        return f"all {self.limit} streams that {whose} are open; try again in {self.retry_after_seconds} s"


class ClosingError(RefusedError):
    """The server is going down and opens no more streams."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds

    def __str__(self) -> str:
        return f"the server is going down; try again in {self.retry_after_seconds} s"


class UnknownSourceError(LogstreamError):
    """No source is registered under `name`; `known` lists those that are."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(name, known)
        self.name = name
        self.known = known

    def __str__(self) -> str:
        return f"no source {self.name!r}; known: {', '.join(self.known) or 'none'}"


class SourceTakenError(LogstreamError):
    """A source is already registered under `name`."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"source {self.name!r} is already registered"
