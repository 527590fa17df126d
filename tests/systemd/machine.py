"""A throw-away machine under a real systemd; see boot.sh."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import httpx

from tests.running import PATIENCE_SECONDS, Stream, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

SOCKET = "/run/logstream/logstream.sock"


class Machine(NamedTuple):
    """One that runs; `init` is its PID 1 as it is called outside."""

    init: int

    def run(self, *command: str, check: bool = True, typed: str = "", seconds: float = 50) -> str:
        """What a command prints, run by root inside; an AssertionError with all its words if it fails."""
        inside = ("nsenter", f"--target={self.init}", "--all", "--root", "--wdns=/", *command)
        done = subprocess.run(inside, input=typed, capture_output=True, text=True, check=False, timeout=seconds)
        assert not check or done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}\n{self._log()}"
        return done.stdout + ("" if check else done.stderr)

    def path(self, inside: str) -> Path:
        """A file of the machine, as it is called outside."""
        return Path(f"/proc/{self.init}/root{inside}")

    def write(self, name: str, *lines: str, mode: int = 0o644, group: int = 0) -> None:
        """Append lines to a file, which is made if need be."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        path.chmod(mode)
        os.chown(path, 0, group)
        with path.open("a") as file:
            file.write("".join(f"{line}\n" for line in lines))

    def stream(self, query: str = "from=start", last_event_id: str | None = None) -> Stream:
        """A stream of the service, through its unix socket."""
        return Stream(self.path(SOCKET), f"/api/v1/stream?{query}", last_event_id)

    def get(self, target: str) -> httpx.Response:
        """One request through the unix socket."""
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(self.path(SOCKET)))) as client:
            return client.get(f"http://localhost{target}", timeout=PATIENCE_SECONDS)

    def shows(self, unit: str, key: str) -> str:
        """A property of a unit."""
        return self.run("systemctl", "show", "--value", f"--property={key}", unit).strip()

    @property
    def main_pid(self) -> int:
        """The service's process, as it is called inside."""
        return int(self.shows("logstream", "MainPID"))

    def _log(self) -> str:
        inside = ("nsenter", f"--target={self.init}", "--all", "--root", "journalctl", "--no-pager", "--lines=40")
        return subprocess.run(inside, capture_output=True, text=True, check=False).stdout


@contextmanager
def booted(directory: Path, *shown: Path) -> Iterator[Machine]:
    """A machine that has booted; `shown` are directories of this one that are seen inside, not writable."""
    with (directory / "console").open("w") as console:
        process = subprocess.Popen(
            ["unshare", "--mount", str(Path(__file__).with_name("boot.sh")), str(directory), *map(str, shown)],
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
        )
        try:
            machine = Machine(_init_of(process, directory / "console"))
            eventually(lambda: "active" in machine.run("systemctl", "is-active", "test.target", check=False).split())
            yield machine
        finally:
            for child in _children(process.pid):
                for init in _children(child):
                    os.kill(init, signal.SIGKILL)
            process.wait(PATIENCE_SECONDS)


def _init_of(process: subprocess.Popen[bytes], console: Path) -> int:
    """The systemd under boot.sh, once it runs."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        found = [init for child in _children(process.pid) for init in _children(child)]
        if found and Path(f"/proc/{found[0]}/cmdline").read_bytes().startswith(b"/lib/systemd/systemd"):
            return found[0]
        time.sleep(0.02)
    raise AssertionError(f"systemd did not start: {console.read_text()}")


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
