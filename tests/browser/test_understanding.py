"""One line, understood: its drawer, its surroundings, its link, and the keys that lead to it, in a real Chromium."""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.running import eventually

if TYPE_CHECKING:
    from tests.running import Service

LOG = '[role="log"]'
CHOSEN = f"{LOG} .chosen .text"


def shown(service: Service, page: Page, *lines: str) -> None:
    service.write("a.log", *lines)
    service.wait_until_read("a.log")
    page.goto(service.url)
    expect(page.get_by_role("status").first).to_contain_text("live")
    expect(page.locator(f"{LOG} [data-id]").last).to_be_visible()


def test_a_click_opens_a_line_with_its_fields_and_a_field_becomes_a_filter(service: Service, page: Page) -> None:
    shown(service, page, '{"level":"error","user":"anna","n":1}', '{"level":"info","user":"ben","n":2}')
    page.locator(f"{LOG} .text", has_text="anna").click()
    drawer = page.get_by_role("complementary", name="Line")
    expect(drawer).to_contain_text("anna")
    expect(drawer.locator("pre").first).to_contain_text('"user": "anna"')
    expect(drawer).to_contain_text("ends at byte 38")
    drawer.get_by_role("button", name="Only lines with this user").click()
    expect(page.locator(f"{LOG} [data-id]")).to_have_count(1)
    assert "q=user%3Aanna" in page.url
    page.go_back()
    expect(page.locator(f"{LOG} [data-id]")).to_have_count(2)


def test_a_field_is_filtered_out_its_value_copied_and_the_line_linked(service: Service, page: Page) -> None:
    shown(service, page, '{"level":"error","user":"anna"}', '{"level":"info","user":"ben"}')
    row = page.locator(f"{LOG} [data-id]", has_text="anna")
    identity = row.get_attribute("data-id")
    row.locator(".text").click()
    drawer = page.get_by_role("complementary", name="Line")
    for button, copied in (("Copy user", "anna"), ("Copy link", f"{service.url}/#/line/{identity}")):
        drawer.get_by_role("button", name=button).click()
        page.wait_for_function("async text => await navigator.clipboard.readText() === text", arg=copied)
    drawer.get_by_role("button", name="No lines with this user").click()
    expect(page.locator(f"{LOG} [data-id] .text")).to_have_text(['{"level":"info","user":"ben"}'])
    assert "q=-user%3Aanna" in page.url


def test_text_is_copied_without_terminal_colours_which_are_shown_and_are_never_markup(
    service: Service, page: Page
) -> None:
    shown(service, page, "\x1b[1;31mred\x1b[0m <b>plain</b>")
    expect(page.locator(f"{LOG} .ink-1.bold")).to_have_text("red")
    page.keyboard.press("j")
    page.keyboard.press("y")
    expect(page.get_by_text("Copied")).to_be_visible()

    assert page.evaluate("() => navigator.clipboard.readText()") == "red <b>plain</b>"


def test_a_stack_trace_folds_into_its_head_and_unfolds(service: Service, page: Page) -> None:
    trace = ["2026-11-23 10:00:00,000 ERROR cannot send", "Traceback (most recent call last):", '  File "a.py", line 1']
    shown(service, page, *trace, "2026-11-23 10:00:01,000 INFO next")
    expect(page.locator(f"{LOG} [data-id]")).to_have_count(2)
    page.get_by_role("button", name="2 more lines").click()
    expect(page.locator(f"{LOG} [data-id] .text")).to_have_text([*trace, "2026-11-23 10:00:01,000 INFO next"])
    page.get_by_role("button", name="Fold").click()
    expect(page.locator(f"{LOG} [data-id]")).to_have_count(2)


def test_context_lifts_the_filter_around_a_line_and_back_returns_to_it(service: Service, page: Page) -> None:
    shown(service, page, *(f"line {number}{' needle' if number == 50 else ''}" for number in range(100)))
    page.goto(f"{service.url}/?q=needle")
    page.locator(f"{LOG} .text", has_text="needle").click()
    page.keyboard.press("c")
    expect(page.locator(CHOSEN)).to_have_text("line 50 needle")
    expect(page.locator(CHOSEN)).to_be_in_viewport()
    expect(page.locator(LOG)).to_contain_text("line 49")
    expect(page.locator(LOG)).to_contain_text("line 51")
    page.get_by_role("button", name="Back to the filter").click()
    expect(page.locator(f"{LOG} [data-id]")).to_have_count(1)


