"""What is written to a page: so many lines for the time, each with its number and with when it was written."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bench.page_feed import LINES_A_SECOND, Writer

if TYPE_CHECKING:
    from pathlib import Path

LINE = re.compile(r"(?P<time>\S{24}) (?:INFO |ERROR) \[worker-\d\] shop\.orders: order n=(?P<number>\d{9}) .* ms")


def test_a_second_has_its_number_of_lines_in_order_each_with_its_time(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    began = datetime.now(UTC).replace(microsecond=0)
    with Writer(log, 0.1) as writer:
        written = writer.wait()
    found = [LINE.fullmatch(line) for line in log.read_text().splitlines()]

    assert written == LINES_A_SECOND // 10
    assert [int(line["number"]) if line else None for line in found] == list(range(written))
    assert all(line and began <= datetime.fromisoformat(line["time"]) <= datetime.now(UTC) for line in found)


def test_who_leaves_early_leaves_no_writer_behind(tmp_path: Path) -> None:
    with Writer(tmp_path / "a.log", 3600) as writer:
        pass

    assert writer.wait() < LINES_A_SECOND
