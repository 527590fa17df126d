"""When following ends, where it begins, and the bar for a long read."""

from __future__ import annotations

import io
import sys
from typing import Any

import click
import pytest

from logstream.cli.following import Ending, moment_ms
from logstream.cli.following_files import LONG_BYTES, Bar
from logstream.following import CaughtUp, News, Told
from logstream.local import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def record(time: str | None) -> dict[str, Any]:
    return {"time": time}


def test_a_bar_is_drawn_for_a_long_read_on_a_terminal_and_cleared_before_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    bar = Bar()
    for read in (0, LONG_BYTES, LONG_BYTES * 2):
        bar.show(Progress(read, LONG_BYTES * 2))
    bar.clear()
    drawn = terminal.getvalue()
    bar.clear()

    assert "reading" in drawn
    assert "50%" in drawn
    assert drawn.count("\n") == 1
    assert terminal.getvalue() == drawn, "a bar that was cleared is not drawn again"


@pytest.mark.parametrize("size_bytes", [LONG_BYTES - 1, LONG_BYTES * 2])
def test_there_is_no_bar_for_a_short_read_or_in_a_pipe(monkeypatch: pytest.MonkeyPatch, size_bytes: int) -> None:
    is_short = size_bytes < LONG_BYTES
    monkeypatch.setattr(sys, "stderr", stderr := Terminal() if is_short else io.StringIO())
    bar = Bar()
    bar.show(Progress(0, size_bytes))
    bar.clear()

    assert stderr.getvalue() == ""


def test_only_what_is_older_is_shown() -> None:
    ending = Ending(is_endless=True, until_ms=moment_ms("2026-11-01T10:00"))
    lines = [record("2026-11-01T09:59:59.999Z"), record(None), record("2026-11-01T10:00:00Z")]

    assert ending.cut(Told(lines)) == Told(lines[:2])
    assert ending.cut(Told(lines[2:])) is None
    assert ending.cut(News("gap", {})) == News("gap", {})
    assert Ending(is_endless=True, until_ms=None).cut(Told(lines)) == Told(lines)


@pytest.mark.parametrize(
    ("is_endless", "until", "is_reached"),
    [(True, None, False), (False, None, True), (True, "2000-01-01", True), (True, "2999-01-01", False)],
)
def test_following_ends_once_it_has_caught_up_or_the_time_is_over(
    is_endless: bool,  # noqa: FBT001 - a parameter of the test
    until: str | None,
    is_reached: bool,  # noqa: FBT001 - as above
) -> None:
    ending = Ending(is_endless, moment_ms(until))

    assert ending.is_reached(CaughtUp()) is is_reached
    assert not ending.is_reached(Told([]))


def test_a_time_to_end_at_that_is_none_is_refused() -> None:
    with pytest.raises(click.UsageError, match="--until 'later': expected a time such as 2026-11-01"):
        moment_ms("later")
