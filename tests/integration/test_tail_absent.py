"""Logs that have no file for a while: nothing has their paths, and all that was read of them is finished."""

from __future__ import annotations

import gzip
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from logstream.tail import unpacking
from logstream.tail.batch import Birth, Hole
from logstream.tail.family import ATTEMPTS
from tests.tail_kit import BRISK, RecordingSink, eventually, looked_everywhere, second_run, source, tailing, write

if TYPE_CHECKING:
    from pathlib import Path

    from logstream.tail.batch import SourceSpec
    from logstream.tail.lineage import Lineage
    from logstream.tail.looking import Snapshot

GLOBS = ["app.log", "*.log", "app*"]


def pack(file: Path, archive: Path) -> None:
    """Compress, as gzip does: the time stays."""
    written_ns = file.stat().st_mtime_ns
    archive.write_bytes(gzip.compress(file.read_bytes()))
    os.utime(archive, ns=(written_ns, written_ns))
    file.unlink()


async def be_absent(sink: RecordingSink, spec: SourceSpec, home: Path) -> None:
    """Read a log until its one file, which is `home`, is finished, and compressed."""
    write(home, b"one\n")
    async with tailing(sink, spec):
        await sink.first(1)
        pack(home, home.with_name("app.log.1.gz"))
        await sink.until(lambda: sink.sealed)


def come_and_go(log: Path, content: bytes, *, is_packed: bool = True) -> None:
    """A file is written, and rotated at once, as logrotate does it with `nocreate`."""
    for age in (2, 1):
        for older in log.parent.glob(f"app.log.{age}*"):
            older.rename(older.with_name(older.name.replace(f".{age}", f".{age + 1}")))
    write(log, content)
    if is_packed:
        pack(log, log.with_name("app.log.1.gz"))
    else:
        log.rename(log.with_name("app.log.1"))


@pytest.mark.parametrize("is_packed", [True, False], ids=["packed", "plain"])
@pytest.mark.parametrize("glob", GLOBS)
async def test_what_came_and_went_while_down_is_read_though_the_log_has_no_file(
    tmp_path: Path, glob: str, *, is_packed: bool
) -> None:
    """Torture, seed 9404. Conformance: A8, C8."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(tmp_path / glob)
    await be_absent(sink, spec, log)
    told = sink.states().count(("vanished", None))
    come_and_go(log, b"two\n", is_packed=is_packed)
    come_and_go(log, b"three\n", is_packed=is_packed)
    for _ in range(2):
        async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
            assert await sink.first(3) == [b"one", b"two", b"three"]
            await looked_everywhere(supervisor)
            # What is not finished is waited for anew after a restart, and then that there is no file is told anew.
            await sink.until(lambda: len(sink.sealed) == 3)
    assert sink.lines == [(str(log), b"one"), (str(log), b"two"), (str(log), b"three")]
    assert sink.states().count(("vanished", None)) == told
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("set_back_seconds", [0, 3_600])
async def test_of_a_source_that_had_no_file_yet_nothing_that_came_while_down_is_history(
    tmp_path: Path, set_back_seconds: int
) -> None:
    """Not even if the clock was set back since it was looked through for the first time."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(tmp_path / "app.log.3", b"long ago\n")
    os.utime(tmp_path / "app.log.3", (1_000_000_000, 1_000_000_000))
    since = time.time() + set_back_seconds
    come_and_go(log, b"one\n")
    come_and_go(log, b"two\n", is_packed=False)
    write(log, b"three\n")
    async with tailing(sink, source(log), first_seen=(), watched_since={"app": since}) as supervisor:
        assert await sink.first(3) == [b"one", b"two", b"three"]
        await looked_everywhere(supervisor)
    assert len(sink.lines) == 3


@pytest.mark.parametrize("is_packed", [True, False], ids=["packed", "plain"])
@pytest.mark.parametrize("home", ["pods/shop_web-1_0f3a/web", "logs"])
async def test_of_a_log_that_came_and_went_while_down_and_was_never_seen_nothing_is_lost(
    tmp_path: Path, home: str, *, is_packed: bool
) -> None:
    """Where kubelet alone has its files at once, else when the log comes again. Conformance: A8."""
    sink, log = RecordingSink(), tmp_path / home / "2.log"
    log.parent.mkdir(parents=True)
    now, spec = time.time(), source(log.with_name("*.log"))
    since = {"app": now - 3_600}
    write(log.with_name("0.log"), b"of another\n")
    write(log.with_name("1.log.20261129-030058"), b"long ago\n")
    os.utime(log.with_name("1.log.20261129-030058"), (1_000_000_000, 1_000_000_000))
    async with tailing(sink, spec, first_seen=(), watched_since=since):
        await sink.first(1)
    rotated = log.with_name("2.log.20261129-030058")
    write(rotated, b"one\n")
    os.utime(rotated, (now - 1_800, now - 1_800))
    if is_packed:
        pack(rotated, rotated.with_name(f"{rotated.name}.gz"))
    is_told_at_once = home.startswith("pods")
    for _ in range(2):
        async with tailing(sink, spec, known=sink.known(), first_seen=(), watched_since=since) as supervisor:
            await sink.first(1 + is_told_at_once)
            for _ in range(2):
                await looked_everywhere(supervisor)
    assert sink.texts == [b"of another", b"one"][: 1 + is_told_at_once]
    async with tailing(sink, spec, known=sink.known(), first_seen=(), watched_since=since) as supervisor:
        await looked_everywhere(supervisor)
        write(log, b"two\n")
        assert await sink.first(3) == [b"of another", b"one", b"two"]
        await looked_everywhere(supervisor)
    assert sink.lines[1:] == [(str(log), b"one"), (str(log), b"two")]
    assert not sink.of_kind(Hole)


