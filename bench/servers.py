"""Starts and ends the servers that are compared, each in processes and a directory of its own, on 127.0.0.1 only.

Owns the processes: what a server has started ends with it. Who connects, and what is timed, is not its business.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.errors import BenchError
from bench.peers import FRONTAIL_PROGRAM, NCHAN_MODULE, WITH_NODE, program
from tests.running import SOURCES, eventually, running

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.running import Service

_START_SECONDS: Final = 30.0
_NOTE_CHARACTERS: Final = 2000

# A message a line is some hundred thousand messages: nchan keeps them all, or slow clients would lose some.
_NCHAN_CONFIG: Final = """
load_module {module};
daemon off;
{user}
worker_processes 1;
pid nginx.pid;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    nchan_shared_memory_size 2G;
    client_body_temp_path body; proxy_temp_path proxy;
    fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location = /publish {{
            nchan_publisher websocket;
            nchan_channel_id bench;
            nchan_message_buffer_length 1000000;
            nchan_message_timeout 1h;
        }}
        location = /events {{
            nchan_subscriber eventsource;
            nchan_channel_id bench;
            nchan_subscriber_first_message newest;
        }}
    }}
}}
"""


class Server(NamedTuple):
    """A peer that runs: where it listens, and its first process, which leads a session of its own."""

    port: int
    pid: int


@contextmanager
def logstream_server(directory: Path, config: str = SOURCES, **environ: str) -> Iterator[Service]:
    """The service over `directory`/logs. What it said goes with an error. Raises BenchError."""
    try:
        with running(directory, config, **environ) as service:
            try:
                yield service
            except BenchError as error:
                error.add_note(f"logstream said:\n{service.stderr[-_NOTE_CHARACTERS:]}")
                raise
    except AssertionError as cause:
        message = f"logstream: {cause}"
        raise BenchError(message) from cause


def until_read(service: Service, paths: Sequence[Path], seconds: float) -> None:
    """Until the service has read and recorded all that stands in these files. Raises AssertionError."""
    sizes = {str(path): path.stat().st_size for path in paths}

    def is_read() -> bool:
        answer = service.get("/api/v1/sources").json()
        found = {file["file"]: file["read_bytes"] for source in answer["sources"] for file in source["files"]}
        return all(found.get(path) == size for path, size in sizes.items())

    eventually(is_read, seconds)


@contextmanager
def quart_server(directory: Path, log: Path) -> Iterator[Server]:
    """Plain Quart (bench.quart_peer) over one file."""
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        port: int = listener.getsockname()[1]
        fd = listener.fileno()
        command = [sys.executable, "-m", "bench.quart_peer", str(fd), str(log)]
        process = _started(command, directory, (fd,))
    with _ended(process, directory):
        yield Server(port, process.pid)


@contextmanager
def frontail_server(directory: Path, logs: Sequence[Path]) -> Iterator[tuple[Server, str]]:
    """Frontail over some files, and the namespace under which it tells their lines. Its usage statistics stay off."""
    port = _free_port()
    files = [str(path) for path in logs]
    options = ["--host", "127.0.0.1", "--port", str(port), "--disable-usage-stats"]
    process = _started([WITH_NODE, "node", str(FRONTAIL_PROGRAM), *options, *files], directory)
    with _ended(process, directory):
        _wait_until_listening(process, port)
        # As frontail names it: a name, nothing secret.
        yield Server(port, process.pid), hashlib.md5(" ".join(files).encode(), usedforsecurity=False).hexdigest()


@contextmanager
def nchan_server(directory: Path) -> Iterator[Server]:
    """Nginx with nchan: one worker, as logstream is one process; publish by WebSocket, subscribe by EventSource."""
    port = _free_port()
    user = "user root;" if os.geteuid() == 0 else ""
    (directory / "nginx.conf").write_text(_NCHAN_CONFIG.format(module=NCHAN_MODULE, user=user, port=port))
    command = [program("nginx"), "-p", str(directory), "-c", "nginx.conf", "-e", "nginx.log"]
    process = _started(command, directory)
    with _ended(process, directory):
        _wait_until_listening(process, port)
        yield Server(port, process.pid)


def _started(command: list[str], directory: Path, fds: tuple[int, ...] = ()) -> subprocess.Popen[bytes]:
    with (directory / "stderr").open("wb") as stderr:
        return subprocess.Popen(
            command,
            pass_fds=fds,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
        )


@contextmanager
def _ended(process: subprocess.Popen[bytes], directory: Path) -> Iterator[None]:
    """Ends the process and all that it started: its session is its own. What it said goes with an error."""
    try:
        yield
    except (BenchError, OSError) as error:
        said = (directory / "stderr").read_text(errors="replace")
        error.add_note(f"the peer said:\n{said[-_NOTE_CHARACTERS:]}")
        raise
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        # A killed worker of nginx may write for a moment yet; its directory is removed by the caller.
        shutil.rmtree(directory / "body", ignore_errors=True)


def _wait_until_listening(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    message = f"{process.args!r} does not listen"
    raise BenchError(message)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port