def test_a_permalink_opens_its_line_after_a_rotation_and_compression_and_says_so_once_it_is_gone(
    service: Service, page: Page
) -> None:
    shown(service, page, *(f"line {number}" for number in range(300)))
    identity = page.locator(f"{LOG} [data-id]", has_text="line 299").get_attribute("data-id")
    (service.logs / "a.log").rename(service.logs / "a.log.1")
    service.write("a.log", "new")
    service.wait_until_read("a.log")
    page.goto("about:blank")
    page.goto(f"{service.url}/#/line/{identity}")
    expect(page.locator(CHOSEN)).to_have_text("line 299")
    expect(page.locator(LOG)).to_contain_text("new")
    (service.logs / "a.log.1.gz").write_bytes(gzip.compress((service.logs / "a.log.1").read_bytes()))
    (service.logs / "a.log.1").unlink()
    page.goto("about:blank")
    page.goto(f"{service.url}/#/line/{identity}")
    expect(page.locator(CHOSEN)).to_have_text("line 299")
    (service.logs / "a.log.1.gz").unlink()
    around = f"/api/v1/records?around={identity}&limit=1"
    eventually(lambda: identity not in [record["id"] for record in service.get(around).json()["records"]])
    page.goto("about:blank")
    page.goto(f"{service.url}/#/line/{identity}")
    expect(page.get_by_text("This line cannot be shown. It is no longer there.")).to_be_visible()
    page.goto(f"{service.url}/#/line/1.22222222.zz.1")
    expect(page.get_by_text("This line cannot be shown.")).to_be_visible()
    page.get_by_role("button", name="Return to live").first.click()
    expect(page.locator(LOG)).to_contain_text("new")


def test_keys_lead_from_error_to_error_hit_to_hit_and_mark_to_mark(service: Service, page: Page) -> None:
    level = {10: "ERROR", 20: "WARN", 30: "ERROR"}
    lines = [f"2026-11-23T10:{n:02}:00Z {level.get(n, 'INFO')} line {n:02}" for n in range(60)]
    shown(service, page, *lines)
    for keys, line in (("E", "30"), ("E", "10"), ("e", "30"), ("W", "20"), ("]", "21"), ("[", "20"), ("k", "19")):
        page.keyboard.press(keys)
        expect(page.locator(CHOSEN)).to_contain_text(f"line {line}")
    page.keyboard.press("m")
    page.keyboard.press("/")
    page.keyboard.type('"line 4" /5[0-2]$/')
    expect(page.locator(f"{LOG} .hit").first).to_have_text("line 4")
    page.keyboard.press("Escape")
    for keys, line in (("n", "40"), ("n", "41"), ("N", "40"), ("E", "30")):
        page.keyboard.press(keys)
        expect(page.locator(CHOSEN)).to_contain_text(f"line {line}")
    page.keyboard.press("m")
    expect(page.locator(f"{LOG} .marked .mark")).to_have_text(["◆", "◆ +11 min 0 s"])
    for keys, line in (("U", "19"), ("u", "30")):
        page.keyboard.press(keys)
        expect(page.locator(CHOSEN)).to_contain_text(f"line {line}")
    page.keyboard.press("g")
    expect(page.get_by_text("line 00")).to_be_in_viewport()
    page.keyboard.press("G")
    expect(page.get_by_text("line 59")).to_be_in_viewport()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Next error")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize(
    ("chip", "line"), [("error", "2026-11-23T10:00:02Z ERROR worse"), ("no level", "nothing again")]
)
def test_level_chips_count_what_is_held_and_choose_what_is_shown(
    service: Service, page: Page, chip: str, line: str
) -> None:
    shown(service, page, "2026-11-23T10:00:00Z ERROR bad", "2026-11-23T10:00:01Z INFO good", "nothing said")
    button = page.get_by_role("group", name="Levels").get_by_role("button", name=chip)
    expect(button).to_contain_text("1")
    service.write("a.log", line)
    expect(button).to_contain_text("2")
    button.click()
    expect(page.locator(f"{LOG} [data-id]")).to_have_count(2)
    page.reload()
    expect(page.locator(f"{LOG} [data-id]")).to_have_count(2)
    page.get_by_role("button", name="All levels").click()
    expect(page.locator(f"{LOG} [data-id]")).to_have_count(4)


