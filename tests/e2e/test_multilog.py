"""The real multilog (daemontools), svlogd (runit) and s6-log: they log what a program writes to its standard output.

They write to `current`, and what they rotate gets a name that has nothing of the log's own: a time as TAI64N has it.
Owns what they do to files, also where they let another program process what was rotated.
"""

from __future__ import annotations

import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.rotating import Reading, reading
from tests.running import PATIENCE_SECONDS, eventually, running
from tests.writing_process import line_of

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = {"multilog": "daemontools", "svlogd": "runit", "s6-log": "s6"}
PROCESSING = [name for name in PACKAGES if name != "s6-log"]
"""That would need one more program, execline, and does the same."""
SIZE_BYTES = 4096
"""The least that all of them take: a file that has about so many, or half of them, is rotated."""
SOURCE = '[[source]]\nname = "app"\npaths = ["logs/current"]\n'


@pytest.fixture(name="command", params=PACKAGES)
def _command(request: pytest.FixtureRequest) -> str:
    found: str | None = shutil.which(request.param)
    if found is None:
        pytest.skip(f"no {request.param} on this machine (on Debian: apt install {PACKAGES[request.param]})")
    return found


@dataclass
class Logger:
    """One of them, logging what it is given into a directory."""

    command: str
    logs: Path
    processor: str | None = None
    written: int = 0
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, or another one in its place."""
        script = ["n99", f"s{SIZE_BYTES}", *([] if self.processor is None else [f"!{self.processor}"])]
        if Path(self.command).name == "svlogd":
            (self.logs / "config").write_text("".join(f"{line}\n" for line in script))
            script = []
        self.process = subprocess.Popen([self.command, *script, str(self.logs)], stdin=subprocess.PIPE)

    def kill(self) -> None:
        """`kill -9`."""
        assert self.process is not None
        self.process.kill()
        self.process.communicate(timeout=PATIENCE_SECONDS)

    @property
    def rotated(self) -> set[str]:
        """The names of the files that were rotated and are finished."""
        return {path.name for path in self.logs.glob("@*.s")}

    def log(self) -> None:
        """Give it some lines."""
        assert self.process is not None
        assert self.process.stdin is not None
        for number in range(self.written, self.written + 20):
            self.process.stdin.write(f"{line_of(number)}\n".encode())
        self.process.stdin.flush()
        self.written += 20

    def rotate(self, times: int) -> None:
        """Give it lines until it has rotated so often, and not all at once: one write goes into one file."""
        before = self.rotated

        def is_done() -> bool:
            self.log()
            return len(self.rotated - before) >= times

        eventually(is_done)


@contextmanager
def logging(directory: Path, command: str, processor: str | None = None) -> Iterator[tuple[Logger, Reading]]:
    """A service, one of the programs, and somebody who reads; the service has seen `current` before all begins."""
    (directory / "logs").mkdir()
    logger = Logger(command, directory / "logs", processor)
    logger.start()
    try:
        eventually((logger.logs / "current").exists)
        with running(directory, SOURCE) as service, reading(service) as seen:
            service.wait_until_read("current")
            yield logger, seen
    finally:
        logger.kill()


def assert_each_came_once(logger: Logger, seen: Reading) -> None:
    """Now, and again from the start, and from the middle."""
    total = logger.written
    seen.until(total - 1)
    assert seen.leaps(total) == []
    assert seen.gaps == []
    for start in (0, len(seen.told) // 2):
        with reading(seen.service, seen.told[start - 1][0] if start else None, shape="batch") as again:
            again.until(total - 1)
            assert again.told == seen.told[start:]


def test_each_line_comes_once_however_often_it_was_rotated_unseen(tmp_path: Path, command: str) -> None:
    with logging(tmp_path, command) as (logger, seen):
        for _ in range(3):
            logger.rotate(1)
            seen.until(logger.written - 1)
            seen.come_back()
        for absence in (seen.killed, seen.stalled, seen.killed):
            with absence():
                logger.rotate(3)
            seen.until(logger.written - 1)
        logger.rotate(2)
        assert_each_came_once(logger, seen)


def test_what_was_interrupted_by_a_kill_and_rotated_unseen_comes_once(tmp_path: Path, command: str) -> None:
    with logging(tmp_path, command) as (logger, seen):
        logger.rotate(1)
        seen.until(logger.written - 1)
        with seen.killed():
            for _ in range(2):
                logger.rotate(1)
                written = sum(len(line_of(number)) + 1 for number in range(logger.written))
                eventually(lambda: sum(path.stat().st_size for path in logger.logs.iterdir()) >= written)  # noqa: B023
                logger.kill()
                logger.start()
            logger.rotate(1)
        assert_each_came_once(logger, seen)


@pytest.mark.parametrize("command", PROCESSING, indirect=True)
def test_what_was_compressed_by_a_processor_and_rotated_unseen_comes_once(tmp_path: Path, command: str) -> None:
    with logging(tmp_path, command, "gzip") as (logger, seen):
        logger.rotate(1)
        seen.until(logger.written - 1)
        for absence in (seen.killed, seen.stalled):
            with absence():
                logger.rotate(3)
            seen.until(logger.written - 1)
        assert_each_came_once(logger, seen)


@pytest.mark.parametrize("command", PROCESSING, indirect=True)
def test_what_a_processor_makes_of_lines_that_were_read_does_not_come_too(tmp_path: Path, command: str) -> None:
    with logging(tmp_path, command, "tr 0-9 a-j") as (logger, seen):
        (logger.logs / "@400000000000000000000000.s").touch()  # it is not the first file that is rotated here
        while len(logger.rotated) < 6:
            logger.log()
            seen.until(logger.written - 1)
        assert seen.leaps(logger.written) == []
        assert seen.gaps == []
