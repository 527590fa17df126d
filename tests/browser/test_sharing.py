"""Many tabs of one browser, in a real Chromium over HTTP/1.1, where it has six connections to a server and no more."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import HEARTBEAT
from tests.running import SOURCES, Service, eventually, running

if TYPE_CHECKING:
    from pathlib import Path

LOG = '[role="log"]'
LINES = f"{LOG} [data-id] .text"
WITHOUT_WORKERS = "delete globalThis.SharedWorker"
SILENT_WORKERS = """
globalThis.SharedWorker = function () { return { port: new MessageChannel().port1, addEventListener() {} }; };
"""
BROKEN_WORKERS = """
const Real = SharedWorker;
globalThis.SharedWorker = function (address, options) { return new Real('assets/there-is-none.js', options); };
"""


def streams_open(service: Service, path: str = "") -> int:
    """How many streams the server has open."""
    figures = re.findall(r"^logstream_streams_open(?:{.*})? (\S+)$", service.get(f"{path}/metrics").text, re.MULTILINE)
    return round(sum(map(float, figures)))


def opened(page: Page, url: str) -> Page:
    """One more tab of the same browser."""
    tab = page.context.new_page()
    tab.on("pageerror", lambda error: pytest.fail(str(error)))
    tab.goto(url)
    return tab


def test_eight_tabs_live_on_one_stream_and_each_shows_each_line_once(service: Service, page: Page) -> None:
    service.write("a.log", "line 0")
    page.goto(service.url)
    tabs = [page]
    for number in range(1, 8):
        service.write("a.log", f"line {number}")
        tabs.append(opened(page, service.url))
    service.write("a.log", "line 8")
    for tab in tabs:
        expect(tab.locator(LINES)).to_have_text([f"line {number}" for number in range(9)])
        expect(tab.locator('[data-state="live"]')).to_be_attached()
    eventually(lambda: streams_open(service) == 1)

    service.kill()
    service.write("a.log", "line 9")
    service.start()
    for tab in tabs:
        expect(tab.locator(LINES)).to_have_text([f"line {number}" for number in range(10)])
        expect(tab.locator('[data-state="live"]')).to_be_attached()
    eventually(lambda: streams_open(service) == 1)


def test_tabs_with_different_views_have_a_stream_each_and_closed_tabs_leave_none(service: Service, page: Page) -> None:
    service.write("a.log", "alpha", "beta")
    page.goto("about:blank")
    one, other = opened(page, service.url), opened(page, f"{service.url}/?q=beta")
    expect(one.locator(LINES)).to_have_text(["alpha", "beta"])
    expect(other.locator(LINES)).to_have_text(["beta"])
    eventually(lambda: streams_open(service) == 2)
    one.close()
    eventually(lambda: streams_open(service) == 1)
    service.write("a.log", "more beta")
    expect(other.locator(LINES)).to_have_text(["beta", "more beta"])
    other.close()
    eventually(lambda: streams_open(service) == 0)


@pytest.mark.parametrize("script", [WITHOUT_WORKERS, BROKEN_WORKERS, SILENT_WORKERS], ids=["none", "broken", "silent"])
def test_without_a_worker_each_tab_has_its_own_stream(service: Service, page: Page, script: str) -> None:
    page.context.add_init_script(script)
    service.write("a.log", "one")
    page.goto(service.url)
    other = opened(page, service.url)
    service.write("a.log", "two")
    for tab in (page, other):
        expect(tab.locator(LINES)).to_have_text(["one", "two"])
        expect(tab.locator('[data-state="live"]')).to_be_attached()
    eventually(lambda: streams_open(service) == 2)


def test_a_pause_that_lasts_costs_the_server_nothing_and_goes_on_where_it_was(service: Service, page: Page) -> None:
    service.write("a.log", *(f"line {number:05}" for number in range(100)))
    page.goto(service.url)
    expect(page.locator(LOG)).to_contain_text("line 00099")
    page.keyboard.press("Space")
    # So many that the stream is let go at once, and not after half a minute.
    service.write("a.log", *(f"line {number:05}" for number in range(100, 6000)))
    pill = page.locator("button.newest")
    expect(pill).to_contain_text("new lines or more")
    expect(page.get_by_role("status").first).to_contain_text("paused")
    eventually(lambda: streams_open(service) == 0)
    service.write("a.log", "line 06000")
    page.keyboard.press("End")
    expect(page.get_by_text("line 06000")).to_be_in_viewport()
    expect(page.locator('[data-state="live"]')).to_be_attached()
    expect(page.get_by_role("button", name=re.compile("no level"))).to_contain_text("6,001")
    eventually(lambda: streams_open(service) == 1)


def test_a_paused_tab_goes_on_counting_while_another_follows(service: Service, page: Page) -> None:
    service.write("a.log", *(f"line {number:05}" for number in range(100)))
    page.goto(service.url)
    other = opened(page, service.url)
    expect(other.locator(LOG)).to_contain_text("line 00099")
    other.keyboard.press("Space")
    service.write("a.log", *(f"line {number:05}" for number in range(100, 6000)))
    expect(other.locator("button.newest")).to_contain_text("5,900 new lines")
    expect(other.locator('[data-state="live"]')).to_be_attached()
    eventually(lambda: streams_open(service) == 1)


def test_more_views_than_there_are_connections_for_say_so_and_go_on_once_one_is_free(
    service: Service, page: Page
) -> None:
    service.write("a.log", "one")
    page.goto("about:blank")
    tabs = [opened(page, f"{service.url}/?q=-none-of-{number}") for number in range(7)]
    for tab in tabs[:5]:
        expect(tab.locator('[data-state="live"]')).to_be_attached()
    for tab in tabs[5:]:
        expect(tab.get_by_text("no connection left for one more view")).to_be_visible()
        expect(tab.get_by_text("listen 443 ssl http2")).to_be_visible()
        # A connection is left for all that is not a stream.
        expect(tab.locator("#sources")).to_contain_text("1 file")
    assert streams_open(service) == 5

    tabs[0].close()
    service.write("a.log", "two")
    for tab in tabs[1:6]:
        expect(tab.locator(LINES)).to_have_text(["one", "two"])
    expect(tabs[6].locator('[data-state="crowded"]')).to_be_attached()
    assert streams_open(service) == 5


def test_tabs_share_a_stream_below_a_path_too(tmp_path: Path, page: Page) -> None:
    with running(tmp_path, f'{HEARTBEAT}[server]\nroot_path = "/some/logs"\n{SOURCES}') as service:
        service.write("a.log", "one")
        page.goto(f"{service.url}/some/logs/")
        other = opened(page, f"{service.url}/some/logs/")
        service.write("a.log", "two")
        for tab in (page, other):
            expect(tab.locator(LINES)).to_have_text(["one", "two"])
        eventually(lambda: streams_open(service, "/some/logs") == 1)
