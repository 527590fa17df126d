"""Fields as columns, in a real Chromium: chosen, aligned, remembered, in the link."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.running import Service

LOG = '[role="log"]'
LEFT_EDGES = "cells => [...new Set(cells.map(cell => cell.getBoundingClientRect().left))]"


def cells(page: Page, name: str) -> list[str]:
    return page.locator(f'{LOG} [data-name="{name}"]').all_inner_texts()


def shown(service: Service, page: Page) -> None:
    lines = [
        f'{{"level":"info","status":{200 + number % 7},"user":{{"name":"u{"x" * (number % 5)}"}}}}'
        for number in range(60)
    ]
    service.write("a.log", *lines, "plain text")
    service.wait_until_read("a.log")
    page.goto(service.url)
    expect(page.locator(f"{LOG} [data-id]").last).to_be_visible()


def test_a_field_becomes_a_column_from_the_drawer_aligned_remembered_and_in_the_link(
    service: Service, page: Page
) -> None:
    shown(service, page)
    page.keyboard.press("k")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    drawer = page.get_by_role("complementary", name="Line")
    for name in ("status", "user.name"):
        drawer.get_by_role("button", name=f"Show {name} in a column").click()
    page.keyboard.press("Escape")
    expect(page.locator(f'{LOG} [data-name="status"]').last).to_have_text("\u2013")
    assert set(cells(page, "status")) >= {"200", "206"}
    assert "column=status&column=user.name" in page.url
    for name in ("status", "user.name"):
        edges = page.locator(f'{LOG} [data-name="{name}"]').evaluate_all(LEFT_EDGES)
        head = page.locator(".head .field", has_text=name).bounding_box()
        assert head is not None
        assert len(edges) == 1
        assert abs(edges[0] - head["x"]) < 1

    # A link shows the same to somebody who has chosen nothing, and the choice is there without it.
    link = page.url
    page.goto(service.url)
    expect(page.locator(".head .field")).to_have_count(2)
    stranger = page.context.browser.new_page() if page.context.browser else page
    stranger.goto(link)
    expect(stranger.locator(".head .field")).to_have_count(2)
    stranger.close()


def test_the_menu_offers_the_fields_and_the_head_takes_a_column_away(service: Service, page: Page) -> None:
    shown(service, page)
    page.get_by_role("button", name="View").click()
    page.get_by_label("user.name").check()
    page.keyboard.press("Escape")
    expect(page.locator(".head .field")).to_have_text([re.compile("^user.name")])
    page.get_by_role("button", name="Take the column user.name away").click()
    expect(page.locator(".head")).to_have_count(0)
    expect(page.locator(f"{LOG} [data-name]")).to_have_count(0)
    expect(page.locator(f"{LOG} .text").last).to_have_text("plain text")


def heads(page: Page) -> list[str]:
    return page.locator(".head .name").all_inner_texts()


def test_columns_are_moved_by_keys_by_the_pointer_and_in_the_menu_remembered_and_in_the_link(
    service: Service, page: Page
) -> None:
    lines = [f'{{"one":{number},"two":"b{number}","three":"c{number}"}}' for number in range(30)]
    service.write("a.log", *lines)
    service.wait_until_read("a.log")
    page.goto(f"{service.url}/?column=one&column=two&column=three")
    expect(page.locator(".head .name")).to_have_text(["one", "two", "three"])

    name = page.get_by_role("button", name="one, column 1 of 3")
    name.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".head .name")).to_have_text(["two", "one", "three"])
    page.keyboard.press("ArrowRight")
    expect(page.locator(".head .name")).to_have_text(["two", "three", "one"])
    expect(page.get_by_role("button", name="one, column 3 of 3")).to_be_focused()
    expect(page.locator(".frame [role=status]")).to_have_text("one, column 3 of 3")
    page.keyboard.press("ArrowRight")
    assert heads(page) == ["two", "three", "one"]
    assert "column=two&column=three&column=one" in page.url

    three, two = (page.locator(".head .field", has_text=name).bounding_box() for name in ("three", "two"))
    assert three is not None
    assert two is not None
    page.mouse.move(three["x"] + 8, three["y"] + 8)
    page.mouse.down()
    page.mouse.move(two["x"] + 30, two["y"] + 9, steps=3)
    page.mouse.move(two["x"] + 2, two["y"] + 9, steps=3)
    expect(page.locator('.head [data-drop="before"]')).to_have_text(re.compile("two"))
    page.mouse.up()
    expect(page.locator(".head .name")).to_have_text(["three", "two", "one"])
    edges = page.locator(f'{LOG} [data-name="three"]').evaluate_all(LEFT_EDGES)
    head = page.locator(".head .field", has_text="three").bounding_box()
    assert head is not None
    assert abs(edges[0] - head["x"]) < 1

    page.get_by_role("button", name="View").click()
    page.get_by_role("button", name="Move two to the left").click()
    expect(page.locator(".head .name")).to_have_text(["two", "three", "one"])
    expect(page.get_by_role("button", name="Move two to the left")).to_be_focused()
    page.keyboard.press("Escape")
    assert "column=two&column=three&column=one" in page.url
    page.goto(service.url)
    expect(page.locator(".head .name")).to_have_text(["two", "three", "one"])


def test_a_drag_that_is_given_up_moves_nothing(service: Service, page: Page) -> None:
    service.write("a.log", *(f'{{"one":{number},"two":"b{number}"}}' for number in range(30)))
    service.wait_until_read("a.log")
    page.goto(f"{service.url}/?column=one&column=two")
    expect(page.locator(".head .name")).to_have_text(["one", "two"])
    page.locator(".head .name", has_text="one").hover()
    page.mouse.down()
    page.mouse.move(1000, 400, steps=3)
    expect(page.locator(".head [data-drop]")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator(".head [data-drop]")).to_have_count(0)
    page.mouse.up()
    assert heads(page) == ["one", "two"]
