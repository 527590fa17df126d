"""The same page in each engine, Chromium's, Firefox's and WebKit's: what people see through cuts, restarts and sleep.

Each browser is started once, and each scenario has a tab and a service of its own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.browser.driven import (
    FAULTS,
    NEWEST_IS_SEEN,
    Browser,
    Tab,
    asleep,
    expect_lines,
    expect_state,
    expect_true,
    open_page,
)
from tests.browser.in_chromium import chromium_browser
from tests.browser.in_firefox import firefox_browser
from tests.browser.in_webkit import webkit_browser
from tests.browser.proxied import nginx_before
from tests.relay import Relay
from tests.running import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.running import Service

# The first scenario of each engine starts its browser, which takes a while on a busy machine.
pytestmark = pytest.mark.timeout(120)

QUERY = 'header [role="combobox"]'
PILL = "button.newest"
PILL_SAYS = f"words => document.querySelector('{PILL}')?.innerText.includes(words) ?? false"
LIST_WIDTH = """() => document.querySelector('[role="log"]').clientWidth"""
CHOSEN_TOP = "() => document.querySelector('.row.chosen')?.getBoundingClientRect().top ?? null"
# While nobody reads, more lines come than the 500 that a page begins with: only an exact resume brings them all.
MANY = 1000
# What a browser opens to one origin over HTTP/1.1, less one for what a page asks beside its stream.
MOST_STREAMS = 5


@pytest.fixture(scope="module", name="browser", params=["chromium", "firefox", "webkit"])
def _browser(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    folder = tmp_path_factory.mktemp(request.param)
    starts: dict[str, Callable[[], AbstractContextManager[Browser]]] = {
        "chromium": lambda: chromium_browser(request.getfixturevalue("chromium")),
        "firefox": lambda: firefox_browser(folder),
        "webkit": lambda: webkit_browser(folder),
    }
    with starts[request.param]() as browser:
        yield browser


@pytest.fixture(name="tabs")
def _tabs(browser: Browser) -> Iterator[Callable[[], Tab]]:
    """Opens tabs. At the end no page may have made a mistake."""
    opened: list[Tab] = []

    def open_tab() -> Tab:
        opened.append(browser.new_tab())
        return opened[-1]

    yield open_tab
    faults = [fault for tab in opened for fault in tab.run(FAULTS)]
    for tab in opened:
        tab.close()
    assert faults == []


@pytest.fixture(name="tab")
def _tab(tabs: Callable[[], Tab]) -> Tab:
    return tabs()


def streams_open(service: Service) -> int:
    found = re.search(r"^logstream_streams_open (\d+)", service.get("/metrics").text, re.MULTILINE)
    assert found is not None
    return int(found[1])


def numbered(first: int, end: int) -> list[str]:
    return [f"2026-11-23T10:00:00Z INFO line {number:04}" for number in range(first, end)]


def test_lines_come_a_query_filters_them_and_the_list_follows_or_stays(service: Service, tab: Tab) -> None:
    service.write("a.log", *numbered(0, 3))
    service.wait_until_read("a.log")
    open_page(tab, service.url)
    expect_state(tab, "live")
    expect_lines(tab, numbered(0, 3))
    service.write("a.log", "ERROR disk full")
    expect_lines(tab, [*numbered(0, 3), "ERROR disk full"])

    tab.click(QUERY)
    tab.type("disk\n")
    expect_lines(tab, ["ERROR disk full"])
    assert "q=disk" in tab.run("() => location.href")

    open_page(tab, service.url)
    service.write("a.log", *numbered(4, 2000))
    expect_true(tab, "() => document.querySelector('[role=\"log\"]').innerText.includes('line 1999')")
    assert tab.run(NEWEST_IS_SEEN)
    tab.type(" ")  # which pauses
    service.write("a.log", "one more")
    expect_true(tab, PILL_SAYS, "1 new line")
    tab.click(PILL)
    expect_true(tab, NEWEST_IS_SEEN)


def test_a_line_that_is_clicked_stays_under_the_pointer_when_the_list_becomes_narrower(
    service: Service, tab: Tab
) -> None:
    service.write("a.log", *[f"{line} {'that is long enough to wrap ' * 4}" for line in numbered(0, 200)])
    service.wait_until_read("a.log")
    open_page(tab, service.url)
    expect_state(tab, "live")
    expect_true(tab, NEWEST_IS_SEEN)
    width = tab.run(LIST_WIDTH)
    tab.click('[role="log"]')
    expect_true(tab, CHOSEN_TOP)
    before = tab.run(CHOSEN_TOP)
    expect_true(tab, f"width => ({LIST_WIDTH})() < width", width)

    expect_true(tab, f"top => Math.abs(({CHOSEN_TOP})() - top) <= 1", before)


def test_a_killed_server_that_comes_back_is_gone_on_with_exactly(service: Service, tab: Tab) -> None:
    service.write("a.log", *numbered(0, 3))
    service.wait_until_read("a.log")
    open_page(tab, service.url)
    expect_lines(tab, numbered(0, 3))
    expect_state(tab, "live")
    service.kill()
    expect_state(tab, "waiting")
    service.write("a.log", *numbered(3, MANY))
    service.start()
    service.write("a.log", *numbered(MANY, MANY + 3))

    expect_lines(tab, numbered(0, MANY + 3))
    expect_state(tab, "live")


def test_the_502_of_a_proxy_is_waited_out(service: Service, tab: Tab, tmp_path: Path) -> None:
    (tmp_path / "nginx").mkdir()
    service.write("a.log", *numbered(0, 3))
    service.wait_until_read("a.log")
    with nginx_before(service, tmp_path / "nginx") as url:
        open_page(tab, url)
        expect_lines(tab, numbered(0, 3))
        expect_state(tab, "live")
        service.kill()
        assert httpx.get(url, trust_env=False).status_code == 502
        expect_true(tab, "() => document.querySelector('main').innerText.includes('502')")
        service.write("a.log", *numbered(3, MANY))
        service.start()

        expect_lines(tab, numbered(0, MANY))
        expect_state(tab, "live")


@pytest.mark.parametrize("how", ["cut", "swallow"])
def test_a_network_that_was_gone_is_back_and_nothing_is_missing(service: Service, tab: Tab, how: str) -> None:
    """By `swallow` nothing is closed: only the pings that do not come can tell."""
    service.write("a.log", *numbered(0, 3))
    service.wait_until_read("a.log")
    with Relay(service.port) as network:
        open_page(tab, network.url)
        expect_lines(tab, numbered(0, 3))
        expect_state(tab, "live")
        getattr(network, how)()
        tab.tell_offline(is_offline=True)
        service.write("a.log", *numbered(3, MANY))
        expect_state(tab, "waiting", "connecting")
        network.restore()
        tab.tell_offline(is_offline=False)

        expect_lines(tab, numbered(0, MANY))
        expect_state(tab, "live")


@pytest.mark.parametrize("meanwhile", ["nothing", "swallow", "restart"])
def test_a_browser_that_slept_goes_on_where_it_was(
    service: Service, browser: Browser, tab: Tab, meanwhile: str
) -> None:
    """While nobody reads it, its connection stays, is forgotten somewhere on the way, or is reset by a new server."""
    service.write("a.log", *numbered(0, 3))
    service.wait_until_read("a.log")
    with Relay(service.port) as network:
        open_page(tab, network.url)
        expect_lines(tab, numbered(0, 3))
        expect_state(tab, "live")
        with asleep(browser):
            service.write("a.log", *numbered(3, 6))
            service.wait_until_read("a.log")
            if meanwhile == "swallow":
                network.swallow()
            if meanwhile == "restart":
                service.kill()
                service.start()
            service.write("a.log", *numbered(6, MANY))
            service.wait_until_read("a.log")
        if meanwhile == "swallow":
            expect_state(tab, "waiting", "connecting")
            network.restore()

        expect_lines(tab, numbered(0, MANY))
        expect_state(tab, "live")


def test_each_of_two_tabs_has_every_line_once(service: Service, tabs: Callable[[], Tab]) -> None:
    service.write("a.log", *numbered(0, 3))
    service.wait_until_read("a.log")
    both = [tabs(), tabs()]
    for tab in both:
        open_page(tab, service.url)
        expect_lines(tab, numbered(0, 3))
    service.write("a.log", *numbered(3, 6))
    service.kill()
    service.start()
    service.write("a.log", *numbered(6, MANY))
    for tab in both:
        tab.show()
        expect_lines(tab, numbered(0, MANY))
        expect_state(tab, "live")


def test_as_many_tabs_as_a_browser_has_connections_for_are_all_live(service: Service, tabs: Callable[[], Tab]) -> None:
    """Over HTTP/1.1 six; where tabs share one connection, any number."""
    service.write("a.log", *numbered(0, 3))
    service.wait_until_read("a.log")
    opened = [tabs(), tabs()]
    for tab in opened:
        open_page(tab, service.url)
        expect_lines(tab, numbered(0, 3))
    count = 7 if streams_open(service) == 1 else MOST_STREAMS
    for _ in range(count - len(opened)):
        opened.append(tabs())
        open_page(opened[-1], service.url)
    service.write("a.log", *numbered(3, 6))
    for tab in opened:
        tab.show()
        expect_lines(tab, numbered(0, 6))
    first, *others = opened
    for tab in others:
        open_page(tab, "about:blank")
    eventually(lambda: streams_open(service) == 1)
    first.show()
    service.write("a.log", *numbered(6, 9))
    expect_lines(first, numbered(0, 9))
