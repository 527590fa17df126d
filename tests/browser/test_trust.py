"""What the page says of its own completeness, in a real Chromium, against what became of the lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import Page, expect

from tests.relay import Relay

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession

    from tests.running import Service

BADGE = "#sources .badge"
LOG = '[role="log"]'
SLOW_BYTES_A_SECOND = 300_000


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


def test_somebody_who_is_far_behind_can_skip_to_the_newest_lines(service: Service, page: Page) -> None:
    # The network of a worker cannot be made slow from here.
    page.add_init_script("delete globalThis.SharedWorker")
    service.write("a.log", "begin")
    page.goto(service.url)
    expect(page.locator('[data-state="live"]')).to_be_visible()
    service.kill()
    service.write("a.log", *(f"old line {number:06} {'x' * 250}" for number in range(80_000)), "newest line")
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    throttle(network, SLOW_BYTES_A_SECOND)
    service.start()
    expect(page.get_by_text(re.compile(r"^\d+ MB behind\.$"))).to_be_visible()
    page.get_by_role("button", name="Skip to the newest lines").click()
    throttle(network, -1)

    expect(page.get_by_text("newest line")).to_be_in_viewport()
    expect(page.locator('[data-state="live"]')).to_be_visible()
    expect(page.get_by_role("button", name="Skip to the newest lines")).to_have_count(0)
    service.write("a.log", "one more")
    expect(page.get_by_text("one more")).to_be_in_viewport()
    # The end and what belongs on a page before it, of eighty thousand.
    assert int(page.locator(LOG).get_attribute("data-lines") or 0) == 501


def throttle(network: CDPSession, bytes_a_second: int) -> None:
    conditions = {"offline": False, "latency": 0, "downloadThroughput": bytes_a_second, "uploadThroughput": -1}
    network.send("Network.emulateNetworkConditions", conditions)
