"""Chromium for the scenarios, driven by Playwright."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from playwright.sync_api import sync_playwright

from tests.browser.conftest import FLAGS, PATIENCE_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page


class ChromiumTab:
    """A page of Playwright's."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def go(self, url: str) -> None:
        self._page.goto(url)

    def run(self, function: str, *arguments: object) -> Any:  # noqa: ANN401 - any JSON
        return self._page.evaluate(f"given => ({function})(...given)", list(arguments))

    def show(self) -> None:
        self._page.bring_to_front()

    def click(self, selector: str) -> None:
        self._page.locator(selector).first.click()

    def type(self, text: str) -> None:
        self._page.keyboard.type(text)

    def tell_offline(self, *, is_offline: bool) -> None:
        """Its own emulation: requests fail, and pages get the event from the browser."""
        self._page.context.set_offline(is_offline)

    def close(self) -> None:
        self._page.close()


class Chromium:
    """One context of a headless Chromium."""

    def __init__(self, browser: Browser, context: BrowserContext) -> None:
        self._context = context
        self._protocol = browser.new_browser_cdp_session()

    def new_tab(self) -> ChromiumTab:
        page = self._context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        return ChromiumTab(page)

    def processes(self) -> list[int]:
        told = self._protocol.send("SystemInfo.getProcessInfo")
        return [process["id"] for process in told["processInfo"]]


@contextmanager
def chromium_browser(program: str) -> Iterator[Chromium]:
    """A Chromium of this machine."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield Chromium(browser, browser.new_context(viewport={"width": 1280, "height": 800}))
        browser.close()
