"""The past of a real service when logrotate has compressed it."""

from __future__ import annotations

import bz2
import gzip
import lzma
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from logstream.stalls import core_wait_seconds
from tests.running import SOURCES, Service, eventually, running

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WITHOUT = (
    "import runpy, sys; sys.modules[{!r}] = None; runpy.run_module('logstream', run_name='__main__', alter_sys=True)"
)
"""A Python that was built without a module."""
MEMBER_BYTES = 32 << 20
MEMBERS = 8
OLD = [f"old {number}" for number in range(3_000)]
NEW = [f"new {number}" for number in range(10)]


def rotate_and_compress(service: Service) -> None:
    """As logrotate's `create` and `compress` do, with the real gzip."""
    log, older = service.logs / "a.log", service.logs / "a.log.1"
    log.rename(older)
    service.write("a.log", *NEW)
    service.wait_until_read("a.log")
    subprocess.run(["gzip", str(older)], check=True)
    assert gzip.decompress((service.logs / "a.log.1.gz").read_bytes()).decode().splitlines() == OLD


def is_read(service: Service, name: str) -> bool:
    """Whether all that stands in a log has been read, and so all that is older."""
    files = [file for source in service.get("/api/v1/sources").json()["sources"] for file in source["files"]]
    path = service.logs / name
    return any((file["file"], file["read_bytes"]) == (str(path), path.stat().st_size) for file in files)


def walked_back(service: Service) -> list[str]:
    found: list[str] = []
    target = "/api/v1/records?limit=700"
    while True:
        page = service.get(target).json()
        assert page["gaps"] == []
        found = [record["text"] for record in page["records"]] + found
        if not page["more"]:
            return found
        target = f"/api/v1/records?limit=700&before={page['scanned_to']}"


@pytest.mark.parametrize("is_killed", [False, True], ids=["running on", "killed and started"])
def test_records_ids_and_the_start_reach_into_compressed_files(tmp_path: Path, *, is_killed: bool) -> None:
    """Conformance: C1, C9."""
    with running(tmp_path) as service:
        service.write("a.log", *OLD)
        service.wait_until_read("a.log")
        with service.stream(from_="start") as stream:
            middle = stream.records(1_000)[-1]["id"]
        rotate_and_compress(service)
        if is_killed:
            service.kill()
            service.start()
            service.wait_until_ready()
        eventually(lambda: walked_back(service) == OLD + NEW)
        with service.stream(from_="start") as stream:
            assert stream.texts(len(OLD + NEW)) == OLD + NEW
        with service.stream(last_event_id=middle) as stream:
            assert stream.texts(2_010) == OLD[1_000:] + NEW
        around = service.get(f"/api/v1/records?around={middle}&limit=3").json()
        assert [record["text"] for record in around["records"]] == OLD[998:1_001]


def test_what_was_compressed_before_it_was_read_is_streamed_on(tmp_path: Path) -> None:
    """Conformance: C2, C8, C9."""
    unread, unseen = [f"unread {number}" for number in range(5_000)], [f"unseen {number}" for number in range(4_000)]
    rest = [*OLD[1_000:], *unread, *unseen, *NEW]
    with running(tmp_path) as service:
        service.write("a.log", *OLD)
        service.wait_until_read("a.log")
        with service.stream(from_="start") as stream:
            middle = stream.records(1_000)[-1]["id"]
        service.kill()
        log = service.logs / "a.log"
        for lines, after, number in ((unread, unseen, 2), ([], NEW, 1)):
            service.write("a.log", *lines)
            older = log.rename(service.logs / f"a.log.{number}")
            service.write("a.log", *after)
            subprocess.run(["gzip", str(older)], check=True)
        service.start()
        with service.stream(last_event_id=middle) as stream:
            seen = stream.records(len(rest))
        assert [record["text"] for record in seen] == rest
        service.kill()
        service.start()
        with service.stream(last_event_id=middle) as stream:
            assert stream.records(len(rest)) == seen
        with service.stream(last_event_id=seen[8_000]["id"]) as stream:
            assert stream.records(len(rest) - 8_001) == seen[8_001:]
        assert walked_back(service) == OLD + unread + unseen + NEW
        assert "unreadable" not in service.get("/api/v1/sources").text


