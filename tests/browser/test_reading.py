"""Reading while lines come, in a real Chromium: nothing moves under the eye, and the past has no end but the files'."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.running import Service

LOG = '[role="log"]'
PILL = "button.newest"
COUNTED = """() => Number(document.querySelector('[role="log"]').dataset.lines)"""
PLACE_OF = """text => {
  const row = [...document.querySelectorAll('[role="log"] [data-id]')].find(row => row.innerText.includes(text));
  return row ? row.getBoundingClientRect().top : null;
}"""
IS_IN_THE_MIDDLE = """() => {
  const middle = element => {
    const box = element.getBoundingClientRect();
    return (box.top + box.bottom) / 2;
  };
  const log = document.querySelector('[role="log"]');
  const chosen = log.querySelector(".chosen");
  return chosen !== null && Math.abs(middle(chosen) - middle(log)) < 30;
}"""
FIRST_SEEN = """() => {
  const log = document.querySelector('[role="log"]');
  const top = log.getBoundingClientRect().top;
  const row = [...log.querySelectorAll('[data-id]')].find(row => row.getBoundingClientRect().top >= top);
  return row.querySelector('.text').innerText;
}"""


def numbered(first: int, end: int) -> list[str]:
    return [f"line {number:06}" + (" wide" * 60 if number % 50 == 0 else "") for number in range(first, end)]


def open_page(service: Service, page: Page, count: int) -> None:
    service.write("a.log", *numbered(0, count))
    service.wait_until_read("a.log")
    page.goto(service.url)
    expect(page.locator(LOG)).to_contain_text(f"line {count - 1:06}")


def test_older_lines_come_back_from_the_server_without_a_jump_down_to_the_first(service: Service, page: Page) -> None:
    open_page(service, page, 3000)
    page.locator(LOG).hover()
    page.mouse.wheel(0, -600)
    expect(page.locator(PILL)).to_be_visible()
    seen = page.evaluate(FIRST_SEEN)
    places = []
    for _ in range(60):
        before = page.evaluate(PLACE_OF, seen)
        page.mouse.wheel(0, -1500)
        page.wait_for_timeout(100)
        seen, was = page.evaluate(FIRST_SEEN), seen
        places.append((was, before, seen))
        if seen.startswith("line 000000"):
            break
    expect(page.locator(LOG)).to_contain_text("The beginning")
    numbers = [int(seen.split()[1]) for _, _, seen in places]

    # Each turn of the wheel goes up by about what it says: a page of older lines moves nothing.
    assert numbers == sorted(numbers, reverse=True)
    assert max(a - b for a, b in itertools.pairwise(numbers)) < 90
    assert numbers[-1] == 0


def test_what_is_read_stays_where_it_is_while_older_and_newer_lines_arrive(service: Service, page: Page) -> None:
    open_page(service, page, 2000)
    page.keyboard.press("Space")
    expect(page.locator(PILL)).to_be_visible()
    seen = page.evaluate(FIRST_SEEN)
    before = page.evaluate(PLACE_OF, seen)
    service.write("a.log", *numbered(2000, 3204))
    expect(page.locator(PILL)).to_contain_text("1,204 new lines")
    page.get_by_text("Load older lines").evaluate("button => button.click()")
    expect(page.locator(LOG)).to_have_attribute("data-following", "false")
    page.wait_for_function("() => document.querySelector('[role=\"log\"]').scrollTop > 20000")

    assert page.evaluate(PLACE_OF, seen) == before


def test_space_pauses_and_goes_on_end_and_the_pill_return_to_the_newest_line(service: Service, page: Page) -> None:
    open_page(service, page, 200)
    for back in ("Space", "End", "pill"):
        page.keyboard.press("Space")
        expect(page.locator(LOG)).to_have_attribute("data-following", "false")
        service.write("a.log", f"for {back}")
        expect(page.locator(PILL)).to_contain_text("1 new line")
        if back == "pill":
            page.locator(PILL).click()
        else:
            page.keyboard.press(back)
        expect(page.locator(PILL)).to_have_count(0)
        expect(page.get_by_text(f"for {back}")).to_be_in_viewport()


def test_the_pill_does_not_stand_over_the_line_that_is_chosen(service: Service, page: Page) -> None:
    open_page(service, page, 200)
    row = page.locator(f"{LOG} [data-id]", has_text="line 000199")
    row.click()  # in its middle, where the pill would come while the button is down
    chosen, pill = page.locator(f"{LOG} .chosen"), page.locator(PILL)
    expect(chosen).to_contain_text("line 000199")
    expect(page.get_by_role("complementary")).to_be_visible()
    for _ in range(3):
        box, over = chosen.bounding_box(), pill.bounding_box()
        assert box is not None
        assert over is not None
        assert over["y"] + over["height"] <= box["y"] or over["y"] >= box["y"] + box["height"]
        page.keyboard.press("k")


def test_a_line_that_keys_or_a_link_lead_to_stands_in_the_middle_however_high_those_around_it_are(
    service: Service, page: Page
) -> None:
    wide = " and so on" * 40
    lines = (f"2026-11-23T10:00:00Z {'ERROR' if n == 200 else 'INFO'} line {n}{wide}" for n in range(400))
    service.write("a.log", *lines)
    service.wait_until_read("a.log")
    page.goto(service.url)
    expect(page.locator(LOG)).to_contain_text("line 399")
    page.keyboard.press("E")
    chosen = page.locator(f"{LOG} .chosen")
    expect(chosen).to_contain_text("line 200")
    page.wait_for_function(IS_IN_THE_MIDDLE)
    identity = page.locator(f"{LOG} [data-id]", has_text="line 200").get_attribute("data-id")
    page.goto("about:blank")
    page.goto(f"{service.url}/#/line/{identity}")
    expect(chosen).to_contain_text("line 200")
    page.wait_for_function(IS_IN_THE_MIDDLE)


def test_a_selection_stops_the_list_and_survives_what_arrives(service: Service, page: Page) -> None:
    open_page(service, page, 200)
    page.locator(f"{LOG} .text").last.dblclick(position={"x": 5, "y": 5})
    selected = page.evaluate("() => String(getSelection())")
    assert selected.strip() == "line"
    service.write("a.log", *numbered(200, 400))
    expect(page.locator(PILL)).to_contain_text("200 new lines")

    assert page.evaluate("() => String(getSelection())") == selected


def test_of_a_flood_each_line_is_counted_once_through_a_pause_a_look_back_and_the_return(
    service: Service, page: Page
) -> None:
    open_page(service, page, 1000)
    before = page.evaluate(COUNTED)
    service.write("a.log", *numbered(1000, 9000))
    page.wait_for_function(f"() => ({COUNTED})() > {before}")
    page.keyboard.press("Space")
    service.write("a.log", *numbered(9000, 12_000))
    page.locator(LOG).hover()
    page.mouse.wheel(0, -3000)
    # More than a pause goes on with: the stream is let go, and taken up again where it was.
    service.write("a.log", *numbered(12_000, 24_000))
    expect(page.locator(PILL)).to_contain_text("or more")
    service.write("a.log", *numbered(24_000, 27_000))
    page.locator(PILL).click()
    service.write("a.log", *numbered(27_000, 30_000))
    expect(page.locator(LOG)).to_contain_text("line 029999")

    assert page.evaluate(COUNTED) - before == 29_000
