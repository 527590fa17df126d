"""A download within the page, in a real Chromium: its progress, its file, and what is said when there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from logstream.access import User, change_users, hash_password
from tests.browser.barriers import barriers_in
from tests.browser.conftest import HEARTBEAT
from tests.running import SOURCES, running

if TYPE_CHECKING:
    from pathlib import Path

    from tests.running import Service

PASSWORD = "correct horse battery"  # noqa: S105 - of a test
MANY = tuple(
    f"2026-11-23T10:00:{number % 60:02}Z {'ERROR' if number % 4 == 0 else 'INFO'} line {number} {'é,' * 200}"
    for number in range(20_000)
)
"""With a query that a quarter of them match about 3 MB, without one 12 MB."""
FORMATS = {"text": "Text", "jsonl": "JSON lines", "csv": "CSV"}


@pytest.fixture(name="written")
def _written(service: Service) -> Service:
    service.write("a.log", *MANY)
    service.wait_until_read("a.log")
    return service


def choose(page: Page, name: str = "Text") -> None:
    page.get_by_role("button", name="View").click()
    page.get_by_role("link", name=name, exact=True).click()


def slow_down(page: Page) -> None:
    """The network, so that a download takes most of a minute."""
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    limits = {"offline": False, "latency": 0, "downloadThroughput": 300_000, "uploadThroughput": -1}
    network.send("Network.emulateNetworkConditions", limits)


def begin_slowly(page: Page, url: str) -> None:
    """A download that is under way: some of it has come."""
    page.goto(url)
    expect(page.locator('[role="log"] [data-id]').last).to_be_visible()
    slow_down(page)
    choose(page)
    progress = page.get_by_role("progressbar", name="Download")
    expect(progress).to_be_visible()
    page.wait_for_function("() => Number(document.querySelector('[role=progressbar]')?.ariaValueNow) > 0")
    assert 0 < int(progress.get_attribute("aria-valuenow") or 0) < 100


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_that_the_page_puts_together_is_the_servers_own(written: Service, page: Page, form: str) -> None:
    page.goto(f"{written.url}/?level=error&q=line")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with page.expect_download() as started:
        choose(page, FORMATS[form])
    plain = written.get(f"/api/v1/export?format={form}&q=(line) level:error").content

    assert started.value.path().read_bytes() == plain
    assert started.value.suggested_filename == {"text": "logstream.log"}.get(form, f"logstream.{form}")
    assert started.value.url.startswith("blob:")
    assert [url for url in asked if "/api/v1/export" in url and "progress=true" in url]
    expect(page.get_by_text("Downloaded: logstream.")).to_be_visible()
    page.get_by_role("region", name="Download").get_by_role("button", name="Close").click()
    expect(page.get_by_text("Downloaded: logstream.")).to_have_count(0)


def test_a_download_says_how_far_it_is_keeps_nobody_out_and_can_be_cancelled(written: Service, page: Page) -> None:
    saved: list[str] = []
    page.on("download", lambda download: saved.append(download.url))
    begin_slowly(page, written.url)
    expect(page.get_by_text("Downloading: ")).to_contain_text("%, ")
    assert barriers_in(page) == []
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("progressbar")).to_have_count(0)
    # Whoever asks for it anew gets it.
    choose(page)
    expect(page.get_by_role("progressbar")).to_be_visible()
    assert saved == []


def test_a_download_whose_service_is_killed_says_so_saves_nothing_and_can_be_tried_again(
    written: Service, page: Page
) -> None:
    saved: list[str] = []
    page.on("download", lambda download: saved.append(download.url))
    begin_slowly(page, f"{written.url}/?q=line")
    written.kill()
    expect(page.get_by_text("The download was cut off before its end, and nothing was saved.")).to_be_visible()
    assert barriers_in(page) == []
    assert saved == []
    region = page.get_by_role("region", name="Download")
    region.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("Nothing was downloaded. The server cannot be reached.")).to_be_visible()
    written.start()
    region.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("progressbar")).to_be_visible()


def test_a_download_with_a_query_that_is_none_says_what_is_wrong_with_it(service: Service, page: Page) -> None:
    service.write("a.log", "one")
    page.goto(f"{service.url}/?q=(")
    choose(page)
    region = page.get_by_role("region", name="Download")
    expect(region).to_contain_text("Nothing was downloaded.")
    expect(region).to_contain_text("Correct the query above and press Enter.")


def test_with_a_key_held_the_link_is_the_browsers_own(service: Service, page: Page) -> None:
    service.write("a.log", "one")
    service.wait_until_read("a.log")
    page.goto(service.url)
    page.get_by_role("button", name="View").click()
    with page.expect_download() as started:
        page.get_by_role("link", name="Text", exact=True).click(modifiers=["Alt"])

    assert started.value.url == f"{service.url}/api/v1/export?format=text"
    assert started.value.path().read_text() == "one\n"


@pytest.mark.parametrize("prefix", ["", "/some/logs"])
def test_a_download_is_of_what_the_reader_may_see_also_below_another_path(
    tmp_path: Path, page: Page, prefix: str
) -> None:
    user = User("alice", ("app",), hash_password(PASSWORD))
    change_users(tmp_path / "state" / "users.json", lambda users: users.with_user(user))
    with running(tmp_path, f'[server]\nroot_path = "{prefix}"\n{HEARTBEAT}{SOURCES}') as service:
        service.write("a.log", "one", "two")
        page.goto(f"{service.url}{prefix}/")
        page.get_by_label("Name").fill("alice")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.locator('[role="log"] [data-id]')).to_have_count(2)
        with page.expect_download() as started:
            choose(page)
        assert started.value.path().read_text() == "one\ntwo\n"
        page.context.clear_cookies()
        choose(page)
        expect(page.get_by_label("Password")).to_be_visible()
