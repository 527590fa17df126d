"""The real service in a process of its own, and a client that reads its streams from a plain socket.

The client knows HTTP chunks and server-sent events and nothing of logstream, so that it can cut anywhere.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import quote, urlsplit

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from signal import Signals

PATIENCE_SECONDS = 20.0
OWN_EVENTS = frozenset({"hello", "ping", "gap", "bye", "rotated", "source", "batch"})


class Event(NamedTuple):
    """One server-sent event; `json` is its decoded data."""

    type: str
    json: Any
    id: str | None


class StreamEndedError(Exception):
    """The server ended the response, or cut it."""


class Stream:
    """One open response of the stream, read event by event; `port` may be the path of a unix socket instead."""

    def __init__(
        self,
        port: int | Path,
        target: str,
        last_event_id: str | None = None,
        *,
        receive_bytes: int = 0,
        headers: str = "",
    ) -> None:
        self._socket = socket.socket(socket.AF_INET if isinstance(port, int) else socket.AF_UNIX)
        if receive_bytes:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self._socket.settimeout(PATIENCE_SECONDS)
        self._socket.connect(("127.0.0.1", port) if isinstance(port, int) else str(port))
        header = "" if last_event_id is None else f"Last-Event-ID: {last_event_id}\r\n"
        self._socket.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n{header}{headers}\r\n".encode("latin-1"))
        self._raw = b""
        self._body = b""
        self.last_id: str | None = last_event_id
        head = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        self.status = int(head[0].split(" ")[1])
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}

    def event(self) -> Event:
        """The next event; raises StreamEndedError when there will be none, TimeoutError when none comes."""
        while b"\n\n" not in self._body:
            self._body += self._chunk()
        block, _, self._body = self._body.partition(b"\n\n")
        fields = [line.partition(": ")[::2] for line in block.decode().split("\n") if line]
        data = [value for name, value in fields if name == "data"]
        if not data:
            return self.event()
        types = [value for name, value in fields if name == "event"] or ["message"]
        ids = [value for name, value in fields if name == "id"]
        assert len(data) == 1
        assert not ids or fields[-1] == ("id", ids[0]), "id is the last field of its event"
        if ids:
            self.last_id = ids[0]
        return Event(types[-1], json.loads(data[0]), ids[0] if ids else None)

    def expect(self, kind: str) -> Event:
        """The next event of type `kind`; those of other types are passed over."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (event := self.event()).type != kind:
            assert time.monotonic() < deadline, f"no {kind} came"
        return event

    def records(self, count: int) -> list[dict[str, Any]]:
        """The next `count` records, of either shape; a gap among them is a failure."""
        found: list[dict[str, Any]] = []
        deadline = time.monotonic() + 2 * PATIENCE_SECONDS
        while len(found) < count:
            # Pings keep a stream from ever being silent.
            assert time.monotonic() < deadline, f"{len(found)} of {count} records came"
            event = self.event()
            assert event.type != "gap", event
            if event.type != "ping":
                deadline = time.monotonic() + 2 * PATIENCE_SECONDS  # on a busy machine all of them take long
            if event.type == "batch":
                found.extend(event.json)
            elif event.type not in OWN_EVENTS:
                found.append(event.json)
        return found

    def texts(self, count: int) -> list[str]:
        """The texts of the next `count` records."""
        return [record["text"] for record in self.records(count)]

    def body(self) -> bytes:
        """What is left of a response that ends."""
        length = self.headers.get("content-length")
        if length is not None:
            while len(self._raw) < int(length):
                self._receive()
            return self._raw
        try:
            while True:
                self._body += self._chunk()
        except StreamEndedError:
            return self._body

    def cut(self) -> None:
        """Reset the connection, as a vanished network does it."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _chunk(self) -> bytes:
        size = int(self._until(b"\r\n"), 16)
        while len(self._raw) < size + 2:
            self._receive()
        chunk, self._raw = self._raw[:size], self._raw[size + 2 :]
        if not chunk:
            raise StreamEndedError
        return chunk

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._raw:
            self._receive()
        found, _, self._raw = self._raw.partition(mark)
        return found

    def _receive(self) -> None:
        try:
            received = self._socket.recv(262_144)
        except ConnectionError as cause:
            raise StreamEndedError from cause
        if not received:
            raise StreamEndedError
        self._raw += received


@dataclass
class Service:
    """A logstream process, its directory and its address."""

    directory: Path
    config: str
    process: subprocess.Popen[str] | None = None
    port: int = 0
    environ: dict[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = (sys.executable, "-m", "logstream")

    @property
    def logs(self) -> Path:
        """Where the watched files are."""
        return self.directory / "logs"

    @property
    def url(self) -> str:
        """The service's address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def stderr(self) -> str:
        """All that the service has said on stderr so far."""
        return (self.directory / "stderr").read_text()

    def start(self) -> Self:
        """Start it and wait until it listens. The first start takes a free port, later ones the same."""
        path = self.directory / "config.toml"
        path.write_text(self.config)
        environ = {**os.environ, "LOGSTREAM_SERVER__PORT": str(self.port), **self.environ}
        with (self.directory / "stderr").open("a") as stderr:
            self.process = subprocess.Popen(
                [*self.command, "serve", "--config", str(path)],
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                env=environ,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert "listening on" in line, self.stderr
        self.port = urlsplit(line.split()[-1]).port or 0
        return self

    def write(self, name: str, *lines: str | bytes) -> None:
        """Append whole lines to a log file."""
        path = self.logs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(b"".join((line.encode() if isinstance(line, str) else line) + b"\n" for line in lines))

    def stream(self, last_event_id: str | None = None, *, receive_bytes: int = 0, **parameters: str) -> Stream:
        """Open the stream; `from_` stands for the parameter `from`."""
        query = "&".join(f"{name.rstrip('_')}={quote(value)}" for name, value in parameters.items())
        return Stream(self.port, f"/api/v1/stream?{query}", last_event_id, receive_bytes=receive_bytes)

    def get(self, path: str) -> httpx.Response:
        """One plain request."""
        return httpx.get(self.url + path, timeout=PATIENCE_SECONDS)

    def wait_until_ready(self) -> None:
        """Until `/readyz` says so."""
        eventually(lambda: self.get("/readyz").status_code == 200)

    def wait_until_read(self, name: str) -> None:
        """Until all that stands in a log file, which ends in a line end, has been read."""
        path = self.logs / name

        def is_read() -> bool:
            files = [file for source in self.get("/api/v1/sources").json()["sources"] for file in source["files"]]
            return any(file["file"] == str(path) and file["read_bytes"] == path.stat().st_size for file in files)

        eventually(is_read)

    def kill(self) -> None:
        """`kill -9`."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        return self._end(signal.SIGTERM)

    def signal(self, number: Signals) -> None:
        """Send any signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def resident_bytes(self) -> int:
        """Memory that the process holds."""
        assert self.process is not None
        with open(f"/proc/{self.process.pid}/statm") as file:  # noqa: PTH123 - proc(5)
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def core_wait_seconds(self) -> float:
        """How long the thread of its event loop has waited for a core, as the kernel counts (schedstat of proc(5))."""
        assert self.process is not None
        with open(f"/proc/{self.process.pid}/schedstat") as file:  # noqa: PTH123 - proc(5)
            return int(file.read().split()[1]) / 1e9

    def _end(self, number: Signals) -> int:
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.send_signal(number)
        try:
            return self.process.wait(PATIENCE_SECONDS)
        finally:
            self.process.stdout.close()
            self.process = None


def eventually(is_so: Callable[[], bool], patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for something that no event announces; fails when it does not come true."""
    deadline = time.monotonic() + patience_seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.01)


SOURCES = """
[[source]]
name = "app"
paths = ["logs/*.log"]
"""


@contextmanager
def running(directory: Path, config: str = SOURCES, **environ: str) -> Iterator[Service]:
    """A service over `directory`/logs that listens; it is killed at the end if it still runs."""
    (directory / "logs").mkdir(exist_ok=True)
    service = Service(directory, f'[state]\ndir = "state"\n{config}', environ=environ)
    try:
        yield service.start()
    finally:
        if service.process is not None:
            service.kill()
