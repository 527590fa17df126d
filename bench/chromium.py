"""A headless Chromium for the benchmarks: its page, and what that page's process costs by the kernel's account."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from playwright.sync_api import Error, ViewportSize, sync_playwright

from bench.errors import BenchError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

_FLAGS: Final = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-quic", "--no-first-run")
_PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
VIEWPORT: Final = ViewportSize(width=1440, height=900)
_TRACED: Final = ("toplevel",)
_BUSY: Final = "() => { const until = performance.now() + 200; while (performance.now() < until); }"


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser, started anew. Raises BenchError."""
    program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if program is None:
        message = "Chromium is not installed (on Debian: apt install chromium)"
        raise BenchError(message)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=program, args=list(_FLAGS))
            yield browser
            browser.close()
        except Error as cause:
            message = f"Chromium: {cause}"
            raise BenchError(message) from cause


class PageProcess:
    """The process in which the one page of a browser runs."""

    def __init__(self, browser: Browser, page: Page) -> None:
        """Find it among the browser's."""
        told = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
        renderers = [process["id"] for process in told["processInfo"] if process["type"] == "renderer"]
        before = {number: _main_thread_seconds(number)[0] for number in renderers}
        page.evaluate(_BUSY)
        # A browser keeps others in reserve; nothing tells which is the page's but that it works when the page does.
        self.number: int = max(renderers, key=lambda number: _main_thread_seconds(number)[0] - before[number])
        self._browser = browser
        self._page = page
        self._protocol = page.context.new_cdp_session(page)

    def collect_garbage(self) -> None:
        """Let the page forget what nobody holds."""
        self._protocol.send("HeapProfiler.collectGarbage")

    def heap_bytes(self) -> int:
        """What the page's scripts hold."""
        return int(self._protocol.send("Runtime.getHeapUsage")["usedSize"])

    def resident_bytes(self) -> int:
        """Memory of the process, of pages shared with others its share (proc(5), smaps_rollup)."""
        text = Path(f"/proc/{self.number}/smaps_rollup").read_text()
        return next(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:"))

    def main_thread_seconds(self) -> tuple[float, float]:
        """How long its main thread has run, and how long it wanted to and another did (schedstat)."""
        return _main_thread_seconds(self.number)

    def begin_trace(self) -> None:
        """Note from now on each task of each thread."""
        self._browser.start_tracing(page=self._page, categories=list(_TRACED))

    def end_trace(self) -> bytes:
        """What was noted, as Chromium tells it: JSON."""
        return self._browser.stop_tracing()


def _main_thread_seconds(process: int) -> tuple[float, float]:
    ran, waited, _ = Path(f"/proc/{process}/task/{process}/schedstat").read_text().split()
    return int(ran) / 1e9, int(waited) / 1e9
