"""Each state of the page: whether axe-core finds a barrier in it (WCAG 2.2 AA), and how it looks.

With SCREENSHOTS=docs/screenshots the pictures go there (`make screenshots`): people look at them, no test does.
"""

from __future__ import annotations

import os
import random
import re
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from logstream.demo import Scene
from tests.browser.barriers import barriers_in
from tests.relay import Relay
from tests.running import Service, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOG = '[role="log"]'
IS_DRAWN = """() => {
  const canvas = document.querySelector('[role="slider"] canvas');
  const drawn = canvas?.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data ?? [];
  return drawn.some(part => part > 0);
}"""
CONFIG = (
    "[stream]\nheartbeat_seconds = 0.5\n"
    + "".join(
        f'[[source]]\nname = "{name}"\npaths = ["logs/{file}"]\n'
        for name, file in (
            ("nginx", "access.log"),
            ("shop", "shop.log"),
            ("worker", "worker.log"),
            ("billing", "billing.log"),
            ("system", "syslog"),
            ("database", "postgres.log"),
        )
    )
    + '[[rule]]\nname = "http-5xx"\nsource = "nginx"\nwhere = "status:>=500"\nevent = "http-5xx"\nhighlight = "red"\n'
)


@pytest.fixture(name="shop")
def _shop() -> Iterator[Service]:
    # A short path: it is in the pictures.
    with TemporaryDirectory(prefix="shop-") as directory:
        (Path(directory) / "logs").mkdir()
        write_scene(Path(directory) / "logs", 600, seed=4)
        with running(Path(directory), CONFIG) as service:
            service.wait_until_ready()
            yield service


def write_scene(logs: Path, count: int, seed: int) -> None:
    """Lines of six programs up to now, a second apart."""
    scene, now = Scene(random.Random(seed)), datetime.now(UTC)
    for number in range(count):
        name, text = scene.next(now - timedelta(seconds=count - number))
        with (logs / name).open("a") as file:
            file.write(text + "\n")


def open_live(page: Page, url: str) -> None:
    page.goto(url)
    expect(page.locator('[data-state="live"]')).to_be_visible()
    expect(page.locator(f"{LOG} [data-id]").last).to_be_visible()
    expect(page.get_by_label("nginx")).to_be_attached()


def live(page: Page, shop: Service) -> None:
    open_live(page, shop.url)
    scene = Scene(random.Random(6))
    rates = page.locator("#sources .rate", has_text=re.compile("[1-9].* lines?/s"))
    for _ in range(200):
        name, text = scene.next(datetime.now(UTC))
        with (shop.logs / name).open("a") as file:
            file.write(text + "\n")
        page.wait_for_timeout(300)
        if rates.count() > 3:
            break
    expect(rates.first).to_be_visible()


def paused(page: Page, shop: Service) -> None:
    open_live(page, shop.url)
    page.locator(LOG).hover()
    page.mouse.wheel(0, -900)
    write_scene(shop.logs, 120, seed=5)
    expect(page.locator("button.newest")).to_contain_text("new lines")


def drawer(page: Page, shop: Service) -> None:
    open_live(page, f"{shop.url}/?q=source:shop")
    page.keyboard.press("E")
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary")).to_contain_text("payment refused")


def context(page: Page, shop: Service) -> None:
    drawer(page, shop)
    page.keyboard.press("c")
    expect(page.locator(f"{LOG} .chosen")).to_be_in_viewport()
    page.keyboard.press("Escape")


def trace(page: Page, shop: Service) -> None:
    open_live(page, f"{shop.url}/?q=source:billing")
    page.keyboard.press("E")
    page.locator(f"{LOG} .chosen").get_by_role("button").click()


def gap(page: Page, shop: Service) -> Relay:
    with ExitStack() as stack:
        network = stack.enter_context(Relay(shop.port))
        page.goto(network.url)
        expect(page.locator('[data-state="live"]')).to_be_visible()
        network.cut()
        expect(page.get_by_role("status").first).to_contain_text("reconnecting in")
        shop.write("worker.log", *(f"level=info msg=lost n={number}" for number in range(12)))
        shop.wait_until_read("worker.log")
        (shop.logs / "worker.log").write_bytes(b"level=info msg=new\n")
        shop.wait_until_read("worker.log")
        shop.kill()
        shop.start()
        network.restore()
        expect(page.locator(f"{LOG} .gap")).to_be_visible()
        expect(page.locator('[data-state="live"]')).to_be_visible()
        stack.pop_all()
    return network


