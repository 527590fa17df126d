"""A real Chromium on the built page; a mistake of the page's own fails the test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.running import SOURCES, Service, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE_MS = 20_000
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-quic", "--no-first-run"]
HEARTBEAT = "[stream]\nheartbeat_seconds = 0.5\n"


@pytest.fixture(name="service")
def _service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path, HEARTBEAT + SOURCES) as service:
        yield service


@pytest.fixture(name="page")
def _page(chromium: str) -> Iterator[Page]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda told: faults.append(told.text) if "Content Security Policy" in told.text else None)
        yield page
        browser.close()
    assert faults == []