@pytest.mark.parametrize(
    ("module", "suffix", "packed"), [("lzma", "xz", lzma.compress), ("bz2", "bz2", bz2.compress)], ids=["xz", "bz2"]
)
def test_without_its_module_a_compressed_file_is_shown_as_unreadable_and_what_was_not_read_of_it_is_a_gap(
    tmp_path: Path, module: str, suffix: str, packed: Callable[[bytes], bytes]
) -> None:
    """Conformance: C12."""
    (tmp_path / "logs").mkdir()
    config = f'[state]\ndir = "state"\n{SOURCES.replace("*.log", "*")}'
    service = Service(tmp_path, config, command=(sys.executable, "-c", WITHOUT.format(module)))
    log, archive = service.logs / "a.log", service.logs / f"a.log.1.{suffix}"

    def shown() -> dict[str, tuple[str, str]]:
        (source,) = service.get("/api/v1/sources").json()["sources"]
        return {file["file"]: (file["state"], file["reason"]) for file in source["files"]}

    try:
        service.start()
        service.write("a.log", "one")
        with service.stream(from_="start") as stream:
            assert stream.texts(1) == ["one"]
        service.kill()
        service.write("a.log", "two")
        archive.write_bytes(packed(log.read_bytes()))
        log.unlink()
        service.write("a.log", "three")
        service.start()
        with service.stream(stream.last_id) as stream:
            gap = stream.expect("gap").json
            assert stream.texts(1) == ["three"]
            eventually(lambda: shown().get(str(archive)) == ("unreadable", "compressed"))
            service.write("a.log", "four")
            assert stream.texts(1) == ["four"]
    finally:
        if service.process is not None:
            service.kill()
    assert (gap["file"], gap["from"], gap["to"], gap["reason"]) == (str(log), 4, None, "deleted")


def test_a_small_file_that_unpacks_to_a_quarter_of_a_gigabyte_takes_little_memory_and_keeps_nobody_waiting(
    tmp_path: Path,
) -> None:
    """Without what the kernel says that both processes have waited for a core. Conformance: C11."""
    sources = "\n".join(f'[[source]]\nname = "{name}"\npaths = ["logs/{name}.log"]' for name in "ab")
    member = gzip.compress((b"y" * 1023 + b"\n") * (MEMBER_BYTES >> 10), compresslevel=1)
    with running(tmp_path, sources) as service:

        def now_seconds() -> float:
            return time.monotonic() - core_wait_seconds() - service.core_wait_seconds()

        service.write("a.log", "one")
        with service.stream(from_="start") as stream:
            assert stream.texts(1) == ["one"]
            cursor = stream.last_id
        service.kill()
        (service.logs / "a.log").unlink()
        (service.logs / "a.log.1.gz").write_bytes(gzip.compress(b"one\n") + member * MEMBERS)
        service.write("a.log", "three")
        service.start()
        before, most_bytes, waits = service.resident_bytes(), 0, [0.0]
        with service.stream(cursor, source="a", q="three") as stream, service.stream(source="b") as other:
            other.expect("ping")
            while not is_read(service, "a.log"):
                began = now_seconds()
                service.write("b.log", f"quiet {len(waits)}")
                assert other.texts(1) == [f"quiet {len(waits)}"]
                waits.append(now_seconds() - began)
                most_bytes = max(most_bytes, service.resident_bytes())
            assert stream.texts(1) == ["three"]
        with service.stream(cursor, source="a") as stream:
            assert stream.texts(2) == ["y" * 1023] * 2
    assert (service.logs / "a.log.1.gz").stat().st_size < MEMBER_BYTES / 20
    assert max(waits) < 2
    assert most_bytes - before < MEMBERS * MEMBER_BYTES / 4
