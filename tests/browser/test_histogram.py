"""The histogram above the list and the marks beside it, in a real Chromium: seen, dragged, used by keys."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.running import Service

# The lowest pixels of the canvas, where nothing but times stands.
HAS_TIMES = """() => {
  const canvas = document.querySelector('[role="slider"] canvas');
  const below = canvas?.getContext('2d').getImageData(0, canvas.height - 12, canvas.width, 12).data ?? [];
  return below.some(part => part > 0);
}"""
LOG = '[role="log"]'
RED_PIXELS = """element => {
  const canvas = element.querySelector('canvas');
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const places = [];
  for (let at = 0; at < data.length; at += 4) {
    if (data[at] > 150 && data[at + 1] < 80 && data[at + 2] < 80 && data[at + 3] > 200) {
      places.push([(at / 4) % canvas.width / canvas.width, Math.floor(at / 4 / canvas.width) / canvas.height]);
    }
  }
  return places;
}"""


def shown(service: Service, page: Page) -> None:
    """Two minutes of lines, one a second; those of the 30th second are errors."""
    lines = [
        f"2026-11-23T10:{n // 60:02}:{n % 60:02}Z {'ERROR' if n == 30 else 'INFO'} line {n:03}" for n in range(120)
    ]
    service.write("a.log", *lines)
    service.wait_until_read("a.log")
    page.goto(f"{service.url}/")
    expect(page.get_by_role("status").first).to_contain_text("live")
    expect(page.locator(f"{LOG} [data-id]").last).to_be_visible()
    expect(page.get_by_role("slider").locator("canvas")).to_be_visible()


def test_a_drag_shows_only_that_stretch_of_time_also_by_link_and_all_times_come_back(
    service: Service, page: Page
) -> None:
    shown(service, page)
    over = page.get_by_role("slider").locator(".u-over")
    box = over.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 20, steps=4)
    page.mouse.up()
    chip = page.get_by_text(re.compile("^Only "))
    expect(chip).to_be_visible()
    expect(page.locator(f"{LOG} [data-id]")).not_to_have_count(0)
    numbers = [int(text.split()[-1]) for text in page.locator(f"{LOG} [data-id] .text").all_inner_texts()]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert 50 < numbers[0] < 65
    assert 65 < numbers[-1] < 80
    count = len(numbers)
    page.reload()
    expect(page.locator(f"{LOG} [data-id]")).to_have_count(count)
    # A line that comes live is judged like the others.
    service.write("a.log", "2026-11-23T10:09:00Z INFO late", "2026-11-23T10:01:04.500Z INFO within")
    expect(page.locator(f"{LOG} [data-id]")).to_have_count(count + 1)
    page.get_by_role("button", name="All times").click()
    expect(chip).to_have_count(0)
    expect(page.locator(LOG)).to_contain_text("late")


def test_a_click_goes_to_that_moment_and_errors_are_seen_in_it_and_along_the_scroll_bar(
    service: Service, page: Page
) -> None:
    shown(service, page)
    slider = page.get_by_role("slider")
    page.wait_for_function(f"element => ({RED_PIXELS})(element).length > 0", arg=slider.element_handle())
    red = slider.evaluate(RED_PIXELS)
    assert all(0.2 < across < 0.35 for across, _ in red)
    marks = page.locator("main .strip[aria-hidden]")
    down = [place for _, place in marks.evaluate(RED_PIXELS)]
    assert down
    assert all(0.23 < place < 0.28 for place in down)

    box = slider.locator(".u-over").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * sum(across for across, _ in red) / len(red), box["y"] + 30)
    expect(page.locator(f"{LOG} .chosen")).to_be_in_viewport()
    number = int(page.locator(f"{LOG} .chosen .text").inner_text().split()[-1])
    assert 26 <= number <= 34


def test_keys_move_say_what_is_there_choose_a_stretch_and_show_it(service: Service, page: Page) -> None:
    shown(service, page)
    slider = page.get_by_role("slider", name="Lines by level over time")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"\d:\d\d: error 1, info 119$"))
    slider.focus()
    page.keyboard.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"\d:\d\d: info 2$"))
    page.keyboard.press("Enter")
    expect(page.locator(f"{LOG} .chosen .text")).to_contain_text("line 000")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator(f"{LOG} [data-id]")).to_have_count(4)
    expect(page.get_by_text(re.compile("^Only "))).to_be_visible()


def test_times_stand_below_the_bars_also_where_no_more_lines_come(service: Service, page: Page) -> None:
    service.write("a.log", *(f"2026-11-28T10:00:0{second}Z INFO line {second}" for second in range(3)))
    service.wait_until_read("a.log")
    page.goto(service.url)
    expect(page.locator('[data-state="live"]')).to_be_visible()
    page.wait_for_function(HAS_TIMES)
