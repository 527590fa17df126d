"""Many clients in one process of its own, so that neither they nor the writer wait for each other.

Owns the connections and the counting. A crowd is not to be the bottleneck, so it decodes nothing: it counts one byte
that stands in each line the same number of times (`MARK`), and notes when how many of them came to whom. Only the first
and the last client keep their bytes, for the check after the clock has stopped. Times are those of perf_counter, which
is one clock for all processes on Linux.
"""

from __future__ import annotations

import multiprocessing
import select
import socket
import time
from array import array
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.errors import BenchError, EndedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection

MARK: Final = b"~"
"""In each line of a crowd's workload, and nowhere else in what a server sends."""
_PATIENCE_SECONDS: Final = 900.0
_SILENCE_SECONDS: Final = 30.0
_CONNECT_SECONDS: Final = 60.0
_READ_BYTES: Final = 262_144
_LOOK_SECONDS: Final = 0.02


class Arrivals(NamedTuple):
    """What came when to whom, in the order in which it came: `marks` of it in each read."""

    times: array[float]
    clients: array[int]
    marks: array[int]


class Crowd:
    """The way to the process with the clients. Each question raises EndedError if a client lost its connection."""

    def __init__(self, connection: Connection) -> None:
        """Ask over `connection`."""
        self._connection = connection

    def wait(self, marks: int) -> float:
        """Until every client that reads has so many marks; the time at which the last of them did."""
        reached: float = self._ask("wait", marks)
        return reached

    def settle(self, seconds: float) -> None:
        """Until nothing has come for so long."""
        self._ask("settle", seconds)

    def reset(self) -> None:
        """Forget what came so far."""
        self._ask("reset", None)

    def pause(self, clients: int) -> None:
        """Let the first `clients` stop reading."""
        self._ask("pause", clients)

    def resume(self) -> None:
        """Let them read again."""
        self._ask("resume", None)

    def counts(self) -> list[int]:
        """The marks of each client."""
        counts: list[int] = self._ask("counts", None)
        return counts

    def kept(self) -> list[bytes]:
        """The bytes of the first and the last client."""
        kept: list[bytes] = self._ask("kept", None)
        return kept

    def arrivals(self) -> Arrivals:
        """What came since the last reset."""
        arrivals: Arrivals = self._ask("arrivals", None)
        return arrivals

    def _ask(self, question: str, argument: Any) -> Any:  # noqa: ANN401 - each question has its own
        self._connection.send((question, argument))
        if not self._connection.poll(_PATIENCE_SECONDS):
            message = f"the clients did not answer {question} {argument} within {_PATIENCE_SECONDS:.0f} s"
            raise BenchError(message)
        try:
            answer = self._connection.recv()
        except EOFError as cause:
            raise EndedError from cause
        if isinstance(answer, Exception):
            raise answer
        return answer


@contextmanager
def crowd(port: int, targets: Sequence[str], hello: bytes) -> Iterator[Crowd]:
    """One client for each target of 127.0.0.1, all past `hello`. Raises BenchError."""
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_serve, args=(theirs, port, list(targets), hello), daemon=True)
    process.start()
    theirs.close()
    try:
        asking = Crowd(ours)
        asking._ask("connect", None)  # noqa: SLF001 - the other half of this module
        yield asking
    finally:
        ours.close()
        process.kill()
        process.join()


def _serve(connection: Connection, port: int, targets: list[str], hello: bytes) -> None:
    """The process: answers questions until the other side is gone."""
    clients = _Clients(connection)
    questions: dict[str, Callable[[Any], object]] = {
        "wait": clients.wait,
        "settle": clients.settle,
        "reset": clients.reset,
        "pause": clients.pause,
        "resume": clients.resume,
        "counts": lambda _: list(clients.counts),
        "kept": lambda _: [bytes(kept) for kept in clients.kept.values()],
        "arrivals": lambda _: clients.arrivals,
        "connect": lambda _: clients.connect(port, targets, hello),
    }
    while True:
        try:
            while not connection.poll():
                clients.read()
            question, argument = connection.recv()
        except EOFError:
            return
        except (BenchError, OSError) as error:
            question, argument = "fail", error
        try:
            answer = argument if question == "fail" else questions[question](argument)
        except (BenchError, OSError) as error:
            answer = error
        connection.send(answer)


class _Clients:
    """The connections, in the crowd's process."""

    def __init__(self, connection: Connection) -> None:
        self._sockets: dict[int, tuple[int, socket.socket]] = {}
        self._poll = select.epoll()
        self._poll.register(connection.fileno(), select.EPOLLIN)
        self._buffer = bytearray(_READ_BYTES)
        self._paused: list[int] = []
        self._last_read = time.perf_counter()
        self.counts: list[int] = []
        self.kept: dict[int, bytearray] = {}
        self.reset(None)

    def connect(self, port: int, targets: list[str], hello: bytes) -> None:
        for index, target in enumerate(targets):
            one = socket.create_connection(("127.0.0.1", port), timeout=_CONNECT_SECONDS)
            one.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n".encode())
            self._sockets[one.fileno()] = (index, one)
        for _, one in self._sockets.values():
            head = b""
            while hello not in head:
                piece = one.recv(_READ_BYTES)
                if not piece or not head.startswith(b"HTTP/1.1 200 "[: len(head)]):
                    message = f"a client was refused: {(head + piece)[:200]!r}"
                    raise BenchError(message)
                head += piece
            one.setblocking(False)  # noqa: FBT003 - its signature
            self._poll.register(one.fileno(), select.EPOLLIN)
        self.counts = [0] * len(targets)
        self.kept = {0: bytearray(), len(targets) - 1: bytearray()}

    def read(self) -> None:
        """Take what is there, waiting a moment for it."""
        buffer, arrivals = self._buffer, self.arrivals
        for fd, _ in self._poll.poll(_LOOK_SECONDS):
            if fd not in self._sockets:
                continue
            index, one = self._sockets[fd]
            size = one.recv_into(buffer)
            if not size:
                raise EndedError
            marks = buffer.count(MARK, 0, size)
            if marks:
                self._last_read = now = time.perf_counter()
                arrivals.times.append(now)
                arrivals.clients.append(index)
                arrivals.marks.append(marks)
                self.counts[index] += marks
            if index in self.kept:
                self.kept[index] += memoryview(buffer)[:size]

    def wait(self, marks: int) -> float:
        paused = {self._sockets[fd][0] for fd in self._paused}
        reading = [index for index in range(len(self.counts)) if index not in paused]
        self._last_read = time.perf_counter()
        while any(self.counts[index] < marks for index in reading):
            if time.perf_counter() > self._last_read + _SILENCE_SECONDS:
                fewest = min(self.counts[index] for index in reading)
                message = f"a client got {fewest} marks of {marks}, and nothing for {_SILENCE_SECONDS:.0f} s"
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

    def resume(self, _: None) -> None:
        for fd in self._paused:
            self._poll.register(fd, select.EPOLLIN)
        self._paused = []

    def reset(self, _: None) -> None:
        self.arrivals = Arrivals(array("d"), array("L"), array("L"))
        self.counts = [0] * len(self.counts)
        for kept in self.kept.values():
            kept.clear()
