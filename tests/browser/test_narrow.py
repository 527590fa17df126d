"""The page where there is little room, in a real Chromium."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.running import Service


@pytest.mark.parametrize("width", [320, 390, 640])
def test_lines_of_all_levels_do_not_make_a_narrow_page_scroll_sideways(
    service: Service, page: Page, width: int
) -> None:
    """320 is WCAG's 1.4.10, a wide screen at 400 %."""
    levels = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
    service.write("a.log", *(f"2026-11-01T10:00:0{n}Z {level} one" for n, level in enumerate(levels)), "none")
    service.wait_until_read("a.log")
    page.set_viewport_size({"width": width, "height": 640})
    page.goto(service.url)

    chips = page.get_by_role("group", name="Levels").get_by_role("button")
    expect(chips).to_have_count(len(levels) + 1)
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    # They are one row, which scrolls to what has the focus.
    for chip in chips.all():
        chip.focus()
        box = chip.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width


def test_on_a_phone_the_menu_is_within_the_page_and_the_newest_line_opens_under_a_finger(
    service: Service, page: Page
) -> None:
    service.write("a.log", *(f"line {n}" for n in range(100)))
    service.wait_until_read("a.log")
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(service.url)
    page.locator('[role="log"] [data-id]', has_text="line 99").click()
    expect(page.get_by_role("complementary")).to_contain_text("line 99")
    page.keyboard.press("Escape")
    pill = page.locator("button.newest").bounding_box()
    assert pill is not None
    assert pill["height"] < 40
    page.get_by_role("button", name="View").click()
    menu = page.locator("#view-menu").bounding_box()
    assert menu is not None
    assert menu["x"] >= 0
    assert menu["x"] + menu["width"] <= 360
