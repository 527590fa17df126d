"""Logs that are symbolic links, led on from file to file as glog, cronolog and winston do."""

from __future__ import annotations

import gzip
import os
import time
from typing import TYPE_CHECKING

import pytest

from logstream.records import GapReason
from logstream.tail.batch import Birth, Hole
from tests.tail_kit import RecordingSink, first_run, looked_everywhere, second_run, source, tailing, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path


def glog(number: int, severity: str = "INFO") -> str:
    return f"app.host.root.log.{severity}.20261128-{100_000 + number}.{9_000 - 7 * number}"


def by_day(number: int) -> str:
    return f"web-2026-11-{10 + number}.log"


def lead(link: Path, target: Path) -> None:
    """At one stroke: the link is never absent."""
    fresh = link.with_name("fresh-link")
    fresh.symlink_to(target)
    fresh.rename(link)


def lead_on(link: Path, directory: Path, numbers: Iterable[int], name: Callable[[int], str] = glog) -> None:
    """As such programs do: a file is begun, here with its number as its one line, and the link leads to it."""
    for number in numbers:
        write(directory / name(number), b"%d\n" % number)
        lead(link, directory / name(number))


@pytest.mark.parametrize("name", [glog, by_day])
@pytest.mark.parametrize("switches", [1, 2, 3, 5])
@pytest.mark.parametrize("is_beside", [True, False])
async def test_a_link_that_is_led_on_while_down_loses_nothing(
    tmp_path: Path, name: Callable[[int], str], switches: int, *, is_beside: bool
) -> None:
    """Conformance: D10."""
    sink, targets = RecordingSink(), tmp_path / "targets"
    targets.mkdir()
    link = (targets if is_beside else tmp_path) / "app.INFO"
    spec = source(link)
    write(targets / name(0), b"history\n")
    lead_on(link, targets, [1], name)
    await first_run(sink, spec, 1)
    write(targets / name(1), b"late\n")
    lead_on(link, targets, range(2, 2 + switches), name)
    texts = [b"1", b"late", *(b"%d" % number for number in range(2, 2 + switches))]
    assert await second_run(sink, spec, len(texts)) == texts
    assert {birth.file for birth in sink.of_kind(Birth)} == {str(link)}
    births = sink.of_kind(Birth)
    write(targets / name(1 + switches), b"last\n")
    assert await second_run(sink, spec, len(texts) + 1) == [*texts, b"last"]
    assert sink.of_kind(Birth) == births
    assert not sink.of_kind(Hole)


async def test_a_link_that_is_led_on_twice_between_two_looks_loses_nothing(tmp_path: Path) -> None:
    """Conformance: D10."""
    sink, link = RecordingSink(), tmp_path / "app.INFO"
    lead_on(link, tmp_path, [1])
    async with tailing(sink, source(link)):
        await sink.first(1)
        lead_on(link, tmp_path, (2, 3, 4))
        assert await sink.first(4) == [b"1", b"2", b"3", b"4"]
    assert not sink.of_kind(Hole)


async def test_links_of_one_directory_each_have_their_own_files(tmp_path: Path) -> None:
    sink = RecordingSink()
    links = {severity: tmp_path / f"app.{severity}" for severity in ("INFO", "WARNING")}
    spec = source(*links.values())

    def begin(number: int) -> None:
        for severity, link in links.items():
            write(tmp_path / glog(number, severity), b"%s %d\n" % (severity.encode(), number))
            lead(link, tmp_path / glog(number, severity))
        write(tmp_path / glog(number, "ERROR"), b"of no link\n")

    begin(1)
    await first_run(sink, spec, 2)
    for number in (2, 3, 4):
        begin(number)
    await second_run(sink, spec, 8)
    for severity, link in links.items():
        texts = [text for file, text in sink.lines if file == str(link)]
        assert texts == [b"%s %d" % (severity.encode(), number) for number in (1, 2, 3, 4)]
    assert len(sink.lines) == 8
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("switches", [1, 2, 3])
async def test_of_a_target_that_is_deleted_only_its_own_rest_is_a_gap(tmp_path: Path, switches: int) -> None:
    """Conformance: A7."""
    sink, link = RecordingSink(), tmp_path / "app.INFO"
    spec = source(link)
    write(tmp_path / glog(0), b"history\n")
    os.utime(tmp_path / glog(0), (1_000_000_000, 1_000_000_000))
    lead_on(link, tmp_path, [1])
    await first_run(sink, spec, 1)
    lead_on(link, tmp_path, range(2, 2 + switches))
    (tmp_path / glog(1)).unlink()
    texts = [b"%d" % number for number in range(1, 2 + switches)]
    assert await second_run(sink, spec, len(texts)) == texts
    assert [(hole.start, hole.end, hole.reason) for hole in sink.of_kind(Hole)] == [(2, None, GapReason.DELETED)]


async def test_what_was_deleted_between_leaves_what_is_there(tmp_path: Path) -> None:
    sink, link = RecordingSink(), tmp_path / "app.INFO"
    spec = source(link)
    lead_on(link, tmp_path, [1])
    await first_run(sink, spec, 1)
    lead_on(link, tmp_path, (2, 3, 4))
    (tmp_path / glog(2)).unlink()
    assert await second_run(sink, spec, 3) == [b"1", b"3", b"4"]
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("packed", [(1,), (2,), (1, 2), (1, 2, 3)])
async def test_targets_that_were_compressed_while_down_are_read_in_their_archives(
    tmp_path: Path, packed: tuple[int, ...]
) -> None:
    """Conformance: C2."""
    sink, link = RecordingSink(), tmp_path / "app.INFO"
    spec = source(link)
    lead_on(link, tmp_path, [1])
    await first_run(sink, spec, 1)
    write(tmp_path / glog(1), b"late\n")
    lead_on(link, tmp_path, (2, 3, 4))
    for number in packed:
        target = tmp_path / glog(number)
        write(tmp_path / f"{target.name}.gz", gzip.compress(target.read_bytes()))
        os.utime(tmp_path / f"{target.name}.gz", ns=(0, target.stat().st_mtime_ns))
        target.unlink()
    assert await second_run(sink, spec, 5) == [b"1", b"late", b"2", b"3", b"4"]
    assert not sink.of_kind(Hole)


