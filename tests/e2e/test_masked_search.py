"""Searches through the past of a source whose secrets are masked: what is masked is what can be found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.running import SOURCES, running

if TYPE_CHECKING:
    from pathlib import Path

RULE = """
[[rule]]
name = "tokens"
match = 'token=\\w+'
redact = true
"""


def test_a_search_finds_the_mask_and_not_the_secret(tmp_path: Path) -> None:
    """Whole stretches of a file are passed over where a query cannot match: that must ask for what is shown."""
    with running(tmp_path, SOURCES + RULE) as service:
        service.write("a.log", *(f"line {number}" for number in range(5_000)), "user token=hunter2 came")
        service.write("a.log", *(f"line {number}" for number in range(5_000)), "end")
        service.wait_until_read("a.log")
        service.kill()  # else it would be found in memory
        service.start()
        with service.stream(from_="start", q='"***" OR end') as stream:
            assert stream.texts(2) == ["user *** came", "end"]
        with service.stream(from_="start", q="hunter2 OR end") as stream:
            assert stream.texts(1) == ["end"]
        with service.stream(from_="-1", q='"***"') as stream:
            assert stream.texts(1) == ["user *** came"]
