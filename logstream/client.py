"""A client of a running service: follows its stream over HTTP and goes on exactly where a connection broke.

Owns the reconnecting: `Last-Event-ID`, pauses, and which errors are worth another try. Refuses to print.
"""

from __future__ import annotations

import random
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import httpx
import orjson
from httpx_sse import SSEError, connect_sse

from logstream import __version__
from logstream.errors import LogstreamError, UsageError
from logstream.following import CaughtUp, Followed, News, Told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from httpx_sse import EventSource, ServerSentEvent

_NEWS: Final = frozenset(("gap", "rotated", "source"))
_FIRST_PATIENCE_SECONDS: Final = 120.0
"""How long the first event may take: a rare pattern may be searched for in a long past before it."""
_CONNECT_SECONDS: Final = 10.0
_BEATS: Final = 2.5
"""A service that is silent for so many heartbeats is taken for gone."""
_LEAST_PATIENCE_SECONDS: Final = 5.0
_FIRST_PAUSE_MS: Final = 500
_MOST_PAUSE_SECONDS: Final = 30.0
_MOST_TRIES: Final = 5
_IDLE_PINGS: Final = 2
_BAD_REQUEST, _TOO_MANY, _SERVER_ERROR = 400, 429, 500


class UnreachableError(LogstreamError):
    """There is no logstream at `url`; `reason` says what there is."""

    def __init__(self, url: str, reason: str) -> None:
        """Remember where, and why."""
        super().__init__(url, reason)
        self.url = url
        self.reason = reason

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.url}: {self.reason}; is logstream serving there?"


class RefusedError(UsageError):
    """The service does not take what was asked; `detail` is its own word."""

    def __init__(self, detail: str) -> None:
        """Remember what it said."""
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        """One line for people."""
        return self.detail


class Wanted(NamedTuple):
    """What is asked of a stream, as its parameters have it."""

    sources: Sequence[str] = ()
    query: str = ""
    begin: str = "now"


class _SilentError(httpx.TransportError):
    def __init__(self) -> None:
        super().__init__("the service has fallen silent")


class _Silence:
    """Hangs up when nothing has been heard for too long.

    A thread, since how long that is stands in the first event, and a request's own timeout cannot be changed by then.
    """

    def __init__(self, response: httpx.Response, patience_seconds: float) -> None:
        self.is_noticed = False
        self._socket = response.extensions["network_stream"].get_extra_info("socket")
        self._due = time.monotonic() + patience_seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="silence", daemon=True)
        self._thread.start()

    def heard(self, patience_seconds: float) -> None:
        """Something has come, and may take so long to come again."""
        self._due = time.monotonic() + patience_seconds

    def end(self) -> None:
        """Watch no more."""
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(min(1.0, max(0.01, self._due - time.monotonic()))):
            if time.monotonic() >= self._due:
                self.is_noticed = True
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)
                return


class _Later(Exception):  # noqa: N818 - nobody outside sees it
    """The service cannot answer now; `seconds` is when to come back, if it said so."""

    def __init__(self, status: int, seconds: float | None) -> None:
        super().__init__(status, seconds)
        self.reason = f"the service answers {status}"
        self.seconds = seconds


