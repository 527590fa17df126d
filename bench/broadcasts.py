"""The ways from a log to many clients: logstream in both shapes, plain Quart, and nchan in two ways of feeding it.

Owns joining a server (bench.servers) and what feeds it. Logstream and plain Quart read a file to which lines are
appended. Nchan has nobody who reads files for it: it is given, by a WebSocket, the very records that logstream sends
for these lines, found out before anything is timed: a message a line, or `BATCH_LINES` in a message, as many as a
source of 2,000 lines/s has in 50 ms. That favours nchan, which has neither to read nor to parse anything.
"""

from __future__ import annotations

import os
import socket
import threading
from contextlib import closing, contextmanager
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

from bench.client import events_in, http_client, read_head
from bench.errors import BenchError
from bench.peers import NCHAN
from bench.pipelines import LOG_NAME, WARMER, append, event_texts, record_texts
from bench.quart_peer import CONNECTED
from bench.servers import logstream_server, nchan_server, quart_server
from bench.websocket import UPGRADE, frame
from bench.workload import Workload
from tests.running import SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

BATCH_LINES: Final = 100
ROOM: Final = "[stream]\nmax_connections = 5000\nmax_connections_per_client = 5000\n"
_HELLO: Final = b"event: hello"


class Stage(NamedTuple):
    """A broadcast that runs: where its clients connect, what they get first, and how lines get to them.

    `prepare` does with lines what is not to be timed; what it gives publishes them.
    """

    port: int
    pid: int
    target: str
    hello: bytes
    prepare: Callable[[list[str]], Callable[[], None]]
    texts: Callable[[bytes], list[str]]
    state: Path | None = None


class Broadcast(NamedTuple):
    """A way from a log to many clients. `share` of the lines that ours gets is enough to time it."""

    name: str
    open: Callable[[Path], AbstractContextManager[Stage]]
    share: float = 1.0
    needs: str = ""


def content(lines: list[str]) -> bytes:
    """Lines as a log has them."""
    return "".join([f"{line}\n" for line in lines]).encode()


@contextmanager
def _logstream(shape: str, directory: Path, workers: int = 1) -> Iterator[Stage]:
    with logstream_server(directory, ROOM + SOURCES, LOGSTREAM_SERVER__WORKERS=str(workers)) as service:
        service.write(LOG_NAME, WARMER.strip())
        service.wait_until_read(LOG_NAME)
        log = service.logs / LOG_NAME
        pid = service.process.pid if service.process is not None else 0
        yield Stage(
            service.port,
            pid,
            f"/api/v1/stream?shape={shape}&q=order",
            _HELLO,
            lambda lines: partial(append, log, content(lines)),
            record_texts,
            directory / "state",
        )


@contextmanager
def _plain_quart(directory: Path) -> Iterator[Stage]:
    log = directory / LOG_NAME
    append(log, WARMER.encode())
    with quart_server(directory, log) as server:
        yield Stage(
            server.port,
            server.pid,
            "/events",
            CONNECTED,
            lambda lines: partial(append, log, content(lines)),
            event_texts,
        )


@contextmanager
def _nchan(lines_a_message: int, directory: Path) -> Iterator[Stage]:
    with nchan_server(directory) as server, closing(socket.create_connection(("127.0.0.1", server.port))) as publisher:
        publisher.sendall(b"GET /publish HTTP/1.1\r\nHost: localhost\r\n" + UPGRADE)
        read_head(publisher, b"HTTP/1.1 101 ")
        # It tells of each message; who does not read that blocks it.
        threading.Thread(target=_drain, args=(publisher.fileno(),), name="answers", daemon=True).start()

        def prepare(lines: list[str]) -> Callable[[], None]:
            records = records_of(tuple(lines))
            starts = range(0, len(records), lines_a_message)
            batches = [b",".join(records[start : start + lines_a_message]) for start in starts]
            return partial(publisher.sendall, b"".join([frame(b"[%b]" % batch) for batch in batches]))

        yield Stage(server.port, server.pid, "/events", b": hi\n\n", prepare, _message_texts)
        publisher.shutdown(socket.SHUT_RDWR)


def _drain(fd: int) -> None:
    try:
        while os.read(fd, 65_536):
            pass
    except OSError:
        return


@cache
def records_of(lines: tuple[str, ...]) -> list[bytes]:
    """What logstream sends for these lines, a record each."""
    load = Workload(list(lines), content(list(lines)), b"")
    with TemporaryDirectory(prefix="logstream-bench-") as directory, logstream_server(Path(directory)) as service:
        service.write(LOG_NAME, WARMER.strip())
        service.wait_until_read(LOG_NAME)
        with http_client(service.port, "/api/v1/stream?shape=line") as client:
            client.until(_HELLO)
            append(service.logs / LOG_NAME, load.content)
            raw = client.until(lines[-1].encode())
    records = [event.data for event in events_in(raw) if event.type == b"line"]
    if len(records) != len(lines):
        message = f"logstream sent {len(records)} records for {len(lines)} lines"
        raise BenchError(message)
    return records


def _message_texts(raw: bytes) -> list[str]:
    """The lines in a piece of nchan's response, which is not chunked."""
    found = []
    for block in raw.split(b"\n\n"):
        data = block.partition(b"data: ")[2]
        if data:
            found += [record["text"] for record in orjson.loads(data)]
    return found


LINE: Final = Broadcast("logstream line", partial(_logstream, "line"))
BATCH: Final = Broadcast("logstream batch", partial(_logstream, "batch"))
PLAIN_QUART: Final = Broadcast("plain Quart", _plain_quart, 0.02)
NCHAN_LINES: Final = Broadcast("nchan, a message a line", partial(_nchan, 1), 0.2, NCHAN)
NCHAN_BATCHES: Final = Broadcast("nchan, 50 ms batches", partial(_nchan, BATCH_LINES), 1.0, NCHAN)
ONE_WORKER: Final = Broadcast("logstream, workers 1", partial(_logstream, "batch"))
TWO_WORKERS: Final = Broadcast("logstream, workers 2", partial(_logstream, "batch", workers=2))