def test_settings_are_kept(service: Service, page: Page) -> None:
    shown(service, page, "2026-11-23T10:00:00Z INFO one")
    page.get_by_role("button", name="View").click()
    page.get_by_label("Dark").click()
    page.get_by_label("Wrap long lines").click()
    page.get_by_role("button", name="A+ Font size").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator(LOG)).to_have_class("scroller nowrap")
    assert page.locator(LOG).evaluate("log => getComputedStyle(log).fontSize") == "14px"


def test_times_are_local_in_utc_or_told_as_how_long_ago_and_remembered(service: Service, page: Page) -> None:
    page.clock.set_fixed_time("2026-11-23T10:03:20Z")
    shown(service, page, "2026-11-23T10:00:00Z INFO one")
    time = page.locator(f"{LOG} [data-id] .time")
    for mode, words in (("UTC", "10:00:00.000"), ("Ago", "-3 min 20 s")):
        page.get_by_role("button", name="View").click()
        page.get_by_label(mode, exact=True).click()
        expect(time).to_have_text(words)
        page.reload()
        expect(time).to_have_text(words)


def test_who_wants_no_shortcuts_of_single_keys_has_none(service: Service, page: Page) -> None:
    """WCAG 2.1.4: what is dictated, or hit by mistake, must not do things."""
    shown(service, page, "2026-11-23T10:00:00Z INFO one")
    page.get_by_role("button", name="View").click()
    page.get_by_label("Shortcuts of a single key").click()
    page.keyboard.press("Escape")
    page.reload()
    expect(page.locator(f"{LOG} [data-id]")).to_have_count(1)
    for key in ("j", "?", "Space", "/"):
        page.keyboard.press(key)
    expect(page.locator(LOG)).to_have_attribute("data-following", "true")
    expect(page.locator(f"{LOG} .chosen, dialog")).to_have_count(0)
    page.locator(f"{LOG} .text").click()
    expect(page.get_by_role("complementary")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("complementary")).to_have_count(0)


def test_a_query_is_completed_by_keys_and_those_asked_before_come_back(service: Service, page: Page) -> None:
    shown(service, page, "2026-11-23T10:00:00Z ERROR bad", "2026-11-23T10:00:01Z INFO good", '{"length_bytes":7}')
    page.keyboard.press("/")
    page.keyboard.type("len")
    expect(page.get_by_role("option")).to_have_text(["length_bytes: a field of lines here"])
    page.get_by_role("combobox").fill("")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("leve")
    expect(page.get_by_role("option").first).to_contain_text("level")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.type("err")
    expect(page.get_by_role("option").first).to_contain_text("error")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox")).to_have_value(re.compile("^level:error ?$"))
    expect(page.locator(f"{LOG} [data-id]")).to_have_count(3)
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.press("Enter")
    expect(page.locator(f"{LOG} [data-id]")).to_have_count(1)
    page.get_by_role("combobox").fill("")
    expect(page.get_by_role("option")).to_have_text(["level:error "])


def test_what_matches_is_downloaded(service: Service, page: Page) -> None:
    shown(service, page, "2026-11-23T10:00:00Z ERROR bad", "2026-11-23T10:00:01Z INFO good")
    page.goto(f"{service.url}/?level=error")
    page.get_by_role("button", name="View").click()
    with page.expect_download() as started:
        page.get_by_role("link", name="Text", exact=True).click()

    assert started.value.path().read_text() == "2026-11-23T10:00:00Z ERROR bad\n"
    assert started.value.suggested_filename == "logstream.log"


def test_the_end_can_be_reached_below_a_trace_that_was_unfolded(service: Service, page: Page) -> None:
    trace = [f"  at line {number}" for number in range(80)]
    shown(service, page, "2026-11-23 10:00:00,000 ERROR first", *trace, "2026-11-23 10:00:01,000 INFO last")
    page.get_by_role("button", name="80 more lines").click()
    page.locator(LOG).hover()
    page.mouse.wheel(0, 5000)
    expect(page.locator(f"{LOG} .text", has_text="INFO last")).to_be_in_viewport()