async def test_what_stands_beside_a_link_s_targets_and_is_none_is_left_alone(tmp_path: Path) -> None:
    sink, link, elsewhere = RecordingSink(), tmp_path / "app.INFO", tmp_path / "elsewhere"
    spec = source(link)
    lead_on(link, tmp_path, [1])
    await first_run(sink, spec, 1)
    write(tmp_path / glog(4), b"4\n")
    write(elsewhere, b"elsewhere\n")
    (tmp_path / glog(2)).mkdir()
    os.mkfifo(tmp_path / f"{glog(2)}1")
    (tmp_path / f"{glog(2)}2").symlink_to(elsewhere)
    (tmp_path / f"{glog(2)}3").symlink_to("nowhere")
    os.link(tmp_path / glog(4), tmp_path / f"{glog(3)}4")
    for name in (f"{glog(3)}~", f".{glog(3)}.swp", glog(3).replace("host", "host2"), glog(7), glog(3, "ERROR")):
        write(tmp_path / name, b"of no link\n")
    write(tmp_path / glog(3), b"3\n")
    os.link(tmp_path / glog(3), tmp_path / f"{glog(3)}6")
    lead(link, tmp_path / glog(4))
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await sink.first(3)
        await looked_everywhere(supervisor)
    assert sink.texts == [b"1", b"3", b"4"]
    assert not sink.of_kind(Hole)


async def test_a_file_that_was_not_written_to_since_the_last_look_is_history(tmp_path: Path) -> None:
    sink, link = RecordingSink(), tmp_path / "app.INFO"
    spec = source(link)
    lead_on(link, tmp_path, [1])
    await first_run(sink, spec, 1)
    write(tmp_path / glog(2), b"of long ago\n")
    long_ago = time.time() - 1_000
    os.utime(tmp_path / glog(2), (long_ago, long_ago))
    lead_on(link, tmp_path, [3])
    assert await second_run(sink, spec, 2) == [b"1", b"3"]
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("other", ["app.*.log.INFO.*", "app.host.root.log.INFO"])
async def test_a_file_that_another_source_asks_for_is_not_the_link_s(tmp_path: Path, other: str) -> None:
    sink, link = RecordingSink(), tmp_path / "app.INFO"
    specs = source(link, name="link"), source(tmp_path / other, name="other")
    if "*" not in other:
        write(tmp_path / other, b"base\n")
    lead_on(link, tmp_path, [1])
    async with tailing(sink, specs[0]):
        await sink.first(1)
    lead_on(link, tmp_path, (2, 3))
    async with tailing(sink, *specs, known=sink.known(), first_seen={"other"}) as supervisor:
        await sink.first(3)
        await looked_everywhere(supervisor)
    assert (str(link), b"2") not in sink.lines
    assert len(sink.texts) == len(set(sink.texts)), "none comes twice"


async def test_a_glob_that_matches_a_link_and_its_targets_reads_each_once(tmp_path: Path) -> None:
    """Conformance: D9."""
    sink, link = RecordingSink(), tmp_path / "app.INFO"
    spec = source(tmp_path / "*")
    lead_on(link, tmp_path, [1])
    await first_run(sink, spec, 1)
    lead_on(link, tmp_path, (2, 3, 4))
    assert sorted(await second_run(sink, spec, 4)) == [b"1", b"2", b"3", b"4"]
    assert not sink.of_kind(Hole)


async def test_a_link_whose_last_target_is_gone_leads_to_those_before(tmp_path: Path) -> None:
    sink, link = RecordingSink(), tmp_path / "app.INFO"
    spec = source(link)
    lead_on(link, tmp_path, [1])
    await first_run(sink, spec, 1)
    lead_on(link, tmp_path, (2, 3))
    lead(link, tmp_path / glog(4))
    assert await second_run(sink, spec, 3) == [b"1", b"2", b"3"]


async def test_more_targets_than_may_be_open_are_read_in_order(tmp_path: Path) -> None:
    sink, link = RecordingSink(), tmp_path / "app.INFO"
    spec = source(link)
    lead_on(link, tmp_path, [1])
    await first_run(sink, spec, 1)
    for number in range(2, 41):
        write(tmp_path / glog(number), b"%d\n" % number)
    lead(link, tmp_path / glog(40))
    async with tailing(sink, spec, known=sink.known(), first_seen=(), max_open_files=20):
        assert await sink.first(40) == [b"%d" % number for number in range(1, 41)]
    assert not sink.of_kind(Hole)


async def test_counts_may_be_of_writers_that_run_beside_each_other(tmp_path: Path) -> None:
    sink, link = RecordingSink(), tmp_path / "leader.log"
    spec = source(link)
    write(tmp_path / "app.1", b"1\n")
    lead(link, tmp_path / "app.1")
    await first_run(sink, spec, 1)
    write(tmp_path / "app.2", b"of another\n")
    write(tmp_path / "app.3", b"3\n")
    lead(link, tmp_path / "app.3")
    assert await second_run(sink, spec, 2) == [b"1", b"3"]
    assert not sink.of_kind(Hole)
