"""A headless Chromium for the benchmarks: its page, and what that page's process costs by the kernel's account."""

from __future__ import annotations

import shutil
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from playwright.sync_api import Error, ViewportSize, sync_playwright

from bench.errors import BenchError
from bench.page_tasks import Wait, process_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Browser, Page

_FLAGS: Final = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-quic", "--no-first-run")
_PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
VIEWPORT: Final = ViewportSize(width=1440, height=900)
# Tasks of all threads, what the page's consist of, and what collecting its garbage does.
_TRACED: Final = ("toplevel", "devtools.timeline", "disabled-by-default-v8.gc")
_LOOK_SECONDS: Final = 0.05
# Its event TracingStartedInBrowser names the process of each frame.
_TELLS_PROCESSES: Final = "disabled-by-default-devtools.timeline"


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


class Cost(NamedTuple):
    """What a page and its browser have cost up to a moment of the machine's clock, or between two.

    `waited_seconds`: how long the page's main thread wanted to run and another did (schedstat). `browser_seconds`: CPU
    time of all processes of the browser.
    """

    seconds: float
    main_thread_seconds: float
    waited_seconds: float
    browser_seconds: float

    def since(self, before: Cost) -> Cost:
        """What came after that moment."""
        return Cost(*(now - then for now, then in zip(self, before, strict=True)))

    @classmethod
    def sum(cls, costs: Sequence[Cost]) -> Cost:
        """Of several stretches."""
        return cls(*map(sum, zip(*costs, strict=True)))


class PageProcess:
    """The process in which the one page of a browser runs."""

    def __init__(self, browser: Browser, page: Page) -> None:
        """Find it: a browser keeps others in reserve, which look like it and work now and then. Raises BenchError."""
        self._browser_protocol = browser.new_browser_cdp_session()
        browser.start_tracing(page=page, categories=[_TELLS_PROCESSES])
        self.number: int = process_in(browser.stop_tracing())
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

    def cost(self) -> Cost:
        """What it and its browser have cost so far."""
        ran, waited = _main_thread_seconds(self.number)
        told = self._browser_protocol.send("SystemInfo.getProcessInfo")
        return Cost(time.monotonic(), ran, waited, sum(process["cpuTime"] for process in told["processInfo"]))

    @contextmanager
    def waits(self) -> Iterator[list[Wait]]:
        """How long its main thread has waited for a core, looked at again and again meanwhile."""
        looks: list[Wait] = []
        is_over = threading.Event()

        def look() -> None:
            while not is_over.wait(_LOOK_SECONDS):
                looks.append(Wait(1000 * time.monotonic(), 1000 * _main_thread_seconds(self.number)[1]))

        thread = threading.Thread(target=look, name="waits")
        thread.start()
        try:
            yield looks
        finally:
            is_over.set()
            thread.join()

    def begin_trace(self) -> None:
        """Note from now on each task of each thread."""
        self._browser.start_tracing(page=self._page, categories=list(_TRACED))

    def end_trace(self) -> bytes:
        """What was noted, as Chromium tells it: JSON."""
        return self._browser.stop_tracing()


def _main_thread_seconds(process: int) -> tuple[float, float]:
    ran, waited, _ = Path(f"/proc/{process}/task/{process}/schedstat").read_text().split()
    return int(ran) / 1e9, int(waited) / 1e9
