"""The benchmark of the page measures the page's own process, in a real browser."""

from __future__ import annotations

import pytest

from bench.chromium import PageProcess, chromium

_WORK = "() => { const until = performance.now() + 300; while (performance.now() < until); }"


@pytest.mark.usefixtures("chromium")
def test_what_a_page_works_is_what_its_process_has_cost() -> None:
    with chromium() as browser:
        page = browser.new_page()
        process = PageProcess(browser, page)
        before = process.cost()

        page.evaluate(_WORK)

        cost = process.cost().since(before)
        # Where others have the cores, the page waits for one: one of the two it does.
        assert cost.main_thread_seconds + cost.waited_seconds >= 0.29