async def test_what_was_put_where_no_log_ever_was_is_not_told(tmp_path: Path) -> None:
    """As by logrotate's `olddir`, which names of logs tell nothing of."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec, since = source(tmp_path / "**" / "*.log"), {"app": time.time() - 3_600}
    (tmp_path / "old").mkdir()
    write(log, b"one\n")
    async with tailing(sink, spec, first_seen=(), watched_since=since):
        await sink.first(1)
    pack(log, tmp_path / "old" / "app.log.1.gz")
    write(log, b"two\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=(), watched_since=since) as supervisor:
        await sink.first(2)
        for _ in range(2):
            await looked_everywhere(supervisor)
    assert sink.texts == [b"one", b"two"]


async def test_what_came_and_went_behind_a_link_while_down_is_read_though_the_log_has_no_file(tmp_path: Path) -> None:
    sink, link, home = RecordingSink(), tmp_path / "app.log", tmp_path / "real" / "app.log"
    home.parent.mkdir()
    link.symlink_to(home)
    spec = source(link)
    await be_absent(sink, spec, home)
    come_and_go(home, b"two\n")
    assert await second_run(sink, spec, 2) == [b"one", b"two"]


@pytest.mark.parametrize("glob", GLOBS)
async def test_what_comes_and_goes_between_two_looks_is_read_though_the_log_has_no_file(
    tmp_path: Path, glob: str
) -> None:
    """Conformance: C8."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(tmp_path / glob)) as supervisor:
        await sink.first(1)
        for number in (b"two", b"three"):
            come_and_go(log, number + b"\n")
            await sink.until(lambda: sink.texts[-1:] == [number])  # noqa: B023 - called before the next one
            await eventually(lambda: str(log) not in supervisor._roster.lineages)
        write(log, b"four\n")
        assert await sink.first(4) == [b"one", b"two", b"three", b"four"]
    assert {birth.file for birth in sink.of_kind(Birth)} == {str(log)}
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize(("glob", "uses_events"), [*((glob, True) for glob in GLOBS), ("app*", False)])
async def test_what_comes_and_goes_right_after_a_log_was_found_to_be_gone_is_read(
    tmp_path: Path, glob: str, *, uses_events: bool
) -> None:
    """It is still followed, until the next search. Conformance: C8."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    pace = replace(BRISK, survey_seconds=60.0, blind_survey_seconds=2.0)
    write(log, b"one\n")
    async with tailing(sink, source(tmp_path / glob), pace=pace, uses_events=uses_events) as supervisor:
        await sink.first(1)
        log.rename(tmp_path / "app.log.1")
        await sink.until(lambda: sink.sealed)
        lineage = supervisor._roster.lineages[str(log)]
        await eventually(lambda: lineage.is_gone)
        come_and_go(log, b"two\n")
        assert await sink.first(2) == [b"one", b"two"]
    assert {birth.file for birth in sink.of_kind(Birth)} == {str(log)}


async def test_the_archives_of_a_log_that_has_no_file_are_not_unpacked_at_each_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There may be thousands of such logs. Conformance: C3."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    await be_absent(sink, spec, log)
    before = list(sink.changes)
    monkeypatch.setattr(unpacking.Unpacking, "ask", lambda *_: pytest.fail("it was unpacked"))
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await looked_everywhere(supervisor)
        assert [*supervisor._roster.lineages] == []
    assert sink.changes == before


@pytest.mark.parametrize("glob", GLOBS)
async def test_what_came_and_went_is_read_also_if_files_are_renamed_at_the_first_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, glob: str
) -> None:
    """Conformance: A3, A8."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(tmp_path / glob)
    await be_absent(sink, spec, log)
    come_and_go(log, b"two\n", is_packed=False)
    looks = 0
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        looking = supervisor._follower.succession.looking
        look = looking.look

        def overtaken(lineage: Lineage, *, is_bounded: bool) -> Snapshot:
            nonlocal looks
            looks += 1
            return look(lineage, is_bounded=is_bounded)._replace(is_consistent=looks > 3 * ATTEMPTS)

        monkeypatch.setattr(looking, "look", overtaken)
        await sink.first(2)
        await looked_everywhere(supervisor)
    assert looks > 3 * ATTEMPTS
    assert sink.lines == [(str(log), b"one"), (str(log), b"two")]
