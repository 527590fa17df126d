"""A client of the stream that is cut off again and again, at any byte, and goes on by the last id.

Owns the connection and the cuts. What comes goes to whoever notes it; refuses to judge.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import httpx
import orjson
from httpx_sse import SSEError, connect_sse

from logstream.client import RefusedError, UnreachableError
from logstream.errors import LogstreamError

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from httpx_sse import EventSource

_OWN_EVENTS: Final = frozenset(("hello", "ping", "bye", "rotated", "source"))
_CONNECT_SECONDS: Final = 10.0
_SILENT_SECONDS: Final = 60.0
"""A service that says nothing for so long is asked again."""
_REFUSED_PAUSE_SECONDS: Final = 0.05
_ASKED_PAUSE_SECONDS: Final = 1.0
_LEAST_CUT_LOG2, _MOST_CUT_LOG2 = 6.0, 16.0
_MOST_CUT_SECONDS: Final = 0.6
_MOST_BYTES: Final = 1 << 40
_PATIENCE_SECONDS: Final = 15.0
_TOO_MANY, _SERVER_ERROR = 429, 500
_RESET: Final = struct.pack("ii", 1, 0)


class Notes(Protocol):
    """Takes down what comes."""

    def record(self, told: dict[str, Any], at_seconds: float) -> None:
        """A line."""

    def gap(self, told: dict[str, Any], place: str) -> None:
        """Bytes are reported as gone; `place` is the id behind them."""


class Asked(NamedTuple):
    """What is asked of the stream, and how a connection that broke is gone on with."""

    begin: str = "now"
    last_event_id: str = ""
    sources: Sequence[str] = ()
    query: str = ""
    headers: Mapping[str, str] = {}
    pause_seconds: float = 0.0
    """The most that is waited after a cut."""
    early_cuts: float = 0.6
    """The share of connections that are cut after few bytes, down to those of the first event; others live a while."""
    is_direct: bool = False
    """Whether the proxies of the environment are passed by: the service is on this machine."""


class _CutError(Exception):
    """The connection was cut by us; `is_inside` an event, or between two."""

    def __init__(self, *, is_inside: bool) -> None:
        super().__init__(is_inside)
        self.is_inside = is_inside


class _Cut(httpx.SyncByteStream):
    """A response's bytes, up to any of them; then the connection is gone, and what came last may be half an event.

    All that come before there `is_place` to go on from are left whole.
    """

    def __init__(
        self, response: httpx.Response, pick: random.Random, early_cuts: float, is_place: Callable[[], bool]
    ) -> None:
        self._stream = response.stream
        self._is_place = is_place
        self._socket = response.extensions["network_stream"].get_extra_info("socket")
        self._pick = pick
        self._due = time.monotonic() + pick.uniform(0.0, _MOST_CUT_SECONDS)
        self._left_bytes = _MOST_BYTES
        if pick.random() < early_cuts:
            self._left_bytes = int(2 ** pick.uniform(_LEAST_CUT_LOG2, _MOST_CUT_LOG2))

    def __iter__(self) -> Iterator[bytes]:
        last = b"\n\n"
        for chunk in self._stream:  # type: ignore[union-attr]  # that of a synchronous client is one
            is_place = self._is_place()
            if is_place and time.monotonic() > self._due and chunk:
                self._left_bytes = min(self._left_bytes, self._pick.randint(1, len(chunk)))
            piece = chunk[: self._left_bytes] if is_place else chunk
            last = (last + piece)[-2:]
            self._left_bytes -= len(piece) if is_place else 0
            yield piece
            if not self._left_bytes:
                with suppress(OSError):  # a reset instead of a polite end, as a network drops connections
                    self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                raise _CutError(is_inside=last != b"\n\n")

    def close(self) -> None:
        self._stream.close()  # type: ignore[union-attr]  # as above


class Reader:
    """Reads in a thread of its own until it is ended. `cuts` decides where connections are cut; None: nowhere."""

    def __init__(self, url_of: Callable[[], str], asked: Asked, notes: Notes, cuts: random.Random | None) -> None:
        """Nothing is asked yet. `url_of` tells the address of each connection: a server may come back elsewhere."""
        self.cuts = self.cuts_inside = self.breaks = 0
        self.outages: list[tuple[float, float]] = []
        self.last_event_id = self.first_event_id = asked.last_event_id
        self.has_begun: Final = threading.Event()
        self._url_of = url_of
        self._asked = asked
        self._notes = notes
        self._cuts = cuts
        self._failure: BaseException | None = None
        self._may_run: Final = threading.Event()
        self._is_idle: Final = threading.Event()
        self._ended: Final = threading.Event()
        self._socket: Any = None
        self._thread = threading.Thread(target=self._run, name="prove-reader", daemon=True)

    @property
    def url(self) -> str:
        """The address that the next connection goes to."""
        return self._url_of()

    def start(self) -> None:
        """Begin."""
        self._may_run.set()
        self._thread.start()

    def check(self) -> None:
        """Raise what has ended the reading, if something has."""
        if self._failure is not None:
            raise self._failure

    def hold(self) -> None:
        """Hang up, and stay away until `release`."""
        self._is_idle.clear()
        self._may_run.clear()
        while not self._is_idle.wait(0.02):
            self.check()
            self._hang_up()

    def release(self) -> None:
        """Come back."""
        self._may_run.set()

    def end(self) -> None:
        """Hang up for good."""
        self._ended.set()
        self._may_run.set()
        while self._thread.is_alive():
            self._hang_up()
            self._thread.join(0.02)

    def _hang_up(self) -> None:
        with suppress(OSError, AttributeError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _run(self) -> None:
        try:
            timeout = httpx.Timeout(_CONNECT_SECONDS, read=_SILENT_SECONDS)
            with httpx.Client(timeout=timeout, trust_env=not self._asked.is_direct) as client:
                while not self._ended.is_set():
                    self._away(self._connect(client))
        except BaseException as error:  # noqa: BLE001 - raised again by check(), where somebody waits
            self._failure = error
        finally:
            self._is_idle.set()

    def _away(self, pause_seconds: float) -> None:
        began = time.monotonic()
        self._ended.wait(pause_seconds)
        if not self._may_run.is_set():
            self._is_idle.set()
            self._may_run.wait()
        self.outages.append((began, time.monotonic()))

    def _connect(self, client: httpx.Client) -> float:
        """One connection; how long to stay away after it."""
        url = self._url_of()
        try:
            return self._follow(client, url)
        except _CutError as cut:
            self.cuts += 1
            self.cuts_inside += cut.is_inside
            return 0.0 if self._cuts is None else self._cuts.uniform(0.0, self._asked.pause_seconds)
        except SSEError as error:
            raise UnreachableError(url, "what answers there is no event stream") from error
        except (httpx.TransportError, httpx.StreamError):
            self._note_break()
            return _REFUSED_PAUSE_SECONDS
        finally:
            self._socket = None

    def _follow(self, client: httpx.Client, url: str) -> float:
        asked = self._asked
        shape = "line" if self._cuts is None else self._cuts.choice(("line", "batch"))
        parameters: dict[str, str | Sequence[str]] = {"source": tuple(asked.sources), "shape": shape}
        parameters |= {"q": asked.query} if asked.query else {}
        headers = {"Accept-Encoding": "identity", **asked.headers}
        if self.last_event_id:
            headers["Last-Event-ID"] = self.last_event_id
        else:
            parameters["from"] = asked.begin
        target = url.rstrip("/") + "/api/v1/stream"
        with connect_sse(client, "GET", target, params=httpx.QueryParams(parameters), headers=headers) as source:
            response = source.response
            if response.status_code == _TOO_MANY or response.status_code >= _SERVER_ERROR:
                return _ASKED_PAUSE_SECONDS
            if not response.is_success:
                raise RefusedError(_refusal(response))
            self._socket = response.extensions["network_stream"].get_extra_info("socket")
            if self._cuts is not None:
                response.stream = _Cut(response, self._cuts, asked.early_cuts, self._has_place)
            self._take_all(source)
        self._note_break()
        return _REFUSED_PAUSE_SECONDS

    def _has_place(self) -> bool:
        """Whether there is something to go on from, so that nothing is missed by a cut."""
        return bool(self.last_event_id) or self._asked.begin == "start"

    def _note_break(self) -> None:
        """Count the end of a connection, unless this reader has hung up itself."""
        self.breaks += self._may_run.is_set() and not self._ended.is_set()

    def _take_all(self, source: EventSource) -> None:
        for event in source.iter_sse():
            if not self._may_run.is_set() or self._ended.is_set():
                return
            if not event.data:
                continue
            self._take(event.event, orjson.loads(event.data), event.id)
            self.last_event_id = event.id or self.last_event_id
            self.has_begun.set()

    def _take(self, kind: str, told: Any, place: str) -> None:  # noqa: ANN401 - JSON
        now = time.monotonic()
        if kind == "batch":
            for record in told:
                self._notes.record(record, now)
        elif kind == "gap":
            self._notes.gap(told, place)
        elif kind == "hello":
            if not self.last_event_id:
                self.last_event_id = self.first_event_id = told["resume"]["from"] or ""
        elif kind not in _OWN_EVENTS:
            self._notes.record(told, now)


class SilentError(LogstreamError):
    """Nothing came from `url`."""

    def __init__(self, url: str) -> None:
        """Remember where."""
        super().__init__(url)
        self.url = url

    def __str__(self) -> str:
        """One line for people."""
        return (
            f"{self.url}: the stream does not begin: no event has come through in {_PATIENCE_SECONDS:g} s; "
            f"`logstream doctor {self.url}` says what is in the way"
        )


def wait_until_begun(reader: Reader) -> None:
    """Until the first event has come; raises SilentError, or what has ended the reading."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not reader.has_begun.wait(0.05):
        reader.check()
        if time.monotonic() > deadline:
            raise SilentError(reader.url)


def _refusal(response: httpx.Response) -> str:
    response.read()
    if response.headers.get("Content-Type") == "application/problem+json":
        return str(orjson.loads(response.content)["detail"])
    return f"the service answers {response.status_code} {response.reason_phrase}"
