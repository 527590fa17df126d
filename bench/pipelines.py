"""The ways from a log file to one client: logstream in both shapes, and its peers.

Owns starting and ending them; each runs in processes of its own, in a directory of its own, and listens on 127.0.0.1
only. What is timed, and what for, is each benchmark's.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.client import Client, events_in, http_client, records_in
from bench.errors import BenchError
from bench.quart_peer import CONNECTED
from bench.workload import usual
from tests.running import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bench.workload import Workload

LOG_NAME: Final = "bench.log"
WARM_UP_LINES: Final = 10_000
_WARMER: Final = "the first line of the log\n"


class Feed(NamedTuple):
    """A pipeline that runs: its log file and its client, which stands behind all that was written so far."""

    log: Path
    client: Client


class Pipeline(NamedTuple):
    """A way from a file to a client. `open` starts it in an empty directory, `texts` reads lines from what came."""

    name: str
    open: Callable[[Path], AbstractContextManager[Feed]]
    texts: Callable[[bytes], list[str]]


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


@contextmanager
def _logstream(shape: str, directory: Path) -> Iterator[Feed]:
    with running(directory) as service:
        service.write(LOG_NAME, _WARMER.strip())
        service.wait_until_read(LOG_NAME)
        try:
            with http_client(service.port, f"/api/v1/stream?shape={shape}") as client:
                client.until(b"event: hello")
                yield Feed(service.logs / LOG_NAME, client)
        except BenchError as error:
            error.add_note(f"logstream said:\n{service.stderr[-2000:]}")
            raise


@contextmanager
def _plain_quart(directory: Path) -> Iterator[Feed]:
    log = directory / LOG_NAME
    append(log, _WARMER.encode())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        fd = listener.fileno()
        command = [sys.executable, "-m", "bench.quart_peer", str(fd), str(log)]
        with (directory / "stderr").open("wb") as stderr:
            server = subprocess.Popen(command, pass_fds=[fd], stderr=stderr, start_new_session=True)
    try:
        with http_client(port, "/events") as client:
            client.until(CONNECTED)
            yield Feed(log, client)
    except (BenchError, OSError) as error:
        error.add_note(f"the peer said:\n{(directory / 'stderr').read_text()[-2000:]}")
        raise
    finally:
        # Its session is its own: this ends its `tail`, too.
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@contextmanager
def _tail_and_grep(directory: Path) -> Iterator[Feed]:
    log = directory / LOG_NAME
    append(log, _WARMER.encode())
    tail = subprocess.Popen(["tail", "-n", "+1", "-F", str(log)], stdout=subprocess.PIPE)
    grep = subprocess.Popen(["grep", "--line-buffered", ""], stdin=tail.stdout, stdout=subprocess.PIPE)
    try:
        if tail.stdout is None or grep.stdout is None:
            raise BenchError
        tail.stdout.close()
        client = Client(grep.stdout.fileno(), b"\n")
        client.until(_WARMER.encode())
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


def _event_texts(raw: bytes) -> list[str]:
    return [event.data.decode() for event in events_in(raw)]


LINE: Final = Pipeline("logstream line", partial(_logstream, "line"), record_texts)
BATCH: Final = Pipeline("logstream batch", partial(_logstream, "batch"), record_texts)
PLAIN_QUART: Final = Pipeline("plain Quart", _plain_quart, _event_texts)
TAIL_AND_GREP: Final = Pipeline("tail -F | grep", _tail_and_grep, plain_texts)
