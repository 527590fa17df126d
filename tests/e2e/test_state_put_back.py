"""A copy of an older state that is put back: what ids that were given out after it was made still lead to.

The real service and its files; copies as people make them, and put back as people do it.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.running import OWN_EVENTS, Service, Stream, running

if TYPE_CHECKING:
    from pathlib import Path


def keep_a_copy(service: Service, copy: Path, *, is_running: bool) -> None:
    """A copy of the state: of its directory while the service is stopped, else of the open database."""
    state = service.directory / "state"
    if not is_running:
        service.stop()
        shutil.copytree(state, copy)
        service.start()
        service.wait_until_ready()
        return
    copy.mkdir()
    with closing(sqlite3.connect(state / "journal.db")) as source, closing(sqlite3.connect(copy / "journal.db")) as to:
        source.backup(to)


def put_back(service: Service, copy: Path, *, is_over: bool) -> None:
    """Stop, put the copy in the state's place, or write it over what is there, and start."""
    service.stop()
    if not is_over:
        shutil.rmtree(service.directory / "state")
    shutil.copytree(copy, service.directory / "state", dirs_exist_ok=True)
    service.start()
    service.wait_until_ready()


def until(stream: Stream, last: str) -> list[str]:
    """The texts up to `last`; a gap on the way is a failure."""
    texts: list[str] = []
    while not texts or texts[-1] != last:
        event = stream.event()
        assert event.type != "gap", event
        if event.type not in OWN_EVENTS:
            texts.append(event.json["text"])
    return texts


def resumed(service: Service, last_id: str, end: str) -> tuple[dict[str, Any], list[str]]:
    """What `hello` says of an id, and the lines that follow, with a new one at their end."""
    with service.stream(last_event_id=last_id) as stream:
        hello = stream.expect("hello").json["resume"]
        service.write("end.log", end)
        return hello, until(stream, end)


@pytest.mark.parametrize("is_over", [False, True], ids=["in its place", "written over it"])
@pytest.mark.parametrize("is_running", [False, True], ids=["copied while stopped", "copied while open"])
def test_after_an_older_state_is_put_back_no_line_is_missed_and_hello_says_that_some_may_come_twice(
    tmp_path: Path, *, is_over: bool, is_running: bool
) -> None:
    """What came after the copy was made is recorded anew, in another order: the same offset is not the same place."""
    with running(tmp_path) as service:
        for name in "ab":
            service.write(f"{name}.log", f"{name} 0")
            service.wait_until_read(f"{name}.log")
        keep_a_copy(service, tmp_path / "copy", is_running=is_running)
        for number in range(1, 4):
            service.write("b.log", f"b {number}")
            service.wait_until_read("b.log")
        with service.stream(from_="start") as stream:
            seen = stream.records(5)
        assert seen[-1]["text"] == "b 3"
        service.write("a.log", "a 1", "a 2")
        service.wait_until_read("a.log")
        put_back(service, tmp_path / "copy", is_over=is_over)
        for name in "ab":
            service.wait_until_read(f"{name}.log")

        hello, came = resumed(service, seen[-1]["id"], "end 1")
        assert hello["exact"] is False
        assert "an older state put back" in hello["reason"]
        assert sorted(came) == ["a 1", "a 2", "end 1"]
        hello, came = resumed(service, seen[1]["id"], "end 2")
        assert hello == {"from": seen[1]["id"], "exact": True, "reason": None}
        assert sorted(came) == ["a 1", "a 2", "b 1", "b 2", "b 3", "end 1", "end 2"]
        with service.stream(from_="start") as stream:
            anew = stream.records(9)
        assert len({record["id"] for record in anew}) == len({record["text"] for record in anew}) == 9
        for index in (2, 5, 7):
            with service.stream(last_event_id=anew[index]["id"]) as stream:
                assert stream.expect("hello").json["resume"]["exact"] is True
                assert stream.records(8 - index) == anew[index + 1 :]
        assert "is a copy, put back or moved here" in service.stderr


def test_a_state_that_is_moved_to_another_disk_still_knows_all_ids(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        service.write("a.log", "a 0", "a 1")
        service.wait_until_read("a.log")
        with service.stream(from_="start") as stream:
            first, second = stream.records(2)
        service.stop()
        shutil.copytree(tmp_path / "state", tmp_path / "moved")
        service.config = service.config.replace('"state"', '"moved"')
        service.start()
        service.write("b.log", "b 0")
        for record, expected in ((first, ["a 1", "b 0"]), (second, ["b 0"])):
            with service.stream(last_event_id=record["id"]) as stream:
                assert stream.expect("hello").json["resume"] == {"from": record["id"], "exact": True, "reason": None}
                assert stream.texts(len(expected)) == expected
