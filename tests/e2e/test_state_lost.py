"""The state lost whole (its directory wiped) or in part (a power loss): what an id from before still leads to.

The real service and its files; a power loss is the state as it was a while ago, and another boot.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.running import OWN_EVENTS, SOURCES, Service, Stream, eventually, running

if TYPE_CHECKING:
    from pathlib import Path


def lines(name: str, numbers: range) -> list[str]:
    return [f"{name} {number}" for number in numbers]


def fill(service: Service, rounds: int = 8) -> None:
    """Lines in three files by turns, each read before the next comes, so that their order is known."""
    for number in range(rounds):
        for name in "abc":
            service.write(f"{name}.log", *lines(name, range(number * 10, number * 10 + 10)))
            service.wait_until_read(f"{name}.log")


def wipe(service: Service) -> None:
    service.kill()
    shutil.rmtree(service.directory / "state")
    service.start()


def lose_power(service: Service, lasted: Path | None = None) -> None:
    """Start again as after a power loss, with the state that lasted: all of it, if none is named."""
    service.kill()
    if lasted is not None:
        shutil.rmtree(service.directory / "state")
        lasted.rename(service.directory / "state")
    with closing(sqlite3.connect(service.directory / "state" / "journal.db")) as connection, connection:
        connection.execute("UPDATE usage SET boot = 'another'")
    service.start()


def until(stream: Stream, last: str) -> tuple[list[str], list[dict[str, Any]]]:
    """The texts up to `last`, and the gaps on the way."""
    texts: list[str] = []
    gaps = []
    while not texts or texts[-1] != last:
        event = stream.event()
        if event.type == "gap":
            gaps.append(event.json)
        elif event.type not in OWN_EVENTS:
            texts.append(event.json["text"])
    return texts, gaps


def names_of(gaps: list[dict[str, Any]]) -> list[str]:
    return sorted(gap["file"].rpartition("/")[2] for gap in gaps)


def test_after_the_state_is_lost_the_file_of_an_id_goes_on_exactly_and_the_others_are_gaps(tmp_path: Path) -> None:
    """Conformance: H5, H6."""
    with running(tmp_path) as service:
        fill(service)
        with service.stream(from_="start") as stream:
            seen = stream.records(240)
        at = next(index for index, record in enumerate(seen) if record["text"] == "b 43")
        wipe(service)  # the client is back before anything has been read
        with service.stream(last_event_id=seen[at]["id"]) as stream:
            hello = stream.expect("hello").json["resume"]
            assert (hello["from"], hello["exact"]) == (seen[at]["id"], True)
            assert "lost" in hello["reason"]
            texts, gaps = until(stream, "b 79")
            assert names_of(gaps) == ["a.log", "c.log"]
            assert {gap["reason"] for gap in gaps} == {"index_lost"}
            assert [gap["to"] for gap in gaps] == [service.logs.joinpath(f"{name}.log").stat().st_size for name in "ac"]
            assert texts == lines("b", range(44, 80))
            service.write("a.log", "a new")
            service.write("b.log", "b new")
            assert sorted(stream.texts(2)) == ["a new", "b new"]


def test_a_cut_on_the_way_back_leads_to_the_same_way_back(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        fill(service)
        with service.stream(from_="start") as stream:
            seen = stream.records(240)
        last_id = next(record["id"] for record in seen if record["text"] == "b 20")
        wipe(service)
        service.wait_until_ready()
        came: list[str] = []
        while len(came) < 59:
            with service.stream(last_event_id=last_id) as stream:
                event = stream.event()
                while event.type in OWN_EVENTS:
                    assert event.type != "ping"
                    event = stream.event()
                came.append(event.json["text"])
                last_id = stream.last_id or ""
        assert came == lines("b", range(21, 80))
        with service.stream(last_event_id=last_id) as stream:
            stream.expect("hello")  # what is written before belongs to the gap of its file
            service.write("c.log", "c new")
            assert until(stream, "c new")[0] == ["c new"]


def test_who_comes_back_while_the_rest_of_a_lost_record_is_still_read_has_no_line_of_it_twice(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        service.write("a.log", *("a " + "x" * 98 for _ in range(600_000)))
        service.wait_until_read("a.log")
        service.write("b.log", "b 0")
        service.wait_until_read("b.log")
        with service.stream(from_="-1") as stream:
            assert stream.texts(1) == ["b 0"]
        wipe(service)
        with service.stream(last_event_id=stream.last_id) as stream:
            assert stream.expect("hello").json["resume"]["exact"]
            service.write("b.log", "b 1")
            texts, gaps = until(stream, "b 1")
    assert texts == ["b 1"]
    assert [gap["to"] for gap in gaps] == [(service.logs / "a.log").stat().st_size]


def test_who_has_come_back_after_a_lost_record_has_a_place_in_the_new_one_though_nothing_came(tmp_path: Path) -> None:
    """Else the way back would begin again at each cut, and what others write meanwhile would be left out."""
    with running(tmp_path) as service:
        fill(service, rounds=1)
        with service.stream(from_="start") as stream:
            seen = stream.records(30)
        for last in (seen[-1], seen[5]):
            wipe(service)
            service.wait_until_ready()
            with service.stream(last_event_id=last["id"]) as stream:
                ping = stream.expect("ping")
            service.write("a.log", "a new")
            service.wait_until_read("a.log")
            with service.stream(last_event_id=ping.id) as stream:
                assert stream.expect("hello").json["resume"] == {"from": ping.id, "exact": True, "reason": None}
                assert until(stream, "a new") == (["a new"], [])


def test_an_id_of_other_bytes_is_unknown_after_the_state_is_lost(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        fill(service, rounds=1)
        with service.stream(from_="start") as stream:
            (record,) = stream.records(1)
        path = service.logs / "a.log"
        service.kill()
        path.write_bytes(path.read_bytes().replace(b"a ", b"A "))
        shutil.rmtree(service.directory / "state")
        service.start()
        with service.stream(last_event_id=record["id"], from_="start") as stream:
            assert stream.expect("hello").json["resume"]["exact"] is False
            assert stream.expect("gap").json["reason"] == "unknown_id"
            assert len(stream.texts(30)) == 30


@pytest.mark.parametrize("names", [(), ("journal.db",), ("journal.db", "journal.db-wal", "journal.db-shm")])
def test_a_state_that_is_deleted_under_the_running_service_is_written_again_as_it_was(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    with running(tmp_path) as service:
        fill(service, rounds=1)
        with service.stream(from_="start") as stream:
            seen = stream.records(30)
            state = service.directory / "state"
            for name in names:
                (state / name).unlink()
            if not names:
                shutil.rmtree(state)
            service.write("a.log", "amid")
            amid = stream.texts(1)
            eventually(lambda: "the state can be written again" in service.stderr)
            service.wait_until_ready()
            service.write("b.log", "after")
            (after,) = stream.records(1)
        assert (amid, after["text"], after["id"]) == (["amid"], "after", stream.last_id)
        service.kill()
        service.start()
        for index in (0, 15, 29):
            with service.stream(last_event_id=seen[index]["id"]) as stream:
                assert stream.expect("hello").json["resume"]["reason"] is None
                assert stream.texts(31 - index) == [*(record["text"] for record in seen[index + 1 :]), "amid", "after"]


@pytest.mark.parametrize("is_clean", [False, True], ids=["power lost", "stopped before"])
def test_after_a_power_loss_no_line_is_missed_and_hello_says_that_some_may_come_twice(
    tmp_path: Path, *, is_clean: bool
) -> None:
    """Conformance: H12."""
    with running(tmp_path) as service:
        fill(service, rounds=3)
        (service.stop if is_clean else service.kill)()
        shutil.copytree(service.directory / "state", tmp_path / "lasted")
        service.start()
        if not is_clean:
            fill(service, rounds=2)
        with service.stream(from_="start") as stream:
            seen = stream.records(90 if is_clean else 150)
        lose_power(service, tmp_path / "lasted")
        ends: list[str] = []
        for index in (0, 45, 88, *(() if is_clean else (100, 127, 149))):
            with service.stream(last_event_id=seen[index]["id"]) as stream:
                hello = stream.expect("hello").json["resume"]
                is_sure = index < 90
                assert hello["exact"] is is_sure
                assert (hello["reason"] is None) is is_sure
                ends.append(f"end {index}")
                service.write("d.log", ends[-1])
                came, gaps = until(stream, ends[-1])
            left = [*(record["text"] for record in seen[index + 1 :]), *ends]
            assert not gaps
            if is_sure:
                assert sorted(came) == sorted(left)
            else:
                own = seen[index]["file"]
                assert set(came) >= set(left)
                assert not {record["text"] for record in seen[90 : index + 1] if record["file"] == own} & set(came)


def test_an_id_of_before_a_power_loss_is_told_from_one_of_after_it(tmp_path: Path) -> None:
    """The order in which lines are recorded anew is another one: the same offset is not the same place.

    Conformance: H12.
    """
    with running(tmp_path) as service:
        for name in "ab":
            service.write(f"{name}.log", f"{name} 0")
            service.wait_until_read(f"{name}.log")
        service.kill()
        shutil.copytree(service.directory / "state", tmp_path / "lasted")
        service.start()
        service.wait_until_ready()
        for number in range(1, 4):
            service.write("b.log", f"b {number}")
            service.wait_until_read("b.log")
        with service.stream(from_="start") as stream:
            last = stream.records(5)[-1]
        assert last["text"] == "b 3"
        service.write("a.log", "a 1", "a 2")
        service.wait_until_read("a.log")
        lose_power(service, tmp_path / "lasted")
        service.wait_until_ready()
        for name in "ab":
            service.wait_until_read(f"{name}.log")
        with service.stream(last_event_id=last["id"]) as stream:
            assert {"a 1", "a 2"} <= set(stream.texts(2))
        with service.stream(from_="start") as stream:
            anew = stream.records(7)
        with service.stream(last_event_id=anew[3]["id"]) as stream:
            assert stream.records(3) == anew[4:]


@pytest.mark.parametrize("afterwards", ["full", "process"])
def test_with_full_durability_each_line_comes_once_after_a_power_loss(tmp_path: Path, afterwards: str) -> None:
    """What is on the disk then is what was there at a kill: each commit waits for it. Conformance: H12."""
    with running(tmp_path, f'durability = "full"\n{SOURCES}') as service:
        fill(service, rounds=3)
        with service.stream(from_="start") as stream:
            seen = stream.records(90)
        service.config = service.config.replace("full", afterwards)
        lose_power(service)
        service.write("d.log", "end")
        for index in range(0, 90, 11):
            with service.stream(last_event_id=seen[index]["id"]) as stream:
                assert stream.expect("hello").json["resume"] == {
                    "from": seen[index]["id"], "exact": True, "reason": None,
                }  # fmt: skip
                assert stream.records(89 - index) == seen[index + 1 :]
                assert stream.texts(1) == ["end"]


def test_what_a_power_loss_took_is_told_though_durability_is_full_by_now(tmp_path: Path) -> None:
    """Conformance: H12."""
    with running(tmp_path) as service:
        fill(service, rounds=1)
        service.kill()
        shutil.copytree(service.directory / "state", tmp_path / "lasted")
        service.start()
        fill(service, rounds=1)
        with service.stream(from_="start") as stream:
            seen = stream.records(60)
        service.config = service.config.replace("[state]", '[state]\ndurability = "full"')
        lose_power(service, tmp_path / "lasted")
        with service.stream(last_event_id=seen[45]["id"]) as stream:
            assert not stream.expect("hello").json["resume"]["exact"]
            service.write("d.log", "end")
            came, gaps = until(stream, "end")
    assert not gaps
    assert {record["text"] for record in seen[46:]} <= set(came)
