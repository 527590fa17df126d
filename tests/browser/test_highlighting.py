"""Expressions that a browser's own engine would be at for hours: the page marks what it can and goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.running import Service

LOG = '[role="log"]'


@pytest.mark.parametrize("expression", [r"/\w*\w*\w*\w*=/", "/(a+)+b/", "a*a*a*a*b"])
def test_an_expression_that_backtracks_without_end_holds_nothing_up_and_says_how_far_it_was_looked_for(
    service: Service, page: Page, expression: str
) -> None:
    service.write("a.log", *(f"{'a' * 3900} {number:03}" for number in range(60)))
    service.wait_until_read("a.log")
    page.goto(service.url)
    expect(page.locator(f"{LOG} .text").last).to_contain_text("059")
    page.keyboard.press("/")
    page.keyboard.type(expression)
    expect(page.locator(f"{LOG} .unsearched").last).to_contain_text("hits looked for in the first")
    page.keyboard.press("Escape")
    page.keyboard.press("N")
    expect(page.get_by_text("There is none further")).to_be_visible()
    page.get_by_role("combobox").fill("059")
    expect(page.locator(f"{LOG} .hit").last).to_have_text("059")
    expect(page.locator(f"{LOG} .unsearched")).to_have_count(0)
