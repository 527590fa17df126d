"""A client that is cut anywhere goes on exactly: after each event, at each byte, from the files, from memory and live.

The real service and plain sockets that are reset; what a client knows is what the standard's parser makes of the bytes.
"""

from __future__ import annotations

import json
import threading
from contextlib import ExitStack
from queue import SimpleQueue
from typing import TYPE_CHECKING, NamedTuple, Self

import pytest

from tests.event_stream import EventStreamParser, Parsed
from tests.running import SOURCES, Service, Stream, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RULE = '[[rule]]\nname = "own"\nmatch = "own type"\nevent = "own-type"\n'
"""An event's type is part of what a cut may fall into."""
BURSTS = 12
TOTAL = 22

both_shapes = pytest.mark.parametrize("shape", ["line", "batch"])
with_and_without_query = pytest.mark.parametrize("query", ["", "-b"])


class Asked(NamedTuple):
    """What a client asks for, each time that it comes."""

    shape: str
    query: str

    def stream(self, service: Service, cursor: str) -> Stream:
        return service.stream(cursor or None, from_="start", shape=self.shape, q=self.query)


class Heard:
    """What one connection brings, as a client that may be cut at any byte hears it."""

    def __init__(self, stream: Stream, cursor: str) -> None:
        self._stream = stream
        self._parser = EventStreamParser()
        self._unheard = b""
        self.body = b""
        self.events: list[Parsed] = []
        self.cursor = cursor
        self.hear_until("hello")
        self.body = b""  # what the stream opens with is no part of what is told

    def hear(self, size: int) -> None:
        """The next `size` bytes, and not one more."""
        while len(self._unheard) < size:
            self._unheard += self._stream._chunk()
        heard, self._unheard = self._unheard[:size], self._unheard[size:]
        self.body += heard
        self.events += self._parser.feed(heard)
        self.cursor = self._parser.last_event_id or self.cursor

    def hear_until(self, kind: str, count: int = 1) -> None:
        """Whole events, until `count` of type `kind` came."""
        while sum(event.type == kind for event in self.events) < count:
            while b"\n\n" not in self._unheard:
                self._unheard += self._stream._chunk()
            self.hear(self._unheard.index(b"\n\n") + 2)

    @property
    def lines(self) -> list[Parsed]:
        return lines_among(self.events)

    def cut(self) -> None:
        self._stream.cut()


def lines_among(events: list[Parsed]) -> list[Parsed]:
    return [event for event in events if event.type not in {"hello", "ping", "source", "rotated"}]


def tell(service: Service) -> None:
    """22 lines of three files in an order that is known, one to three at a time, with more than ASCII."""
    number = 0
    for burst in range(BURSTS):
        size = min(1 + burst % 3, TOTAL - number)
        name = f"{burst % 3}.log"
        texts = [f"{n} {'ab'[n % 2]} \u20ac {'own type' * (n % 5 == 3)}" for n in range(number, number + size)]
        service.write(name, *texts)
        service.wait_until_read(name)
        number += size
    assert number == TOTAL


@pytest.fixture(name="told", scope="module", params=["files", "memory"])
def _told(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Service]:
    """A service with something to tell: in its memory, or in the files alone because it was started anew."""
    with running(tmp_path_factory.mktemp(request.param), SOURCES + RULE) as service:
        tell(service)
        if request.param == "files":
            service.kill()
            service.start()
            service.wait_until_ready()
        yield service


def hear_all(service: Service, asked: Asked, cursor: str) -> Heard:
    """All that there is behind a cursor: the ping says that there is no more."""
    heard = Heard(asked.stream(service, cursor), cursor)
    heard.hear_until("ping")
    heard.cut()
    return heard


