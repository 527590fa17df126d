"""Nothing that is being read moves while the page fills up, in a real Chromium."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, expect

from tests.running import Service, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOG = '[role="log"]'
NAMES = ("app", "billing", "database", "nginx", "worker")
LEVELS = ("TRACE", "DEBUG", "INFO", "INFO", "INFO", "WARN", "ERROR", "FATAL")
CONFIG = "[stream]\nheartbeat_seconds = 0.5\n" + "".join(
    f'[[source]]\nname = "{name}"\npaths = ["logs/{name}.log"]\n' for name in NAMES
)
SIZES = pytest.mark.parametrize("size", [(1280, 800), (390, 844)], ids=["desktop", "phone"])
# As web.dev's definition of CLS has it: what the reader has caused is not counted.
NOTE_SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const { value, hadRecentInput, sources } of list.getEntries()) {
    if (hadRecentInput) continue;
    const moved = sources.map(({ node, previousRect, currentRect }) =>
      `${node?.className || node?.nodeName} from ${previousRect.y} to ${currentRect.y}`);
    window.shifts.push({ value, moved });
  }
}).observe({ type: "layout-shift", buffered: true });
"""


@pytest.fixture(name="many")
def _many(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path, CONFIG) as service:
        yield service


def fill(service: Service, levels: tuple[str, ...] = LEVELS) -> None:
    dice = random.Random(6)
    for name in NAMES:
        service.write(
            f"{name}.log",
            *(
                f"2026-11-01T10:{n // 60:02}:{n % 60:02}Z {dice.choice(levels)} {name} answered number {n}"
                for n in range(120)
            ),
        )
    for name in NAMES:
        service.wait_until_read(f"{name}.log")


def watch(page: Page, service: Service, size: tuple[int, int], place: str = "") -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.add_init_script(NOTE_SHIFTS)
    page.goto(service.url + place)
    expect(page.locator('[data-state="live"]')).to_be_visible()
    expect(page.locator("#sources .badge")).to_have_count(len(NAMES))


def shifts(page: Page) -> list[dict[str, Any]]:
    """What has moved so far, as of a frame from now: an entry comes after the frame that it speaks of."""
    return page.evaluate(  # type: ignore[no-any-return]
        "() => new Promise(done => requestAnimationFrame(() => setTimeout(() => done(window.shifts), 50)))"
    )


@SIZES
def test_nothing_moves_while_the_page_fills_up(many: Service, page: Page, size: tuple[int, int]) -> None:
    """Cumulative layout shift as web.dev defines it, of which 0.1 passes for good."""
    fill(many)
    watch(page, many, size)
    expect(page.locator(f"{LOG} [data-id]").last).to_be_visible()
    expect(page.get_by_role("slider").locator("canvas")).to_be_visible()

    moved = shifts(page)
    assert sum(shift["value"] for shift in moved) < 0.02, moved


@SIZES
def test_the_first_line_and_a_level_that_was_not_there_leave_the_list_where_it_is(
    many: Service, page: Page, size: tuple[int, int]
) -> None:
    watch(page, many, size)
    expect(page.get_by_text("No lines yet.")).to_be_visible()
    tops = [top_of_the_list(page)]
    chips = page.get_by_role("group", name="Levels").get_by_role("button")
    for count, level in enumerate(("INFO", "FATAL", "ERROR", "WARN", "DEBUG", "TRACE"), start=1):
        many.write("app.log", f"2026-11-01T10:00:00Z {level} and so on")
        expect(chips).to_have_count(count)
        tops.append(top_of_the_list(page))

    assert len(set(tops)) == 1, tops
    # The last of them is reached by scrolling the row, and by the keyboard.
    chips.last.focus()
    expect(chips.last).to_be_in_viewport(ratio=1)


@SIZES
def test_lines_without_a_time_say_so_where_the_histogram_would_be(
    many: Service, page: Page, size: tuple[int, int]
) -> None:
    many.write("app.log", *(f"line {n}" for n in range(100)))
    many.wait_until_read("app.log")
    watch(page, many, size)
    expect(page.get_by_text("No times in these lines.")).to_be_visible()

    moved = shifts(page)
    assert sum(shift["value"] for shift in moved) < 0.02, moved


def top_of_the_list(page: Page) -> float:
    return page.locator(LOG).evaluate("element => element.getBoundingClientRect().top")  # type: ignore[no-any-return]
