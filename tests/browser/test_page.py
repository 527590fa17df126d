"""The built page in a real Chromium, against the real service: what people see through cuts and restarts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest
from playwright.sync_api import Page, expect

from tests.relay import Relay
from tests.running import SOURCES, Service, running

if TYPE_CHECKING:
    from pathlib import Path

HEARTBEAT = "[stream]\nheartbeat_seconds = 0.5\n"


def expect_rows(page: Page, texts: list[str]) -> None:
    """Exactly these lines, in this order."""
    expect(page.locator('[role="log"] [data-id] .text')).to_have_text(texts)


def expect_state(page: Page, words: str) -> None:
    expect(page.get_by_role("status").first).to_contain_text(words)


def test_lines_appear_as_they_are_written_with_level_and_id(service: Service, page: Page) -> None:
    service.write("a.log", "2026-11-23T10:00:00Z INFO started", "2026-11-23T10:00:01Z ERROR disk full")
    service.wait_until_read("a.log")
    page.goto(service.url)
    expect_state(page, "live")
    expect_rows(page, ["2026-11-23T10:00:00Z INFO started", "2026-11-23T10:00:01Z ERROR disk full"])
    service.write("a.log", "third")

    expect(page.locator('[role="log"] [data-id]')).to_have_count(3)
    ids = [row.get_attribute("data-id") for row in page.locator('[role="log"] [data-id]').all()]
    assert len(set(ids)) == 3
    assert all(identity and identity.startswith("1.") for identity in ids)
    expect(page.locator('[role="log"]')).to_contain_text("error")


def test_a_kill_and_restart_loses_nothing_and_doubles_nothing(service: Service, page: Page) -> None:
    service.write("a.log", "one")
    page.goto(service.url)
    expect_rows(page, ["one"])
    expect_state(page, "live")
    service.kill()
    expect_state(page, "reconnecting in")
    service.write("a.log", "two")
    service.start()
    service.write("a.log", "three")

    expect_state(page, "live")
    expect_rows(page, ["one", "two", "three"])


@pytest.mark.parametrize("how", ["cut", "swallow"])
def test_a_vanished_network_is_noticed_and_made_up_for(service: Service, page: Page, how: str) -> None:
    service.write("a.log", "one")
    with Relay(service.port) as network:
        page.goto(network.url)
        expect_state(page, "live")
        expect_rows(page, ["one"])
        getattr(network, how)()  # swallow: nothing is closed, only the missing pings can tell
        service.write("a.log", "two")
        # It waits and tries in turn, for as long as chance has it.
        expect(page.locator('[data-state="waiting"], [data-state="connecting"]')).to_be_visible()
        network.restore()

        expect_state(page, "live")
        expect_rows(page, ["one", "two"])


def test_lost_lines_are_a_row_that_says_how_many_where_and_why(service: Service, page: Page) -> None:
    service.write("a.log", "one")
    with Relay(service.port) as network:
        page.goto(network.url)
        expect_rows(page, ["one"])
        expect_state(page, "live")
        network.cut()
        expect_state(page, "reconnecting in")
        service.write("a.log", "two", "three")
        service.wait_until_read("a.log")
        (service.logs / "a.log").write_bytes(b"new\n")
        service.wait_until_read("a.log")
        service.kill()  # or the server would still have the lost lines in memory, and deliver them
        service.start()
        network.restore()

        expect_rows(page, ["one", "new"])
        log = page.locator('[role="log"]')
        expect(log).to_contain_text("2 lines")
        expect(log).to_contain_text("a.log")
        expect(log).to_contain_text("cut short")


def test_a_line_has_the_colour_that_a_rule_gives_it(tmp_path: Path, page: Page) -> None:
    rule = '[[rule]]\nname = "slow"\nwhere = "took:>1s"\nhighlight = "orange"\n'
    with running(tmp_path, HEARTBEAT + SOURCES + rule) as service:
        service.write("a.log", '{"took":"1500ms"}', '{"took":"20ms"}')
        service.wait_until_read("a.log")
        page.goto(service.url)
        slow, fast = page.locator('[role="log"] [data-id]').nth(0), page.locator('[role="log"] [data-id]').nth(1)
        expect(slow).to_have_attribute("data-highlight", "orange")
        expect(fast).not_to_have_attribute("data-highlight", "orange")
        grounds = [row.evaluate("row => getComputedStyle(row).backgroundColor") for row in (slow, fast)]

    assert grounds[0] != grounds[1]


def test_log_text_is_never_markup(service: Service, page: Page) -> None:
    hostile = '<img src=x onerror="document.title=1"><b>bold</b>'
    service.write("a.log", hostile)
    page.goto(service.url)

    expect_rows(page, [hostile])
    assert page.locator('[role="log"] img, [role="log"] b').count() == 0


def test_a_query_filters_on_the_server_and_a_mistake_is_shown_at_its_column(service: Service, page: Page) -> None:
    service.write("a.log", "alpha", "beta", "alpha beta")
    page.goto(service.url)
    expect_rows(page, ["alpha", "beta", "alpha beta"])
    box = page.get_by_role("combobox", name="Query")
    box.fill("alpha -beta")
    box.press("Enter")
    expect_rows(page, ["alpha"])
    assert "q=alpha" in page.url
    box.fill("(alpha")
    box.press("Enter")

    expect(page.locator("header")).to_contain_text("column")


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_nothing_moves_by_itself_where_less_motion_is_wanted(
    service: Service, page: Page, motion: Literal["reduce", "no-preference"]
) -> None:
    page.add_init_script("delete globalThis.SharedWorker")
    page.route("**/api/v1/stream?*", lambda _: None)
    page.emulate_media(reduced_motion=motion)
    page.goto(service.url)
    dot = page.locator('[data-state="connecting"] .dot')
    expect(dot).to_be_visible()
    assert (dot.evaluate("dot => getComputedStyle(dot).animationName") == "none") == (motion == "reduce")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_follows_the_systems_colour_scheme(service: Service, page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(service.url)
    expect_state(page, "live")
    red, green, blue = page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"
    )

    assert (red + green + blue > 600) == (scheme == "light")
