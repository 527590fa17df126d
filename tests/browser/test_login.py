"""Logging in and out in a real Chromium: from a view to the login page, back to the same view, and out again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from logstream.access import User, change_users, hash_password
from tests.browser.barriers import barriers_in
from tests.browser.conftest import HEARTBEAT
from tests.running import Service, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSWORD = "correct horse battery"  # noqa: S105 - of a test
HASH = hash_password(PASSWORD)
SOURCES = """
[[source]]
name = "app"
paths = ["logs/app*.log"]
[[source]]
name = "secret"
paths = ["logs/secret*.log"]
"""


@pytest.fixture(name="guarded", params=["", "/logs"])
def _guarded(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Service, str]]:
    change_users(tmp_path / "state" / "users.json", lambda users: users.with_user(User("alice", ("app",), HASH)))
    with running(tmp_path, f'[server]\nroot_path = "{request.param}"\n{HEARTBEAT}{SOURCES}') as service:
        service.write("app.log", "ERROR first", "INFO second")
        service.write("secret.log", "ERROR hidden")
        yield service, service.url + request.param


def log_in(page: Page, password: str = PASSWORD) -> None:
    page.get_by_label("Name").fill("alice")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def expect_rows(page: Page, texts: list[str]) -> None:
    expect(page.locator('[role="log"] [data-id] .text')).to_have_text(texts)


def test_a_view_leads_to_the_login_and_back_and_out_again(guarded: tuple[Service, str], page: Page) -> None:
    service, url = guarded
    page.goto(f"{url}/?q=level%3Aerror#there")
    expect(page).to_have_url(f"{url}/login?q=level%3Aerror#there")
    expect(page.get_by_label("Name")).to_be_focused()
    log_in(page, "wrong password")
    expect(page.get_by_role("alert")).to_have_text("The name or the password is wrong.")
    log_in(page)
    expect(page).to_have_url(f"{url}/?q=level%3Aerror#there")
    expect_rows(page, ["ERROR first"])
    expect(page.locator("#sources")).to_contain_text("app")
    expect(page.locator("#sources")).not_to_contain_text("secret")
    service.write("app.log", "ERROR third")
    expect_rows(page, ["ERROR first", "ERROR third"])

    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (
        True,
        "Lax",
        url.partition(service.url)[2] or "/",
    )
    assert page.evaluate("document.cookie") == ""

    page.get_by_role("button", name=re.compile("^View")).click()
    expect(page.get_by_text("Logged in as alice")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(f"{url}/login?q=level%3Aerror#there")
    assert page.context.cookies() == []
    page.goto(f"{url}/")
    expect(page).to_have_url(f"{url}/login")


def test_an_open_page_leads_to_the_login_when_its_session_ends(guarded: tuple[Service, str], page: Page) -> None:
    service, url = guarded
    page.goto(f"{url}/?q=level%3Aerror")
    log_in(page)
    expect_rows(page, ["ERROR first"])
    page.context.clear_cookies()
    service.kill()
    service.start()
    expect(page).to_have_url(f"{url}/login?q=level%3Aerror")
    log_in(page)
    expect_rows(page, ["ERROR first"])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_login_page_has_no_barrier(guarded: tuple[Service, str], page: Page, language: str) -> None:
    _, url = guarded
    page.goto(f"{url}/login")
    page.evaluate(f"localStorage.setItem('logstream.settings', JSON.stringify({{language: '{language}'}}))")
    page.reload()
    page.locator("form button").click()
    page.get_by_role("textbox").first.fill("alice")
    page.locator("[type=password]").fill("wrong password")
    page.locator("form button").click()
    expect(page.get_by_role("alert")).not_to_be_empty()
    assert barriers_in(page) == []


def test_the_login_page_speaks_chinese_and_follows_the_colour_scheme(guarded: tuple[Service, str], page: Page) -> None:
    _, url = guarded
    page.goto(f"{url}/login")
    page.evaluate("localStorage.setItem('logstream.settings', JSON.stringify({language: 'zh'}))")
    page.emulate_media(color_scheme="dark")
    page.reload()
    expect(page.get_by_role("button", name="登录")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="light")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark


@pytest.mark.parametrize("behind", ["?next=https://evil.example.org", "?//evil.example.org", "#//evil.example.org"])
def test_no_address_leads_anywhere_else(guarded: tuple[Service, str], page: Page, behind: str) -> None:
    _, url = guarded
    page.goto(f"{url}/login{behind}")
    log_in(page)
    expect(page.locator("#query")).to_be_visible()
    assert page.url.startswith(f"{url}/")