def fetch_json(url: str, path: str, headers: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
    """What a service at `url` answers at `path`; raises UnreachableError or RefusedError."""
    try:
        response = httpx.get(url.rstrip("/") + path, headers=_headers(headers), timeout=_CONNECT_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UnreachableError(url, _words(error)) from error
    try:
        _refuse(url, response)
        return orjson.loads(response.content)
    except _Later as later:
        raise UnreachableError(url, later.reason) from later
    except ValueError as error:
        raise UnreachableError(url, "what answers there is no JSON") from error


class Connection:
    """Follows one stream for as long as wanted, over as many connections as it takes."""

    def __init__(self, url: str, wanted: Wanted, headers: Mapping[str, str]) -> None:
        """Nothing is asked yet."""
        self.last_event_id = ""
        self._url = url
        self._wanted = wanted
        self._headers = headers
        self._retry_ms = _FIRST_PAUSE_MS
        self._patience_seconds = _FIRST_PATIENCE_SECONDS
        self._was_connected = False
        self._tries = 0
        self._idle_pings = 0
        self._held: list[dict[str, Any]] = []
        """Records of the past, which have no id to go on from: told once all of them are there."""

    def follow(self, *, is_endless: bool) -> Iterator[Followed]:
        """Everything in order, each record once. Raises UnreachableError, RefusedError.

        Not `is_endless`: the caller leaves once it has caught up, and after a few vain tries that is given up.
        """
        while True:
            try:
                with httpx.Client(timeout=httpx.Timeout(_CONNECT_SECONDS, read=None)) as client:
                    yield from self._connected(client)
                reason, seconds = "the service ended the stream", None
            except _Later as later:
                reason, seconds = later.reason, later.seconds
            except (httpx.TransportError, httpx.StreamError, httpx.InvalidURL) as error:
                reason, seconds = _words(error), None
            self._held.clear()
            self._tries += 1
            if not self._was_connected or (not is_endless and self._tries > _MOST_TRIES):
                raise UnreachableError(self._url, reason)
            pause_seconds = self._pause_seconds(seconds)
            yield News("lost", {"reason": reason, "pause_seconds": round(pause_seconds, 1)})
            time.sleep(pause_seconds)

    def _connected(self, client: httpx.Client) -> Iterator[Followed]:
        headers = _headers(self._headers)
        parameters: dict[str, str | Sequence[str]] = {"shape": "batch", "source": tuple(self._wanted.sources)}
        if self._wanted.query:
            parameters["q"] = self._wanted.query
        if self.last_event_id:
            headers["Last-Event-ID"] = self.last_event_id
        else:
            parameters["from"] = self._wanted.begin
        target = self._url.rstrip("/") + "/api/v1/stream"
        with connect_sse(client, "GET", target, params=httpx.QueryParams(parameters), headers=headers) as source:
            if not source.response.is_success:
                source.response.read()
            _refuse(self._url, source.response)
            try:
                yield from self._events(source)
            except SSEError as error:
                raise UnreachableError(self._url, "what answers there is no event stream") from error

    def _events(self, source: EventSource) -> Iterator[Followed]:
        silence = _Silence(source.response, self._patience_seconds)
        try:
            for event in source.iter_sse():
                yield from self._take(event)
                silence.heard(self._patience_seconds)
        except httpx.TransportError as error:
            if silence.is_noticed:
                raise _SilentError from error
            raise
        finally:
            silence.end()

    def _take(self, event: ServerSentEvent) -> Iterator[Followed]:
        if event.retry is not None:
            self._retry_ms = event.retry
        if not event.data:
            return
        told = orjson.loads(event.data)
        is_new_place = bool(event.id) and event.id != self.last_event_id
        if event.event == "batch":
            yield from self._records(told, is_new_place=is_new_place)
        elif event.event == "hello":
            yield from self._hello(told)
        elif event.event == "bye":
            self._retry_ms = told["retry_ms"]
        elif event.event in _NEWS:
            yield News(event.event, told)
        self.last_event_id = event.id or self.last_event_id
        if event.event == "ping":
            yield from self._ping(told)

    def _ping(self, told: dict[str, Any]) -> Iterator[Followed]:
        if self._held:
            # A heartbeat may come while the past is still on its way. Only a service that has no position to give, as
            # when its files cannot be read, leaves it at that.
            self._idle_pings += 1
            if self._idle_pings < _IDLE_PINGS:
                return
            yield self._release([])
        if not told["lag_bytes"]:
            yield CaughtUp()

    def _records(self, records: list[dict[str, Any]], *, is_new_place: bool) -> Iterator[Followed]:
        # Without an id of their own: the past, still incomplete, or a service that cannot record (docs/guarantees.md).
        if is_new_place or any(record["id"] is None for record in records):
            yield self._release(records)
        else:
            self._held += records
            self._idle_pings = 0

    def _release(self, records: list[dict[str, Any]]) -> Told:
        held, self._held = self._held, []
        return Told(held + records)

    def _hello(self, told: dict[str, Any]) -> Iterator[Followed]:
        self._patience_seconds = max(_LEAST_PATIENCE_SECONDS, _BEATS * told["heartbeat_seconds"])
        resume = told["resume"]
        if self._was_connected:
            yield News("resumed", resume)
        elif not resume["exact"]:
            yield News("inexact", resume)
        self._was_connected = True
        self._tries = 0

    def _pause_seconds(self, asked_seconds: float | None) -> float:
        if asked_seconds is not None:
            return min(asked_seconds, _MOST_PAUSE_SECONDS)
        least: float = self._retry_ms / 1000 * 2 ** min(self._tries - 1, 6)
        return min(least, _MOST_PAUSE_SECONDS) * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing


def _headers(given: Mapping[str, str]) -> dict[str, str]:
    return {"User-Agent": f"logstream/{__version__}", **given}


def _refuse(url: str, response: httpx.Response) -> None:
    """Raise what an answer that is no success means."""
    status = response.status_code
    if response.is_success:
        return
    if status == _TOO_MANY or status >= _SERVER_ERROR:
        after = response.headers.get("Retry-After", "")
        raise _Later(status, float(after) if after.isdigit() else None)
    if response.headers.get("Content-Type") == "application/problem+json":
        raise RefusedError(str(orjson.loads(response.content)["detail"]))
    detail = f"the service answers {status} {response.reason_phrase}"
    raise RefusedError(detail) if status == _BAD_REQUEST else UnreachableError(url, detail)


def _words(error: httpx.HTTPError | httpx.StreamError | httpx.InvalidURL) -> str:
    return str(error) or type(error).__name__
