"""A log that loses its last lines, for those who watch, come back, or come later."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.running import running

if TYPE_CHECKING:
    from pathlib import Path


def test_lines_that_were_cut_off_are_a_gap_for_those_who_come_later(tmp_path: Path) -> None:
    """The gap is exact, and ids of all lines lead on, those of the lines that are gone too. Conformance: B6, B14."""
    lines = [f"line {number}" for number in range(20)]
    with running(tmp_path) as service:
        log = service.logs / "a.log"
        service.write("a.log", *lines)
        with service.stream(from_="start") as stream:
            records = stream.records(20)
            kept_bytes = len("".join(f"{line}\n" for line in lines[:17]))
            os.truncate(log, kept_bytes)
            service.write("a.log", "new")
            assert stream.texts(1) == ["new"]
        # Until then they are in memory.
        service.kill()
        service.start()
        service.write("a.log", "last")
        with service.stream(from_="start") as stream:
            assert stream.texts(17) == lines[:17]
            gap = stream.expect("gap")
            assert gap.json["reason"] == "truncated"
            assert (gap.json["from"], gap.json["to"]) == (kept_bytes, kept_bytes + 24)
            assert gap.json["lines"] == 3
            assert stream.texts(2) == ["new", "last"]
        for number in (5, 16, 17, 19):
            with service.stream(records[number]["id"]) as stream:
                assert stream.expect("hello").json["resume"]["exact"]
                assert stream.texts(max(0, 16 - number)) == lines[number + 1 : 17]
                if number < 19:
                    rest = stream.expect("gap").json
                    assert (rest["to"], rest["lines"]) == (kept_bytes + 24, min(3, 19 - number))
                assert stream.texts(2) == ["new", "last"]
        with service.stream(gap.id) as stream:
            assert stream.texts(2) == ["new", "last"]
