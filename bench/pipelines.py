"""The ways from a log file to one client: logstream in both shapes, and its peers.

Owns joining a server (bench.servers) and its client. What is timed, and what for, is each benchmark's.
"""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

from bench.client import Client, events_in, http_client, records_in
from bench.errors import BenchError
from bench.peers import FRONTAIL
from bench.quart_peer import CONNECTED
from bench.servers import frontail_server, logstream_server, quart_server
from bench.websocket import line_texts, socket_io_client
from bench.workload import usual
from tests.running import SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bench.workload import Workload

LOG_NAME: Final = "bench.log"
WARM_UP_LINES: Final = 10_000
WARMER: Final = "the first line of the log\n"


class Feed(NamedTuple):
    """A pipeline that runs: its log file and its client, which stands behind all that was written so far."""

    log: Path
    client: Client


class Pipeline(NamedTuple):
    """A way from a file to a client. `open` starts it in an empty directory, `texts` reads lines from what came.

    `splits` are characters inside of a line at which it begins another, and so brings a line as several. One that
    `garbles` now and then decodes half a character at the edge of what it read.
    """

    name: str
    open: Callable[[Path], AbstractContextManager[Feed]]
    texts: Callable[[bytes], list[str]]
    needs: str = ""
    splits: str = ""
    garbles: bool = False

    def check(self, load: Workload, received: bytes) -> None:
        """Raise UnequalError unless the lines of `load` came, each once, in order; what it garbles is forgiven."""
        texts = self.texts(received)
        if self.garbles and len(texts) == len(load.lines):
            pairs = zip(load.lines, texts, strict=True)
            texts = [written if "\N{REPLACEMENT CHARACTER}" in text else text for written, text in pairs]
        load.check(self.name, texts)


def append(log: Path, content: bytes) -> None:
    """Append `content` at once."""
    with log.open("ab", buffering=0) as file:
        rest = memoryview(content)
        while rest:
            rest = rest[file.write(rest) :]


def send(feed: Feed, load: Workload) -> bytes:
    """Append the lines of `load`, and what the client gets up to the last of them."""
    append(feed.log, load.content)
    return feed.client.until(load.mark)


def warm_up(feed: Feed) -> None:
    """Send lines that do not count: what is done for the first time is done, and the file is active."""
    send(feed, usual(1))
    send(feed, usual(WARM_UP_LINES))


def logstream_pipeline(name: str, shape: str, *, config: str = SOURCES, query: str = "") -> Pipeline:
    """Logstream in one shape, with all lines or those that a query selects."""
    target = f"/api/v1/stream?shape={shape}" + (f"&q={quote(query)}" if query else "")
    return Pipeline(name, partial(_logstream, target, config), record_texts)


@contextmanager
def _logstream(target: str, config: str, directory: Path) -> Iterator[Feed]:
    with logstream_server(directory, config) as service:
        service.write(LOG_NAME, WARMER.strip())
        service.wait_until_read(LOG_NAME)
        with http_client(service.port, target) as client:
            client.until(b"event: hello")
            yield Feed(service.logs / LOG_NAME, client)


@contextmanager
def _plain_quart(directory: Path) -> Iterator[Feed]:
    log = directory / LOG_NAME
    append(log, WARMER.encode())
    with quart_server(directory, log) as server, http_client(server.port, "/events") as client:
        client.until(CONNECTED)
        yield Feed(log, client)


@contextmanager
def _frontail(directory: Path) -> Iterator[Feed]:
    log = directory / LOG_NAME
    append(log, WARMER.encode())
    with frontail_server(directory, [log]) as (server, namespace), socket_io_client(server.port, namespace) as client:
        yield Feed(log, client)


@contextmanager
def _tail_and_grep(directory: Path) -> Iterator[Feed]:
    log = directory / LOG_NAME
    append(log, WARMER.encode())
    tail = subprocess.Popen(["tail", "-n", "+1", "-F", str(log)], stdout=subprocess.PIPE)
    grep = subprocess.Popen(["grep", "--line-buffered", ""], stdin=tail.stdout, stdout=subprocess.PIPE)
    try:
        if tail.stdout is None or grep.stdout is None:
            raise BenchError
        tail.stdout.close()
        client = Client(grep.stdout.fileno(), b"\n")
        client.until(WARMER.encode())
        yield Feed(log, client)
    finally:
        for process in (tail, grep):
            process.kill()
            process.wait()
        if grep.stdout is not None:
            grep.stdout.close()


def record_texts(raw: bytes) -> list[str]:
    """The lines in a piece of a logstream response. Raises BenchError where an id comes twice or lines were lost."""
    records = records_in(raw)
    if len({record["id"] for record in records}) != len(records):
        message = "logstream gave the same id twice"
        raise BenchError(message)
    return [record["text"] for record in records]


def plain_texts(raw: bytes) -> list[str]:
    """The lines in a piece of a pipe."""
    return raw.decode().removesuffix("\n").split("\n")


def event_texts(raw: bytes) -> list[str]:
    """The data of the events in a piece of any other response."""
    return [event.data.decode() for event in events_in(raw)]


LINE: Final = logstream_pipeline("logstream line", "line")
BATCH: Final = logstream_pipeline("logstream batch", "batch")
FRONTAIL_PIPELINE: Final = Pipeline("frontail", _frontail, line_texts, FRONTAIL, "\v\f\r\x85\u2028\u2029", garbles=True)
PLAIN_QUART: Final = Pipeline("plain Quart", _plain_quart, event_texts)
TAIL_AND_GREP: Final = Pipeline("tail -F | grep", _tail_and_grep, plain_texts)
