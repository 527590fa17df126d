"""A browser of any engine, as far as the scenarios drive it: tabs that go somewhere, run a function, click and type.

Owns the words for it, and what can be said with them about the page. How an engine is told is in_*.py's.
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol

from tests.running import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

LINES = """() => [...document.querySelectorAll('[role="log"] [data-id] .text')].map(line => line.textContent)"""
COUNTED = """() => Number(document.querySelector('[role="log"]')?.dataset.lines ?? 0)"""
STATE = """() => document.querySelector('[role="status"]')?.dataset.state ?? null"""
NOTE_FAULTS = """() => {
  const faults = window.faults = [];
  addEventListener("error", event => faults.push(String(event.message)));
  addEventListener("unhandledrejection", event => faults.push(String(event.reason)));
  addEventListener("securitypolicyviolation", event => faults.push(event.violatedDirective + event.blockedURI));
}"""
FAULTS = "() => window.faults ?? []"
NEWEST_IS_SEEN = """() => {
  const log = document.querySelector('[role="log"]');
  const newest = [...log.querySelectorAll("[data-id]")].at(-1)?.getBoundingClientRect();
  const seen = log.getBoundingClientRect();
  return newest !== undefined && newest.height > 0 && newest.top >= seen.top && newest.bottom <= seen.bottom;
}"""

# A screen holds more.
_FEW_LINES = 20


class Tab(Protocol):
    """One page."""

    def go(self, url: str) -> None:
        """Load an address, until its document and scripts have been read."""

    def run(self, function: str, *arguments: object) -> Any:  # noqa: ANN401 - any JSON
        """What a function, whose source this is, gives in the page."""

    def show(self) -> None:
        """Bring it to the front."""

    def click(self, selector: str) -> None:
        """Press the mouse on the middle of the first element of this selector."""

    def type(self, text: str) -> None:
        """Press a key for each character; a line end is Enter."""

    def tell_offline(self, *, is_offline: bool) -> None:
        """Let the browser, or at least the page, believe that the network is gone, or back."""

    def close(self) -> None:
        """Leave the page."""


class Browser(Protocol):
    """A browser that runs, with one profile."""

    def new_tab(self) -> Tab:
        """A tab beside those that are open, in front of them."""

    def processes(self) -> list[int]:
        """All of its processes, by number."""


@contextmanager
def asleep(browser: Browser) -> Iterator[None]:
    """No process of the browser runs: no timer fires and nobody reads its connections, as when a lid is shut."""
    processes = browser.processes()
    assert processes
    try:
        _signal_all(processes, signal.SIGSTOP)
        yield
    finally:
        _signal_all(processes, signal.SIGCONT)


def _signal_all(processes: list[int], number: signal.Signals) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, number)


def open_page(tab: Tab, url: str) -> None:
    """Go there, and note from now on what goes wrong in the page."""
    tab.go(url)
    tab.run(NOTE_FAULTS)


def expect_lines(tab: Tab, lines: list[str]) -> None:
    """These lines, each once and in this order, have come; of many the last are drawn."""
    with suppress(AssertionError):
        eventually(lambda: tab.run(COUNTED) >= len(lines) and tab.run(LINES)[-1:] == lines[-1:])
    drawn = tab.run(LINES)
    assert drawn == lines[-len(drawn) :]
    assert len(drawn) >= min(len(lines), _FEW_LINES)
    assert tab.run(COUNTED) == len(lines)


def expect_state(tab: Tab, *states: str) -> None:
    """The connection is in one of these states now or soon."""
    with suppress(AssertionError):
        eventually(lambda: tab.run(STATE) in states)
    assert tab.run(STATE) in states


def expect_true(tab: Tab, function: str, *arguments: object) -> None:
    """The function gives something true now or soon."""
    eventually(lambda: bool(tab.run(function, *arguments)))