@with_and_without_query
@both_shapes
def test_cut_after_any_event_and_at_any_byte_a_client_gets_the_next_event_and_all_after_it(
    told: Service, shape: str, query: str
) -> None:
    """Conformance: I1, I12."""
    asked = Asked(shape, query)
    whole = hear_all(told, asked, "")
    events = whole.lines
    assert len(events) >= 10
    # What a client knows at each byte depends on nothing but the last event that was complete.
    body = whole.body
    parser, cursors = EventStreamParser(), [""]
    complete: list[Parsed] = []
    for place in range(body.rindex(b"event: ping")):
        complete += parser.feed(body[place : place + 1])
        assert complete == events[: len(complete)]
        if parser.last_event_id != cursors[-1]:
            cursors.append(parser.last_event_id)
        assert len(cursors) == len(complete) + 1, "an event that was heard moves the cursor, and nothing else does"

    for count, cursor in enumerate(cursors):
        assert hear_all(told, asked, cursor).lines == events[count:]


@with_and_without_query
@both_shapes
def test_a_client_that_is_cut_within_each_event_hears_each_once(told: Service, shape: str, query: str) -> None:
    """In the type, in the data, between data and id, within the id, and before the blank line. Conformance: I1."""
    asked = Asked(shape, query)
    events = hear_all(told, asked, "").lines
    heard: list[Parsed] = []
    cursor, cuts = "", 0
    while len(heard) < len(events):
        following = events[len(heard)]
        head, data, end = (len(part.encode()) for part in parts_of(following))
        for size in (
            3,
            head,
            head + data // 2,
            head + data,
            head + data + 2,
            head + data + end // 2,
            head + data + end - 1,
        ):
            connection = Heard(asked.stream(told, cursor), cursor)
            connection.hear(size)
            connection.cut()
            cuts += 1
            assert connection.lines == []
            assert connection.cursor == cursor
        connection = Heard(asked.stream(told, cursor), cursor)
        connection.hear(head + data + end)
        connection.cut()
        heard += connection.lines
        cursor = connection.cursor
        assert heard == events[: len(heard)]
    assert heard == events
    assert cuts == 7 * len(events)


def parts_of(event: Parsed) -> tuple[str, str, str]:
    """The lines of an event as they are on the wire."""
    return f"event: {event.type}\n", f"data: {event.data}\n", f"id: {event.last_event_id}\n\n"


class Appending:
    """A program that appends to two files in a thread of its own, each line in two writes, as many as it is told to."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._told: SimpleQueue[int] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="appending")
        self.total = 0

    def append(self, count: int) -> None:
        """Begin to append so many lines."""
        self._told.put(count)
        self.total += count

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._told.put(0)
        self._thread.join()

    def _run(self) -> None:
        begin = 0
        with ExitStack() as stack:
            files = [stack.enter_context((self._logs / f"{name}.log").open("ab", buffering=0)) for name in "ab"]
            for count in iter(self._told.get, 0):
                for number in range(begin, begin + count):
                    half, rest = f"{number} {'ab'[number % 2]} ", "\u20ac\n"
                    # Three lines a file, so that both are asked for whatever the query.
                    for part in (half, rest):
                        files[number // 3 % 2].write(part.encode())
                begin += count


def records_in(events: list[Parsed]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for event in events:
        told = json.loads(event.data)
        found += told if event.type == "batch" else [told]
    return found


@with_and_without_query
@both_shapes
def test_a_client_that_is_cut_at_each_byte_while_lines_are_appended_hears_each_once(
    tmp_path: Path, shape: str, query: str
) -> None:
    """Conformance: I1."""
    asked = Asked(shape, query)
    cursor = ""
    with running(tmp_path, SOURCES) as service:
        with Appending(service.logs) as appending:
            appending.append(1)
            first = Heard(asked.stream(service, cursor), cursor)
            first.hear_until(shape)
            first.cut()
            heard, cursor = first.lines, first.cursor
            for size in range(len("".join(parts_of(heard[0])).encode()) + 10):
                connection = Heard(asked.stream(service, cursor), cursor)
                connection.hear_until("ping")
                appending.append(4)  # from here on it is live
                connection.hear(size)
                connection.cut()
                heard += connection.lines
                cursor = connection.cursor
        for name in "ab":
            service.wait_until_read(f"{name}.log")
        heard += hear_all(service, asked, cursor).lines
        again = records_in(hear_all(service, asked, "").lines)
    assert records_in(heard) == again
    numbers = [number for number in range(appending.total) if not (query and number % 2)]
    assert sorted(int(str(record["text"]).split()[0]) for record in again) == numbers
