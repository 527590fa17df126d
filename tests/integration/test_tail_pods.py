"""The logs of a pod as kubelet keeps them, looked at again after any of the steps in which it rotates them.

`/var/log/containers/*.log` are links to `/var/log/pods/NAMESPACE_POD_UID/CONTAINER/0.log`. A rotation renames that to
`0.log.20261129-030058`, and the one before that is compressed. A container that starts anew has `1.log`.
"""

from __future__ import annotations

import gzip
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from logstream.tail.batch import Hole
from tests.tail_kit import RecordingSink, looked_everywhere, source, tailing, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Pod:
    """One container's log, and the steps that become of it."""

    def __init__(self, directory: Path) -> None:
        self.home = directory / "pods" / "shop_web-1_0f3a" / "web"
        self.links = directory / "containers"
        self.home.mkdir(parents=True)
        self.links.mkdir()
        self.texts: list[bytes] = []
        self.later: list[bytes] = []
        self.restarts = 0
        self.writes_to = self.log
        self.write()
        self.lead()

    @property
    def log(self) -> Path:
        return self.home / f"{self.restarts}.log"

    def rotated(self, number: int) -> Path:
        return self.home / f"{self.restarts}.log.20261129-0{number}0058"

    def write(self) -> None:
        """A line as container runtimes write it; `later` are those that no link leads to yet."""
        count = len(self.texts) + len(self.later)
        line = b"2026-11-29T03:00:%02d.123456789Z stdout F line %d of the container" % (count % 60, count)
        is_led_to = not self.restarts or f"{self.restarts}.log" == self.led_to
        (self.texts if is_led_to else self.later).append(line)
        write(self.writes_to, line + b"\n")

    @property
    def led_to(self) -> str:
        return (self.links / "web.log").resolve().name

    @property
    def is_between_files(self) -> bool:
        """Whether the file that is written to is not the one that has the path now."""
        return self.writes_to != self.log or self.led_to != self.log.name

    def told(self, older: list[bytes]) -> list[bytes]:
        """What a viewer gets who has come when `older` was history."""
        return [text for text in self.texts if text not in older]

    def rename(self, number: int) -> None:
        self.writes_to = self.log.rename(self.rotated(number))

    def begin(self) -> None:
        self.log.touch()
        self.writes_to = self.log

    def start_anew(self) -> None:
        self.restarts += 1
        self.writes_to = self.log
        self.write()

    def lead(self) -> None:
        """At one stroke, to the file of the latest start."""
        fresh = self.links / "fresh"
        fresh.symlink_to(self.log)
        fresh.rename(self.links / "web.log")
        self.texts += self.later
        self.later = []

    def compress(self, number: int, step: str) -> None:
        plain = self.rotated(number)
        fresh, packed = (plain.with_name(plain.name + end) for end in (".tmp", ".gz"))
        if step == "begin":
            fresh.write_bytes(gzip.compress(plain.read_bytes())[:40])
        elif step == "write":
            fresh.write_bytes(gzip.compress(plain.read_bytes(), mtime=0))
        elif step == "name":
            fresh.rename(packed)
        else:
            plain.unlink()

    def steps(self) -> list[Callable[[], object]]:
        found: list[Callable[[], object]] = []
        for restart in range(2):
            for number in range(1, 4):
                if number > 1:
                    steps = ("begin", "write", "name", "remove")
                    found += [lambda step=step, n=number - 1: self.compress(n, step) for step in steps]  # type: ignore[misc]
                found += [lambda n=number: self.rename(n), self.write, self.begin, self.write]  # type: ignore[misc]
            if restart == 0:
                found += [self.start_anew, self.lead, self.write]
        return found


STEPS = 43
UP = 9
"""So many steps, more than those of a rotation, are looked at before the service is down."""


def history(pod: Pod) -> list[bytes]:
    """What stands in files that no path matches: nobody is told of that."""
    others = [path for path in pod.home.iterdir() if path.name != pod.led_to]
    plain = [path for path in others if path.suffix not in {".gz", ".tmp"}]
    packed = [path for path in others if path.suffix == ".gz" and path.with_suffix("") not in plain]
    contents = [path.read_bytes() for path in plain] + [gzip.decompress(path.read_bytes()) for path in packed]
    return b"".join(contents).splitlines()


def _has_all(sink: RecordingSink, awaited: set[bytes]) -> bool:
    return awaited <= {*sink.texts}


@pytest.mark.parametrize("while_down", [2, 6, 12, 24])
async def test_a_container_s_lines_come_once_whenever_the_service_was_down(tmp_path: Path, while_down: int) -> None:
    """Conformance: A3, C2, D10."""
    for first in range(0, STEPS - while_down + 1, 2):
        directory = tmp_path / str(first)
        pod = Pod(directory)
        sink, spec = RecordingSink(), source(directory / "containers" / "*.log")
        steps, at = pod.steps(), 0
        assert len(steps) == STEPS
        while at < first - UP or pod.is_between_files:
            steps[at]()
            at += 1
        older, since = history(pod), {"app": time.time()}
        async with tailing(sink, spec) as supervisor:
            await supervisor.first_scan_done.wait()
            for step in steps[at:first]:
                await sink.first(len(pod.told(older)))
                step()
            await sink.first(len(pod.told(older)))
        for index, step in enumerate(steps[max(at, first) :], max(at, first)):
            if index >= first + while_down and not pod.is_between_files:
                break
            step()
        async with tailing(sink, spec, known=sink.known(), first_seen=(), watched_since=since) as supervisor:
            awaited = {*pod.told(older)}
            await sink.until(partial(_has_all, sink, awaited))
            for _ in range(3):
                await looked_everywhere(supervisor)  # what comes twice comes late
        assert sorted(sink.texts) == sorted(pod.told(older)), first
        assert not sink.of_kind(Hole), first
