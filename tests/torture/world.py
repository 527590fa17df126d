"""The real service over logs in a scratch directory, and its clients, with the story of all that was done to them.

Owns the process and the directory: both are gone after `close`. `catch_up` is the only wait: until the client that
reads everything has been told what it is owed.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.full_disk import SmallDisk
from tests.processes import kill_one, pids
from tests.running import Service, eventually
from tests.torture.account import Account
from tests.torture.logs import Log
from tests.torture.model import Story
from tests.torture.viewer import Viewer

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping

NAMES = ("a.log", "b.log")
CONFIG = """
[state]
dir = "{state}"
[stream]
heartbeat_seconds = 0.2
[[source]]
name = "app"
paths = ["logs/{glob}"]
"""
SMALL_BUFFER_BYTES = 32_768
"""Much less, and what is owed to a client that lags would take a minute to read."""
DISK_BYTES = 48 << 20


class Plan(NamedTuple):
    """How logs are named and watched, whether the state is on a small disk of its own, and how many processes serve."""

    glob: str = "*.log"
    counts: bool = True
    keep: int = 6
    has_small_disk: bool = False
    workers: int = 1


class World:
    """Files, the service and clients."""

    def __init__(self, plan: Plan, counted: Counter[str]) -> None:
        """Start with a file that the service knows, and a client that reads everything."""
        self.counted = counted
        self.story = Story()
        self.directory = Path(tempfile.mkdtemp(prefix="torture-"))
        self.state = self.directory / "state"
        self.is_full = False
        self.disk = SmallDisk(self.state, DISK_BYTES) if plan.has_small_disk else None
        config = CONFIG.format(state=self.state, glob=plan.glob)
        self.workers = plan.workers
        environ = {"PYTHONUNBUFFERED": "1", "LOGSTREAM_SERVER__WORKERS": str(plan.workers)}
        self.service = Service(self.directory, config, environ=environ)
        self.service.logs.mkdir()
        self.logs = [Log(self.story, self.service.logs, name, counts=plan.counts, keep=plan.keep) for name in NAMES]
        self.viewers: list[Viewer] = []

    def begin(self) -> None:
        """Start the service, and the first client."""
        if self.disk is not None:
            self.disk.__enter__()
        for log in self.logs:
            log.write([self.story.text("first", goes_before=False)])
        self.start(is_hasty=False)
        self.watch("main", {"from": "start"})
        self.catch_up()

    def start(self, *, is_hasty: bool) -> None:
        """Start the service again. `is_hasty`: do not wait until it has looked at the files."""
        self.service.start()
        self.story.is_down = self.story.has_looked = False
        self.counted["starts"] += 1
        if not is_hasty and not self.is_full:
            self.service.wait_until_ready()
            self.story.has_looked = True

    def kill(self) -> None:
        """`kill -9`."""
        self.service.kill()
        self._gone("kills")

    def kill_worker(self, number: int) -> None:
        """`kill -9` of one process that serves: its clients come back to any."""
        kill_one(self.service, f"worker {number}")
        self.counted["kills of a worker"] += 1

    def kill_ingester(self, *, is_hasty: bool) -> None:
        """`kill -9` of the process that reads files; clients stay. `is_hasty`: the next one may not have looked yet."""
        before = pids(self.service).get("ingester")
        kill_one(self.service, "ingester")
        self._gone("kills of the ingester")
        self.story.is_down = self.story.has_looked = False
        if not is_hasty:
            eventually(lambda: pids(self.service).get("ingester", before) != before)
            self.service.wait_until_ready()
            self.story.has_looked = True

    def stop(self) -> None:
        """SIGTERM; it must end well."""
        assert self.service.stop() == 0, self.service.stderr
        self._gone("stops")

    def watch(self, name: str, parameters: Mapping[str, str], *, word: str = "", is_slow: bool = False) -> Viewer:
        """Another client."""
        since = 0 if parameters.get("from") == "start" else len(self.story.lines)
        account = Account(self.story, f"{len(self.viewers)} {name}", word, since)
        viewer = Viewer(self.service, account, parameters, SMALL_BUFFER_BYTES if is_slow else 0)
        viewer.connect()
        self.viewers.append(viewer)
        self.counted["clients"] += 1
        return viewer

    def catch_up(self) -> None:
        """Until the first client has everything; then the service has looked at what holds lines that it told."""
        self.viewers[0].catch_up()
        self.story.has_looked = True
        for log in self.logs:
            log.is_truncated = log.is_truncated and not (log.live is not None and log.live.is_seen)
        for life in self.story.lives:
            life.has_unseen_file = False

    def be_looked_at(self, log: Log) -> None:
        """Until the service, which is up, has seen the life that the log has now, and all that is written to it."""
        if log.live is None or not log.live.lines:
            log.write([self.story.text("look", goes_before=False)])
        self.catch_up()

    def fill(self) -> None:
        """Leave no room on the state's disk. Everybody has everything by then."""
        assert self.disk is not None
        for viewer in self.viewers:
            viewer.catch_up()
        self.disk.fill()
        self.is_full = True
        self._allow_loose()
        self.counted["full disks"] += 1

    def free(self) -> None:
        """Make room again, and wait until the service has used it."""
        assert self.disk is not None
        self.disk.free()
        self.is_full = False
        if not self.story.is_down:
            self.service.wait_until_ready()
            eventually(self._has_ids_again)
        for viewer in self.viewers:
            # What was sent while the disk was full may still be under way to a client that is slow, owed to it or not.
            if not self.story.is_down:
                viewer.catch_up()
                viewer.look()
        self._allow_loose()

    def _has_ids_again(self) -> bool:
        """Whether a line comes with an id: what `/readyz` of a worker says is a moment old."""
        self.logs[0].write([self.story.text("room", goes_before=False)])
        self.viewers[0].catch_up()
        return self.story.lines[-1] in self.viewers[0].account.received

    def _allow_loose(self) -> None:
        for viewer in self.viewers:
            viewer.account.allows_loose = self.is_full

    def conclude(self) -> None:
        """Everybody gets the rest, and a newcomer everything; all in one order, and the service stops in good order."""
        if self.is_full:
            self.free()
        if self.story.is_down:
            self.start(is_hasty=False)
        for log in self.logs:
            log.end_partials()
        for viewer in self.viewers:
            viewer.catch_up()
            viewer.look()
        last = self.watch("newcomer", {"from": "start"})
        last.catch_up()
        last.look()
        for viewer in self.viewers[:-1]:
            viewer.account.check_order(last.account)
            viewer.account.check_order(self.viewers[0].account)
        for viewer in self.viewers:
            viewer.drop()
        self.stop()
        assert "Traceback" not in self.service.stderr, self.service.stderr
        assert "Task was destroyed" not in self.service.stderr, self.service.stderr

    def close(self) -> None:
        """End the process, and remove the directory."""
        try:
            for viewer in self.viewers:
                viewer.drop()
            if self.service.process is not None:
                self.service.kill()
        finally:
            self._count()
            if self.disk is not None:
                self.disk.__exit__()
            shutil.rmtree(self.directory)

    def _gone(self, how: str) -> None:
        self.counted[how] += 1
        self.story.stop()

    def _count(self) -> None:
        self.counted["lines written"] += len(self.story.lines)
        self.counted["lines received"] += sum(len(viewer.account.received) for viewer in self.viewers)
        self.counted["gaps"] += sum(len(viewer.account.gaps) for viewer in self.viewers)
        self.counted["reconnects"] += sum(viewer.reconnects - 1 for viewer in self.viewers)
        unseeable = sum(line.fate.name == "UNSEEABLE" for line in self.story.lines)
        self.counted["lines that nobody could see"] += unseeable
