"""A log directory that is not there when the service starts again, and comes back: a mount that is late, a moved tree.

The real service, killed; real mounts where only those will do.
"""

from __future__ import annotations

import shutil
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from tests.full_disk import SmallDisk
from tests.running import Service, Stream, eventually, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOURCES = """
[stream]
heartbeat_seconds = 0.5

[[source]]
name = "app"
paths = ["logs/late/*.log"]

[[source]]
name = "other"
paths = ["logs/other.log"]
"""


class Renamed:
    """A directory that is moved away and back."""

    reason = "its directory is not there"

    def __init__(self, directory: Path) -> None:
        self._here, self._hidden = directory / "logs" / "late", directory / "hidden"
        self._here.mkdir(parents=True)

    def go(self) -> None:
        self._here.rename(self._hidden)

    def come(self) -> None:
        self._hidden.rename(self._here)

    def close(self) -> None:
        """Nothing is left to undo."""


class Mounted:
    """A volume, over a directory that stays there, and is empty."""

    reason = "its directory is empty"

    def __init__(self, directory: Path) -> None:
        self._here = directory / "logs" / "late"
        self._disk = SmallDisk(directory / "disk").__enter__()
        self._here.mkdir(parents=True)
        self.come()

    def go(self) -> None:
        subprocess.run(["umount", "--lazy", self._here], check=True)

    def come(self) -> None:
        subprocess.run(["mount", "--bind", self._disk.path, self._here], check=True)

    def close(self) -> None:
        with suppress(subprocess.CalledProcessError):
            self.go()
        self._disk.__exit__()


class Restored(Mounted):
    """A volume that comes back under another device number, with other numbers of all files."""

    def come(self) -> None:
        again = SmallDisk(self._disk.path.with_name(f"{self._disk.path.name} again")).__enter__()
        shutil.copytree(self._disk.path, again.path, dirs_exist_ok=True)
        self._disk.__exit__()
        self._disk = again
        super().come()


@pytest.fixture(params=[Renamed, Mounted, Restored])
def volume(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Renamed | Mounted]:
    volume = request.param(tmp_path)
    yield volume
    volume.close()


def files_of(service: Service, name: str) -> list[dict[str, Any]]:
    (source,) = (one for one in service.get("/api/v1/sources").json()["sources"] if one["name"] == name)
    return [{"state": source["state"]}, *source["files"]]


def ids_from_start(service: Service, count: int) -> list[tuple[str, str]]:
    with service.stream(from_="start") as stream:
        return [(record["id"], record["text"]) for record in stream.records(count)]


def lost_in(stream: Stream) -> dict[str, Any]:
    gap = stream.expect("gap").json
    return {name: gap[name] for name in ("source", "from", "to", "lines", "reason")}


def test_a_directory_that_comes_after_the_service_goes_on_exactly(tmp_path: Path, volume: Renamed | Mounted) -> None:
    """Conformance: A14, D12, I1."""
    with running(tmp_path, SOURCES) as service:
        with service.stream(source="app") as stream:
            stream.expect("hello")
            service.write("late/a.log", "one", "two", "three")
            stream.texts(3)
        before = ids_from_start(service, 3)
        service.kill()
        service.write("late/a.log", "four")
        volume.go()
        service.start()
        eventually(lambda: files_of(service, "app")[0]["state"] == "unreadable")
        (_, file) = files_of(service, "app")
        assert (file["state"], file["reason"], file["read_bytes"]) == ("unreadable", volume.reason, 14)
        service.wait_until_ready()
        service.write("other.log", "meanwhile")
        # What was told already, and cannot be read now, is told to be so, to who asks for it meanwhile.
        with service.stream(before[0][0]) as lagging:
            assert lagging.expect("hello").json["resume"]["exact"]
            assert lost_in(lagging) == {"source": "app", "from": 4, "to": 14, "lines": 2, "reason": "unreadable"}
            assert lagging.texts(1) == ["meanwhile"]
        with service.stream(before[2][0]) as stream:
            assert stream.expect("hello").json["resume"]["exact"]
            assert stream.texts(1) == ["meanwhile"]
            volume.come()
            assert stream.texts(1) == ["four"]
            service.write("late/a.log", "five")
            assert stream.texts(1) == ["five"]
        after = ids_from_start(service, 6)
        assert after[:3] == before
        assert [text for _, text in after[3:]] == ["meanwhile", "four", "five"]
        assert files_of(service, "app")[0]["state"] == "ok"
        with service.stream(before[0][0]) as stream:
            assert stream.expect("hello").json["resume"]["exact"]
            assert stream.texts(5) == ["two", "three", "meanwhile", "four", "five"]
        service.kill()
        service.start()
        assert ids_from_start(service, 6) == after
