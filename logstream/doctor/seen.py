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
CUT, SILENT = "it was cut", "nothing came"
"""Why a stream ended before a probe had seen enough."""


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
    def url(self) -> str:
        """The address as one types it, without a slash at its end."""
        return f"{self.origin}{self.path}"

    @property
    def origin(self) -> str:
        """What a browser names as the origin of a page that it has from there."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = 443 if self.is_tls else 80
        return f"{'https' if self.is_tls else 'http'}://{host}" + ("" if self.port == usual else f":{self.port}")

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
    """One event of the stream; `at_seconds` after the request was sent, in the read number `read`, with its `id`."""

    type: str
    text: str
    at_seconds: float
    read: int
    id: str = ""


@dataclass(frozen=True, slots=True)
class Streamed:
    """What came of the stream; `ended` says why it ended before the probe had seen enough."""

    answer: Answer
    events: tuple[Event, ...] = ()
    compression: str = ""
    ended: str = ""
    seconds: float = 0.0


class Doors(NamedTuple):
    """What was answered to who has no right to come in, and to what is no request of this service.

    `session` is for the probe's own headers, `token` and `cookie` for a wrong one of each beside them (no status: that
    was not asked, since one was given), `login` for an empty form of the login page, `logout` for somebody who is not
    logged in, and `errors` for requests that the service answers by an error of its own. `stranger` is `session` for
    somebody who sends no headers at all.
    """

    session: Answer = Answer()
    token: Answer = Answer()
    cookie: Answer = Answer()
    login: Answer = Answer()
    logout: Answer = Answer()
    errors: tuple[Answer, ...] = ()
    stranger: Answer = Answer()


class Refusal(NamedTuple):
    """What was answered in the place of the service, `at_seconds` after the stream ended."""

    at_seconds: float
    answer: Answer


class Outage(NamedTuple):
    """What was seen in `seconds` in which the service was to be restarted.

    `has_ended`: the stream did. `back_seconds` is when it was there again after its end; None: it was not. `is_exact`:
    whether it went on where it was; None: nothing had been written before.
    """

    seconds: float
    has_ended: bool = False
    refusals: tuple[Refusal, ...] = ()
    back_seconds: float | None = None
    is_exact: bool | None = None


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
    doors: Doors = field(default_factory=Doors)
    outage: Outage | None = None
