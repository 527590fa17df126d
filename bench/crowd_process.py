"""The process of a crowd: its connections, and counting what comes.

A crowd is not to be the bottleneck, so it decodes nothing: it counts one byte that stands in each line the same number
of times (`MARK`), and notes when how many of them came to whom. Only the first and the last client keep their bytes,
for the check after the clock has stopped. Times are those of perf_counter, which is one clock for all processes on
Linux.

A connection that is lost ends the benchmark, except for clients that were paused: a server may cut who does not read.
They come back with the id of the last chunk that came whole; what came of the next one does not count.
"""

from __future__ import annotations

import select
import socket
import time
from array import array
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.errors import BenchError, EndedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

MARK: Final = b"~"
"""In each line of a crowd's workload, and nowhere else in what a server sends."""
_SILENCE_SECONDS: Final = 30.0
_CONNECT_SECONDS: Final = 60.0
_READ_BYTES: Final = 262_144
_LOOK_SECONDS: Final = 0.02
_END_OF_HEAD: Final = b"\r\n\r\n"
_END_OF_CHUNK: Final = b"\n\n\r\n"
_ID: Final = b"\nid: "


class Arrivals(NamedTuple):
    """What came when to whom, in the order in which it came: `marks` of it in each read.

    Less than none: so many of a chunk that was cut off, and will come again.
    """

    times: array[float]
    clients: array[int]
    marks: array[int]


class Trail:
    """What a client has to know to come back: the last id of whole chunks, and what came of the next chunk."""

    def __init__(self) -> None:
        """Begin anywhere in a stream."""
        self.last_id = b""
        self.part = b""

    def follow(self, piece: bytes) -> None:
        """Go on with what came."""
        whole, end, self.part = (self.part + piece).rpartition(_END_OF_CHUNK)
        if end and (at := whole.rfind(_ID)) >= 0:
            self.last_id = whole[at + len(_ID) :].partition(b"\n")[0]


def serve(connection: Connection, port: int, targets: list[str], hello: bytes) -> None:
    """Answer questions until the other side is gone."""
    clients = _Clients(connection, port, targets)
    questions: dict[str, Callable[[Any], object]] = {
        "connect": lambda _: clients.connect(hello),
        "wait": clients.wait,
        "settle": clients.settle,
        "reset": lambda _: clients.reset(),
        "pause": clients.pause,
        "resume": lambda _: clients.resume(),
        "comebacks": lambda _: clients.comebacks,
        "counts": lambda _: clients.counts,
        "kept": lambda _: [bytes(kept) for kept in clients.kept.values()],
        "arrivals": lambda _: clients.arrivals,
    }
    while True:
        try:
            while not connection.poll():
                clients.read()
            question, argument = connection.recv()
            answer = questions[question](argument)
        except EOFError:
            return
        except (BenchError, OSError) as error:
            answer = error
        connection.send(answer)
        if isinstance(answer, Exception):
            return


