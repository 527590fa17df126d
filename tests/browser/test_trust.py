"""What the page says of its own completeness, in a real Chromium, against what became of the lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import Page, expect

from tests.relay import Relay

if TYPE_CHECKING:
    from tests.running import Service

BADGE = "#sources .badge"


def test_a_source_is_complete_through_a_restart_and_not_beyond_lines_that_were_lost(
    service: Service, page: Page
) -> None:
    service.write("a.log", "one")
    with Relay(service.port) as network:
        page.goto(network.url)
        badge = page.locator(BADGE)
        expect(badge).to_have_count(1)
        expect(badge).to_have_text(re.compile(r"complete since \d\d:\d\d:\d\d, 0 lost$"))
        since = badge.inner_text().split(",")[0]
        service.kill()
        expect(badge).to_contain_text(" to ")
        service.write("a.log", "two")
        service.start()
        expect(badge).to_contain_text("0 lost, 1 reconnect")
        assert badge.inner_text().split(",")[0] == since

        network.cut()
        expect(badge).to_contain_text(" to ")
        service.write("a.log", "three", "four")
        service.wait_until_read("a.log")
        (service.logs / "a.log").write_bytes(b"new\n")
        service.wait_until_read("a.log")
        service.kill()  # or the server would still have the lost lines in memory, and deliver them
        service.start()
        network.restore()

        expect(badge).to_contain_text("2 lines lost, 2 reconnects")
        assert badge.inner_text().split(",")[0] != since
