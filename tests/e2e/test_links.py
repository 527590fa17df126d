"""A log that is a symbolic link, as glog keeps them, led on from file to file while the service is down."""

from __future__ import annotations

import gzip
from shutil import rmtree
from typing import TYPE_CHECKING

import pytest

from tests.running import Service, running

if TYPE_CHECKING:
    from pathlib import Path

SEVERITIES = ("INFO", "WARNING")
LINKS = """
[[source]]
name = "info"
paths = ["logs/app.INFO"]

[[source]]
name = "warning"
paths = ["logs/app.WARNING"]
"""


class Program:
    """Writes as glog does: a file of each severity at each start, and a link to the newest of each."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._starts = 0
        self._lines = 0
        self.texts: dict[str, list[str]] = {severity: [] for severity in SEVERITIES}

    def start(self) -> None:
        self._starts += 1
        logs = self._service.logs
        for severity in SEVERITIES:
            (logs / self.name(severity)).touch()
            fresh = logs / "fresh-link"
            fresh.symlink_to(self.name(severity))
            fresh.rename(logs / f"app.{severity}")
            self.write(severity)

    def name(self, severity: str) -> str:
        return f"app.host.root.log.{severity}.20261128-{100_000 + self._starts}.{9_000 - 7 * self._starts}"

    def write(self, severity: str) -> None:
        lines = [f"{severity[0]}1128 {self._starts} #{self._lines + n}" for n in range(3)]
        self._lines += 3
        self.texts[severity] += lines
        self._service.write(self.name(severity), *lines)


@pytest.mark.parametrize("how", ["kill", "stop"])
@pytest.mark.parametrize("starts", [1, 2, 3])
def test_no_line_is_lost_behind_a_link_that_is_led_on_while_the_service_is_down(
    tmp_path: Path, starts: int, how: str
) -> None:
    """Conformance: A3, D10."""
    with running(tmp_path, LINKS) as service:
        program = Program(service)
        program.start()
        told: dict[str, list[str]] = {severity: [] for severity in SEVERITIES}
        last: dict[str, str | None] = {}
        for severity in SEVERITIES:
            with service.stream(from_="start", source=severity.lower()) as stream:
                told[severity] += stream.texts(3)
                last[severity] = stream.last_id
        if how == "kill":
            service.kill()
        else:
            service.stop()
        for _ in range(starts):
            for severity in SEVERITIES:
                program.write(severity)
            program.start()
        service.start()
        for severity in SEVERITIES:
            with service.stream(last[severity], source=severity.lower()) as stream:
                told[severity] += stream.texts(len(program.texts[severity]) - 3)
                last[severity] = stream.last_id
            assert told[severity] == program.texts[severity]
        service.kill()
        service.start()
        for severity in SEVERITIES:
            program.write(severity)
            with service.stream(last[severity], source=severity.lower()) as stream:
                assert stream.texts(3) == program.texts[severity][-3:]
            with service.stream(from_="start", source=severity.lower()) as stream:
                assert stream.texts(len(program.texts[severity])) == program.texts[severity]


class Container:
    """A container's log in the places where kubelet has it: a link, and the file of its latest start."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.texts: list[str] = []
        self._start = 0
        self.home = service.logs / "pods" / "shop_web-1_0f3a" / "web"
        self.begin(0)

    @property
    def log(self) -> Path:
        return self.home / f"{self._start}.log"

    def write(self, path: Path, count: int) -> None:
        first = len(self.texts)
        self.texts += [f"2026-11-29T03:00:00.{first + n:09d}Z stdout F line {first + n}" for n in range(count)]
        self._service.write(str(path.relative_to(self._service.logs)), *self.texts[first:])

    def begin(self, start: int) -> None:
        """The container starts: its file is begun, and the link leads to that."""
        self._start = start
        self.write(self.log, 2)
        links = self._service.logs / "containers"
        links.mkdir(exist_ok=True)
        (links / "fresh").symlink_to(f"../{self.log.relative_to(self._service.logs)}")
        (links / "fresh").rename(links / "web.log")

    def rotate(self, hour: int) -> Path:
        rotated = self.log.rename(self.home / f"{self.log.name}.20261129-{hour:02d}0058")
        self.write(rotated, 1)
        self.write(self.log, 2)
        return rotated

    def compress(self, rotated: Path) -> None:
        made = rotated.with_name(f"{rotated.name}.tmp")
        made.write_bytes(gzip.compress(rotated.read_bytes(), mtime=0))
        made.rename(rotated.with_name(f"{rotated.name}.gz"))
        rotated.unlink()


@pytest.mark.parametrize("is_rotated_before", [False, True])
@pytest.mark.parametrize("rotations", [1, 2])
@pytest.mark.parametrize("restarts", [0, 1, 2])
def test_a_container_that_starts_anew_after_rotations_while_the_service_is_down_loses_nothing(
    tmp_path: Path,
    restarts: int,
    rotations: int,
    is_rotated_before: bool,  # noqa: FBT001 - a table of facts
) -> None:
    """Conformance: A3, C2, D10."""
    with running(tmp_path, '[[source]]\nname = "pods"\npaths = ["logs/containers/*.log"]\n') as service:
        container = Container(service)
        with service.stream(from_="start") as stream:
            told = stream.texts(2)
            first = stream.last_id
            rotated = container.rotate(1) if is_rotated_before else None
            told += stream.texts(len(container.texts) - 2)
            last = stream.last_id
        service.kill()
        for start in range(restarts + 1):
            if start:
                container.begin(start)
            for hour in range(2, 2 + rotations):
                container.write(container.log, 1)
                if rotated is not None:
                    container.compress(rotated)
                rotated = container.rotate(hour)
            rotated = None
        service.start()
        with service.stream(last) as stream:
            told += stream.texts(len(container.texts) - len(told))
            assert told == container.texts
            container.write(container.log, 1)
            assert stream.texts(1) == container.texts[-1:]
        with service.stream(from_="start") as stream:
            assert stream.texts(len(container.texts)) == container.texts
        with service.stream(first) as stream:
            assert stream.texts(len(container.texts) - 2) == container.texts[2:]


@pytest.mark.parametrize("how", ["kill", "stop"])
@pytest.mark.parametrize("is_compressed_while_up", [True, False])
@pytest.mark.parametrize(("rotations", "restarts"), [(1, 0), (2, 0), (1, 1), (2, 1)])
def test_what_a_container_had_logged_before_the_first_start_stays_untold_once_it_is_compressed(
    tmp_path: Path,
    how: str,
    rotations: int,
    restarts: int,
    is_compressed_while_up: bool,  # noqa: FBT001 - a table of facts
) -> None:
    """Conformance: C2, D10."""
    with running(tmp_path, '[[source]]\nname = "pods"\npaths = ["logs/containers/*.log"]\n') as service:
        service.stop()
        rmtree(tmp_path / "state")
        container = Container(service)
        history = container.rotate(1)
        count = len(container.texts) - 2
        service.start()
        with service.stream(from_="start") as stream:
            told = stream.texts(2)
            last = stream.last_id
        if is_compressed_while_up:
            container.compress(history)
        if how == "kill":
            service.kill()
        else:
            service.stop()
        if not is_compressed_while_up:
            container.compress(history)
        for hour in range(2, 2 + rotations):
            container.write(container.log, 1)
            container.compress(container.rotate(hour))
        for start in range(1, restarts + 1):
            container.begin(start)
        service.start()
        with service.stream(last) as stream:
            told += stream.texts(len(container.texts) - len(told) - count)
            container.write(container.log, 1)
            told += stream.texts(1)
        assert told == container.texts[count:]