def reconnecting(page: Page, shop: Service) -> None:
    open_live(page, shop.url)
    shop.kill()
    expect(page.get_by_text("Not connected")).to_be_visible()
    expect(page.get_by_role("status").first).to_contain_text("reconnecting in")


def mistake(page: Page, shop: Service) -> None:
    open_live(page, shop.url)
    box = page.get_by_role("combobox")
    box.fill("level:>=warn (timeout OR")
    box.press("Enter")
    expect(page.locator("header")).to_contain_text("olumn")


def completion(page: Page, shop: Service) -> None:
    open_live(page, shop.url)
    page.keyboard.press("/")
    page.keyboard.type("timeout le")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("ArrowDown")


def empty(page: Page, shop: Service) -> None:
    page.goto(f"{shop.url}/?q=nothing-has-this")
    expect(page.get_by_text("No line matches so far.")).to_be_visible()


def menu(page: Page, shop: Service) -> None:
    open_live(page, shop.url)
    page.get_by_role("button", name="View").click()


def keys(page: Page, shop: Service) -> None:
    open_live(page, shop.url)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()


def dark(page: Page, shop: Service) -> None:
    page.emulate_media(color_scheme="dark")
    open_live(page, f"{shop.url}/?q=order")


def histogram(page: Page, shop: Service) -> None:
    open_live(page, shop.url)
    box = page.get_by_role("slider").locator(".u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.55, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 20, steps=4)
    page.mouse.up()
    expect(page.get_by_role("button", name="All times")).to_be_visible()
    expect(page.locator(f"{LOG} [data-id]").last).to_be_visible()
    page.get_by_role("slider").focus()
    page.keyboard.press("ArrowLeft")
    for _ in range(6):
        page.keyboard.press("Shift+ArrowLeft")


def chinese(page: Page, shop: Service) -> None:
    open_live(page, shop.url)
    page.get_by_role("button", name="View").click()
    page.get_by_label("中文").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("status").first).to_contain_text("实时")
    page.keyboard.press("E")
    page.keyboard.press("Enter")


def columns(page: Page, shop: Service) -> None:
    fields = "".join(f"&column={name}" for name in ("status", "client", "path", "took"))
    open_live(page, f"{shop.url}/?q=source:nginx+OR+source:worker{fields}")
    page.keyboard.press("j")
    expect(page.locator(".head .field").first).to_be_visible()


def chosen(page: Page, shop: Service) -> None:
    open_live(page, shop.url)
    for key in ("E", "m", "k", "k", "k", "k", "K", "K", "K"):
        page.keyboard.press(key)
    expect(page.get_by_text("4 lines chosen")).to_be_visible()


def chinese_mistake(page: Page, shop: Service) -> None:
    open_live(page, shop.url)
    page.get_by_role("button", name="View").click()
    page.get_by_label("中文").click()
    page.keyboard.press("Escape")
    box = page.get_by_role("combobox")
    box.fill("level:>=wran (timeout OR")
    box.press("Enter")
    expect(page.locator("header")).to_contain_text("是否想写 warn")


def phone_columns(page: Page, shop: Service) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    columns(page, shop)


def phone(page: Page, shop: Service) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    open_live(page, shop.url)


def large(page: Page, shop: Service) -> None:
    page.set_viewport_size({"width": 3840, "height": 2160})
    open_live(page, shop.url)


STATES = [
    live,
    paused,
    drawer,
    context,
    trace,
    gap,
    reconnecting,
    mistake,
    completion,
    empty,
    menu,
    keys,
    dark,
    histogram,
    chinese,
    chinese_mistake,
    columns,
    chosen,
    phone,
    phone_columns,
    large,
]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_a_state_has_no_barrier_and_clips_nothing(
    page: Page, shop: Service, tmp_path: Path, state: Callable[[Page, Service], Relay | None]
) -> None:
    with ExitStack() as stack:
        if (network := state(page, shop)) is not None:
            stack.push(network)
        # A megabyte of a large screen shows nothing that the others do not.
        pictures = tmp_path if state is large else Path(os.environ.get("SCREENSHOTS", tmp_path))
        look_at(page, pictures / f"{state.__name__}.png")


def look_at(page: Page, picture: Path) -> None:
    """Take a picture, and hold what is there to the guidelines."""
    page.mouse.move(0, 0)
    page.evaluate("() => document.fonts.ready")
    if page.get_by_role("slider").is_visible():
        page.wait_for_function(IS_DRAWN)
    page.screenshot(path=picture, animations="disabled")

    assert barriers_in(page) == []
    # Nothing is wider than the page, or it would scroll sideways.
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
