"""Lines taken away from the page, by mouse and by keys, in a real Chromium with a real clipboard."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.running import Service

LOG = '[role="log"]'
CLIPBOARD = "() => navigator.clipboard.readText()"


def shown(service: Service, page: Page, *lines: str) -> None:
    service.write("a.log", *lines)
    service.wait_until_read("a.log")
    page.goto(service.url)
    expect(page.get_by_role("status").first).to_contain_text("live")
    expect(page.locator(f"{LOG} [data-id]").last).to_be_visible()


def test_a_shift_click_chooses_all_lines_between_also_those_that_are_not_drawn(service: Service, page: Page) -> None:
    lines = [f"line {number:03}" for number in range(300)]
    shown(service, page, *lines)
    page.get_by_text("line 299").click()
    expect(page.get_by_role("complementary")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator(LOG).hover()
    page.mouse.wheel(0, -4000)
    line = page.locator(f"{LOG} .text", has_text="line 100")
    expect(line).to_be_in_viewport()
    line.click(modifiers=["Shift"])
    expect(page.get_by_text("200 lines chosen")).to_be_visible()
    assert page.evaluate("() => String(getSelection())") == ""
    page.get_by_role("button", name="Copy text").click()
    expect(page.get_by_text("200 lines copied")).to_be_visible()
    assert page.evaluate(CLIPBOARD).split("\n") == lines[100:]
    page.get_by_role("button", name="Choose none").click()
    expect(page.get_by_text("lines chosen")).to_have_count(0)


def test_keys_choose_lines_and_copy_them_as_text_and_as_json(service: Service, page: Page) -> None:
    shown(service, page, "one", "two", '{"level":"warn","n":3}')
    page.keyboard.press("k")
    page.keyboard.press("K")
    expect(page.get_by_text("2 lines chosen")).to_be_visible()
    page.keyboard.press("y")
    expect(page.get_by_text("2 lines copied")).to_be_visible()
    assert page.evaluate(CLIPBOARD) == 'two\n{"level":"warn","n":3}'
    page.keyboard.press("K")
    page.keyboard.press("J")
    page.keyboard.press("Y")
    page.wait_for_function("async () => (await navigator.clipboard.readText()).startsWith('{\"id\"')")
    told = [json.loads(line) for line in page.evaluate(CLIPBOARD).split("\n")]
    assert [(record["text"], record["level"]) for record in told] == [("two", None), ('{"level":"warn","n":3}', "warn")]
    page.keyboard.press("Escape")
    expect(page.get_by_text("lines chosen")).to_have_count(0)


def test_lines_that_are_chosen_look_alike_whatever_their_levels(service: Service, page: Page) -> None:
    levels = ("INFO", "WARN", "ERROR", "FATAL")
    shown(service, page, *(f"2026-11-23T10:00:0{n}Z {level} line" for n, level in enumerate(levels)))
    for key in ("k", "K", "K", "K"):
        page.keyboard.press(key)
    rows = page.locator(f"{LOG} .spanned")
    expect(rows).to_have_count(4)
    assert len({row.evaluate("row => getComputedStyle(row).backgroundColor") for row in rows.all()}) == 1


def test_marked_lines_are_copied_together_in_their_order(service: Service, page: Page) -> None:
    shown(service, page, *(f"2026-11-23T10:00:0{number}Z INFO line {number}" for number in range(5)))
    for number in (3, 1):
        page.get_by_text(f"line {number}").click()
        page.keyboard.press("m")
        page.keyboard.press("Escape")
    expect(page.get_by_text("2 lines marked")).to_be_visible()
    page.get_by_role("button", name="Copy text").click()
    expect(page.get_by_text("2 lines copied")).to_be_visible()
    assert [line[-6:] for line in page.evaluate(CLIPBOARD).split("\n")] == ["line 1", "line 3"]
    page.get_by_role("button", name="Remove all marks").click()
    expect(page.locator(f"{LOG} .marked")).to_have_count(0)


def test_what_the_mouse_selects_is_copied_without_times_and_names(service: Service, page: Page) -> None:
    shown(service, page, *(f"2026-11-23T10:00:0{number}Z INFO line {number}" for number in range(5)))
    texts = page.locator(f"{LOG} .text")
    first, last = texts.nth(1).bounding_box(), texts.nth(3).bounding_box()
    assert first is not None
    assert last is not None
    page.mouse.move(first["x"] + 1, first["y"] + first["height"] / 2)
    page.mouse.down()
    page.mouse.move(last["x"] + last["width"] - 1, last["y"] + last["height"] / 2, steps=5)
    page.mouse.up()
    page.keyboard.press("Control+c")
    copied = page.evaluate(CLIPBOARD).split("\n")
    assert copied == [f"2026-11-23T10:00:0{number}Z INFO line {number}" for number in (1, 2, 3)]
