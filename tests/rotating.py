"""A program that logs while its file is rotated, and somebody who reads all of it: what rotation tests share.

Owns the writer's process, the reading through cuts and kills, and the comparison of what was written with what came.
Who rotates, and when, is each test's own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from tests import writing_process
from tests.running import OWN_EVENTS, PATIENCE_SECONDS, Service, Stream, eventually
from tests.writing_process import line_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GROWTH_BYTES = 10_000
"""How much is written between two rotations, at least."""


@dataclass
class Writer:
    """A `writing_process` under way."""

    process: subprocess.Popen[str]
    log: Path

    def grow(self) -> None:
        """Until the file that has the log's name now holds lines enough."""
        eventually(lambda: self.log.exists() and self.log.stat().st_size >= GROWTH_BYTES)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """It writes nothing meanwhile."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitpid(self.process.pid, os.WUNTRACED)
        yield
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> int:
        """How many lines it wrote in all."""
        self.process.terminate()
        return int(self.process.communicate(timeout=PATIENCE_SECONDS)[0])


@contextmanager
def writing(service: Service, kind: str, *more: str) -> Iterator[Writer]:
    """A writer of logs/a.log that has begun; it is killed at the end if it still runs.

    The service knows the file before: what is rotated away before it was ever looked at is history.
    """
    service.write("a.log")
    service.wait_until_read("a.log")
    log = service.logs / "a.log"
    command = [sys.executable, writing_process.__file__, kind, str(log), *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            yield Writer(process, log)
        finally:
            process.kill()


class Leap(NamedTuple):
    """Where a line is not followed by the next one: the numbers, and the gaps that were told in between."""

    last: int
    first: int
    gaps: tuple[dict[str, Any], ...]


@dataclass
class Reading:
    """A client that goes on with its last id whenever it comes back."""

    service: Service
    stream: Stream
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Records and gaps with their ids, in the order in which they came."""
    latest: int = -1
    """The number of the last line."""

    def until(self, number: int) -> None:
        """Read up to the line of this number, or one behind it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.latest < number:
            assert time.monotonic() < deadline, f"line {number} did not come: {self.leaps(number + 1)[:9]}"
            event = self.stream.event()
            if event.type == "gap":
                self.told.append((event.id or "", event.json))
            elif event.type == "batch" or event.type not in OWN_EVENTS:
                deadline = time.monotonic() + PATIENCE_SECONDS  # on a busy machine all of them take long
                records = event.json if event.type == "batch" else [event.json]
                self.told += [(record["id"], record) for record in records]
                self.latest = max(self.latest, *(number_of(record) for record in records))

    def catch_up(self) -> None:
        """Read all whole lines that stand in the log now."""
        lines = (self.service.logs / "a.log").read_bytes().split(b"\n")
        self.until(int(lines[-2][:7]))

    def come_back(self) -> None:
        """Cut the connection and go on with the last id."""
        self.stream.cut()
        self.stream = self.service.stream(self.stream.last_id, from_="start")

    @contextmanager
    def killed(self) -> Iterator[None]:
        """Meanwhile there is no server: `kill -9`, and another start."""
        self.service.kill()
        yield
        self.service.start()
        self.come_back()

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """Meanwhile the server does not get a turn, and looks at nothing."""
        self.service.signal(signal.SIGSTOP)
        yield
        self.service.signal(signal.SIGCONT)

    def leaps(self, total: int) -> list[Leap]:
        """Where lines 0 to `total` - 1 did not come each once, in order; what is none of them counts as line -1."""
        found: list[Leap] = []
        last, gaps = -1, []
        for _, told in self.told:
            if is_gap(told):
                gaps.append(told)
                continue
            if number_of(told) != last + 1:
                found.append(Leap(last, number_of(told), tuple(gaps)))
            last, gaps = number_of(told), []
        return found if last == total - 1 else [*found, Leap(last, total, tuple(gaps))]

    @property
    def gaps(self) -> list[dict[str, Any]]:
        """What was said to be lost."""
        return [told for _, told in self.told if is_gap(told)]


@contextmanager
def reading(service: Service, last_id: str | None = None, shape: str = "line") -> Iterator[Reading]:
    """Somebody who reads from the start, or goes on after an id."""
    found = Reading(service, service.stream(last_id, from_="start", shape=shape))
    try:
        yield found
    finally:
        found.stream.cut()


def is_gap(told: dict[str, Any]) -> bool:
    return "text" not in told


def number_of(told: dict[str, Any]) -> int:
    """The number of the line in a record; -1 if it is not exactly what was written, or a gap."""
    text = told.get("text", "")
    return int(text[:7]) if text[:7].isdigit() and text == line_of(int(text[:7])) else -1


def assert_told_again(seen: Reading) -> None:
    """All comes once more from the start, and from the middle, and then what is new: nothing else."""
    service, total = seen.service, seen.latest + 1
    service.write("a.log", line_of(total))
    seen.until(total)
    assert seen.leaps(total + 1) == []
    with reading(service, shape="batch") as again:
        again.until(total)
        assert again.told == seen.told
    middle = len(seen.told) // 2
    with reading(service, seen.told[middle][0], shape="batch") as again:
        again.until(total)
        assert again.told == seen.told[middle + 1 :]
