"""What the probes saw, as values: no judgement, and no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from logstream.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST_EVENT_SECONDS: Final = 5.0
"""So long the first event of a stream may take; the service itself sends it at once."""


class UnaskableError(UsageError):
    """The text is no address that can be asked."""

    def __init__(self, text: str) -> None:
        """Remember what was typed."""
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.text!r} is no address such as https://logs.example.org or http://127.0.0.1:8780"


class Address(NamedTuple):
    """Where the service is asked for; `path` has no slash at its end."""

    is_tls: bool
    host: str
    port: int
    path: str

    @classmethod
    def of(cls, url: str) -> Address:
        """The address that a URL names; raises UnaskableError."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise UnaskableError(url) from error
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise UnaskableError(url)
        is_tls = parts.scheme == "https"
        return cls(is_tls, parts.hostname, port or (443 if is_tls else 80), parts.path.rstrip("/"))

    @property
    def is_local(self) -> bool:
        """Whether only this machine hears it."""
        return self.host in {"localhost", "127.0.0.1", "::1"}


class Answer(NamedTuple):
    """One answer, or why there was none (`failure`); header names are in lower case."""

    status: int = 0
    headers: Mapping[str, str] = {}
    body: bytes = b""
    failure: str = ""


class Tls(NamedTuple):
    """What a handshake gave: `version` ("TLSv1.3"), the `protocol` of ALPN, and why a browser would not trust it."""

    version: str
    protocol: str
    days_left: float | None
    distrust: str = ""


class Event(NamedTuple):
    """One event of the stream; `at_seconds` after the request was sent, in the read number `read`."""

    type: str
    text: str
    at_seconds: float
    read: int


@dataclass(frozen=True, slots=True)
class Streamed:
    """What came of the stream; `ended` says why it ended before the probe had seen enough."""

    answer: Answer
    events: tuple[Event, ...] = ()
    compression: str = ""
    ended: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Seen:
    """All that was seen of one address."""

    address: Address
    health: Answer
    health_seconds: float = 0.0
    tls: Tls | None = None
    page: Answer = field(default_factory=Answer)
    without_slash: Answer = field(default_factory=Answer)
    stream: Streamed = field(default_factory=lambda: Streamed(Answer()))
    resumed: Streamed = field(default_factory=lambda: Streamed(Answer()))
