"""A real supervisor on real files against a model: what one writer wrote, in order, whatever became of the file."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from logstream.tail.supervisor import Supervisor
from logstream.tail.turn import Pace
from tests.tail_kit import RecordingSink, source, write

PACE = Pace(absence_seconds=0.02, blind_sweep_seconds=0.005, blind_survey_seconds=0.02)
MOST_ROTATED = 9


class TailStory(RuleBasedStateMachine):
    """The tail runs only while a rule waits for it: between two waits it sees everything at once."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="tail-story-"))
        self.log = self.directory / "app.log"
        self.runner = asyncio.Runner()
        self.sink = RecordingSink()
        self.expected: list[bytes] = []
        self.partial = b""
        self.rotated = 0
        self.count = 0
        self.stop = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    @initialize(wide=st.booleans())
    def begin(self, *, wide: bool) -> None:
        self.spec = source(self.directory / ("app.log*" if wide else "app.log"))
        # What is rotated away before anybody has looked is history.
        self.log.touch()
        self.runner.run(self._start())
        self.runner.run(self.sink.until(lambda: self.sink.births))

    @rule(lengths=st.lists(st.integers(min_value=0, max_value=200), min_size=1, max_size=5), crlf=st.booleans())
    def append(self, lengths: list[int], *, crlf: bool) -> None:
        for length in lengths:
            text = self._text(length)
            write(self.log, text + (b"\r\n" if crlf else b"\n"))
            self._expect(text)

    @rule(length=st.integers(min_value=1, max_value=100))
    def begin_line(self, length: int) -> None:
        text = self._text(length)
        write(self.log, text)
        self.partial += text

    @rule(creates=st.booleans())
    @precondition(lambda self: self.rotated < MOST_ROTATED and self.log.exists())
    def rotate(self, *, creates: bool) -> None:
        self._end_line()
        for number in range(self.rotated, 0, -1):
            self._rotated(number).rename(self._rotated(number + 1))
        self.log.rename(self._rotated(1))
        self.rotated += 1
        if creates:
            self.log.touch()

    @rule(lines=st.integers(min_value=0, max_value=4))
    @precondition(lambda self: self.log.exists())
    def truncate(self, lines: int) -> None:
        self._end_line()
        self.catch_up()
        os.truncate(self.log, 0)
        for _ in range(lines):
            text = self._text(20)
            write(self.log, text + b"\n")
            self._expect(text)

    @rule(number=st.integers(min_value=1, max_value=MOST_ROTATED))
    def write_late(self, number: int) -> None:
        """Late lines have a place in the order only where nothing else is unread."""
        if number <= self.rotated:
            self.catch_up()
            text = self._text(10)
            write(self._rotated(number), text + b"\n")
            self.expected.append(text)
            self.catch_up()

    @rule()
    def catch_up(self) -> None:
        self.runner.run(self.sink.first(len(self.expected)))
        assert self.sink.texts == self.expected

    @rule()
    def look_a_little(self) -> None:
        self.runner.run(asyncio.sleep(0))

    @rule()
    def stop_in_good_order(self) -> None:
        self.stop.set()
        self.runner.run(self._wait())
        self.runner.run(self._start())

    @rule()
    def kill(self) -> None:
        assert self.task is not None
        self.task.cancel()
        self.runner.run(self._wait())
        self.runner.run(self._start())

    def teardown(self) -> None:
        try:
            if self.task is not None:
                self._end_line()
                self.catch_up()
                self.stop.set()
                self.runner.run(self._wait())
        finally:
            self.runner.close()
            shutil.rmtree(self.directory)

    async def _start(self) -> None:
        known = self.sink.known()
        supervisor = Supervisor([self.spec], known, {"app"}, self.sink, pace=PACE, uses_events=False)
        self.stop = asyncio.Event()
        self.task = asyncio.create_task(supervisor.run(self.stop), name="tail")

    async def _wait(self) -> None:
        assert self.task is not None
        await asyncio.wait([self.task])
        if not self.task.cancelled():
            self.task.result()

    def _text(self, length: int) -> bytes:
        self.count += 1
        return b"%d:" % self.count + b"x" * length

    def _expect(self, text: bytes) -> None:
        self.expected.append(self.partial + text)
        self.partial = b""

    def _end_line(self) -> None:
        if self.partial:
            write(self.log, b"\n")
            self._expect(b"")

    def _rotated(self, number: int) -> Path:
        return self.directory / f"app.log.{number}"


TestTailStory = TailStory.TestCase
TestTailStory.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
