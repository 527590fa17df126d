"""A logstream server of our own, a real process, which can be killed and started again.

Owns that process and its configuration. Knows of its inside only what any client may ask.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final

import httpx

from logstream.errors import LogstreamError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

_PATIENCE_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.01
_DOES_NOT_LISTEN: Final = f"it does not listen after {_PATIENCE_SECONDS:g} s"
_SAYS_WHERE: Final = "listening on "
_CONFIG: Final = """\
[server]
host = "127.0.0.1"
port = 0

[state]
dir = "state"

[stream]
heartbeat_seconds = 1
retry_ms = 100

[[source]]
name = "prove"
paths = ["logs/*.log"]
"""


class ServerError(LogstreamError):
    """The server has ended by itself; `reason` is its own last word."""

    def __init__(self, reason: str) -> None:
        """Remember its last word."""
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        """One line for people."""
        return f"the server ended by itself: {self.reason}"


class ServerStartError(UsageError):
    """The server cannot start here; `reason` is its own last word."""

    def __init__(self, reason: str) -> None:
        """Remember its last word."""
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        """One line for people."""
        return f"a server of its own cannot be started here: {self.reason}"


class OwnServer:
    """A server over `directory`/logs, with its state beside them."""

    def __init__(self, directory: Path) -> None:
        """Nothing runs yet."""
        self.url = ""
        self.kills = 0
        self.outages: list[tuple[float, float]] = []
        self.logs: Final = directory / "logs"
        self._directory: Final = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._down_since: float | None = None
        self.logs.mkdir()
        (directory / "config.toml").write_text(_CONFIG, encoding="utf-8")

    def start(self) -> None:
        """Start it, and wait until it listens; raises ServerStartError."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("LOGSTREAM_")}
        command = [sys.executable, "-m", "logstream", "serve", "--config", str(self._directory / "config.toml")]
        out = self._directory / "server.out"
        with out.open("wb") as stdout, (self._directory / "server.err").open("ab") as stderr:
            self._process = subprocess.Popen(  # noqa: S603 - this very program
                command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=environ
            )
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while _SAYS_WHERE not in (said := out.read_text(encoding="utf-8")) or not said.endswith("\n"):
            if self._process.poll() is not None:
                raise ServerStartError(self._last_word())
            if time.monotonic() > deadline:
                self.stop()
                raise ServerStartError(_DOES_NOT_LISTEN)
            time.sleep(_LOOK_SECONDS)
        self.url = said.partition(_SAYS_WHERE)[2].split()[0].rstrip("/")
        if self._down_since is not None:
            self.outages.append((self._down_since, time.monotonic()))
            self._down_since = None

    def check(self) -> None:
        """Raise ServerError if it has ended though nobody asked it to."""
        if self._process is not None and self._process.poll() is not None:
            raise ServerError(self._last_word())

    def kill(self) -> None:
        """`kill -9`."""
        if self._process is not None:
            self._down_since = time.monotonic()
            self._process.kill()
            self._process.wait()
            self._process = None
            self.kills += 1

    def stop(self) -> None:
        """End it, if it runs."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def has_read(self, path: Path) -> bool:
        """Whether it has read all of a file."""
        told = httpx.get(f"{self.url}/api/v1/sources", timeout=_STOP_SECONDS, trust_env=False).json()
        files = [file for source in told["sources"] for file in source["files"]]
        size = path.stat().st_size
        return any(file["file"].endswith(f"/{path.name}") and file["read_bytes"] == size for file in files)

    def _last_word(self) -> str:
        lines = (self._directory / "server.err").read_text(encoding="utf-8", errors="replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        return said[-1] if said else "it says nothing"
