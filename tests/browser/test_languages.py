"""The page in another language from one moment to the next: what was said before is said again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.running import Service

LOG = '[role="log"]'


def say_it_in_chinese(page: Page) -> None:
    page.get_by_role("button", name="View").click()
    page.get_by_label("中文").click()
    page.keyboard.press("Escape")


@pytest.mark.parametrize(
    ("identity", "english", "chinese"),
    [
        (
            "1.22222222.zz.1",
            "This id was not given out by this server, or its state was lost.",
            "该位置不是由这台服务器给出的",
        ),
        ("no-id", "This is not an id of this service.", "这不是本服务给出的位置"),
    ],
)
def test_why_a_line_cannot_be_shown(service: Service, page: Page, identity: str, english: str, chinese: str) -> None:
    service.write("a.log", "one")
    service.wait_until_read("a.log")
    page.goto(f"{service.url}/#/line/{identity}")
    context = page.locator(".context")
    expect(context).to_contain_text(f"This line cannot be shown. {english} Its file may have been deleted")
    say_it_in_chinese(page)
    expect(context).to_contain_text(f"无法显示该行。 {chinese}")


def test_what_happened_to_a_file(service: Service, page: Page) -> None:
    service.write("a.log", "one")
    page.goto(service.url)
    expect(page.locator('[data-state="live"]')).to_be_visible()
    (service.logs / "a.log").rename(service.logs / "a.log.1")
    service.write("a.log", "two")
    expect(page.locator(LOG)).to_contain_text("was rotated")
    say_it_in_chinese(page)
    expect(page.locator(LOG)).to_contain_text("已轮转")
    expect(page.locator(LOG)).not_to_contain_text("was rotated")