class _Clients:
    """The connections. The questions are those of bench.crowd."""

    def __init__(self, connection: Connection, port: int, targets: list[str]) -> None:
        self._port, self._targets = port, targets
        self._sockets: dict[int, tuple[int, socket.socket]] = {}
        self._poll = select.epoll()
        self._poll.register(connection.fileno(), select.EPOLLIN)
        self._buffer = bytearray(_READ_BYTES)
        self._paused: list[int] = []
        self._trails: dict[int, Trail] = {}
        self._heads: dict[int, bytes] = {}
        self._last_read = time.perf_counter()
        self.comebacks = 0
        self.kept: dict[int, bytearray] = {0: bytearray(), len(targets) - 1: bytearray()}
        self.reset()

    def connect(self, hello: bytes) -> None:
        for index in range(len(self._targets)):
            self._open(index, "")
        for _, one in self._sockets.values():
            head = b""
            while hello not in head:
                piece = one.recv(_READ_BYTES)
                if not piece or not head.startswith(b"HTTP/1.1 200 "[: len(head)]):
                    message = f"a client was refused: {(head + piece)[:200]!r}"
                    raise BenchError(message)
                head += piece
            self._register(one)

    def read(self) -> None:
        """Take what is there, waiting a moment for it."""
        buffer = self._buffer
        for fd, _ in self._poll.poll(_LOOK_SECONDS):
            if fd not in self._sockets:
                continue
            index, one = self._sockets[fd]
            try:
                size = one.recv_into(buffer)
            except ConnectionError:
                size = 0
            if not size:
                self._come_back(fd)
            elif index in self._trails:
                self._take_with_trail(index, bytes(memoryview(buffer)[:size]))
            else:
                self._count(index, buffer.count(MARK, 0, size))
                if index in self.kept:
                    self.kept[index] += memoryview(buffer)[:size]

    def wait(self, marks: int) -> float:
        paused = {self._sockets[fd][0] for fd in self._paused}
        reading = [index for index in range(len(self.counts)) if index not in paused]
        self._last_read = time.perf_counter()
        while any(self.counts[index] < marks for index in reading):
            if time.perf_counter() > self._last_read + _SILENCE_SECONDS:
                fewest = min(self.counts[index] for index in reading)
                message = f"a client got {fewest} marks of {marks}, and nobody any for {_SILENCE_SECONDS:.0f} s"
                raise BenchError(message)
            self.read()
        return self.arrivals.times[-1]

    def settle(self, seconds: float) -> None:
        self._last_read = time.perf_counter()
        while time.perf_counter() < self._last_read + seconds:
            self.read()

    def pause(self, clients: int) -> None:
        self._paused = [fd for fd, (index, _) in self._sockets.items() if index < clients]
        for fd in self._paused:
            self._poll.unregister(fd)
            self._trails.setdefault(self._sockets[fd][0], Trail())

    def resume(self) -> None:
        for fd in self._paused:
            self._poll.register(fd, select.EPOLLIN)
        self._paused = []

    def reset(self) -> None:
        self.arrivals = Arrivals(array("d"), array("L"), array("l"))
        self.counts = [0] * len(self._targets)
        for kept in self.kept.values():
            kept.clear()

    def _open(self, index: int, header: str) -> socket.socket:
        one = socket.create_connection(("127.0.0.1", self._port), timeout=_CONNECT_SECONDS)
        request = f"GET {self._targets[index]} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n{header}\r\n"
        one.sendall(request.encode())
        self._sockets[one.fileno()] = (index, one)
        return one

    def _register(self, one: socket.socket) -> None:
        one.setblocking(False)  # noqa: FBT003 - its signature
        self._poll.register(one.fileno(), select.EPOLLIN)

    def _count(self, index: int, marks: int) -> None:
        if marks:
            self._last_read = time.perf_counter()
            self.arrivals.times.append(self._last_read)
            self.arrivals.clients.append(index)
            self.arrivals.marks.append(marks)
            self.counts[index] += marks

    def _take_with_trail(self, index: int, piece: bytes) -> None:
        if index in self._heads:
            head, end, piece = (self._heads[index] + piece).partition(_END_OF_HEAD)
            if not end:
                self._heads[index] = head
                return
            del self._heads[index]
        self._trails[index].follow(piece)
        self._count(index, piece.count(MARK))
        if index in self.kept:
            self.kept[index] += piece

    def _come_back(self, fd: int) -> None:
        """Open a lost connection anew, from the last id on. Raises EndedError for who was never paused."""
        index, one = self._sockets.pop(fd)
        one.close()
        trail = self._trails.get(index)
        if trail is None or not trail.last_id:
            raise EndedError
        self._count(index, -trail.part.count(MARK))
        if index in self.kept and trail.part:
            del self.kept[index][-len(trail.part) :]
        trail.part = b""
        self._heads[index] = b""
        self._register(self._open(index, f"Last-Event-ID: {trail.last_id.decode()}\r\n"))
        self.comebacks += 1
