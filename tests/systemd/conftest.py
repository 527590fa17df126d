"""A machine under systemd for each module, with logstream installed as its users install it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.systemd.machine import Machine, booted
from tests.systemd.nginx import nginx_machine
from tests.systemd.proxied import NAME, browser_inside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.installed import Installed

CONFIG = """
[stream]
heartbeat_seconds = 1
[[source]]
name = "app"
paths = ["/var/log/app/*.log"]
"""


@pytest.fixture(scope="session")
def environment(installed: Callable[[str], Installed]) -> Path:
    """An environment with the wheel, under /tmp, where no service can read it."""
    if os.geteuid() != 0 or not Path("/lib/systemd/systemd").exists():
        pytest.skip("booting a systemd needs Linux, root and systemd's own program (on Debian: apt install systemd)")
    return installed(sys.executable).logstream.parents[1]


@pytest.fixture
def bare(environment: Path, tmp_path: Path) -> Iterator[Machine]:
    """A machine on which nothing is installed yet."""
    with booted(tmp_path, environment) as machine:
        yield machine


@pytest.fixture(scope="module")
def served(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine on which the service runs, with CONFIG."""
    with booted(tmp_path_factory.mktemp("machine"), environment) as machine:
        machine.write("/etc/logstream/config.toml", CONFIG)
        machine.write("/var/log/app/first.log", "the first line")
        machine.run(str(environment / "bin" / "logstream"), "install")
        yield machine


@pytest.fixture(scope="module")
def front(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine with nginx before the service."""
    with nginx_machine(tmp_path_factory.mktemp("machine"), environment, CONFIG) as machine:
        yield machine


@pytest.fixture
def browser(front: Machine, chromium: str, tmp_path: Path) -> Iterator[Browser]:
    """A Chromium in the network of that machine, for which its names lead there."""
    expect.set_options(timeout=20_000)
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        f"--host-resolver-rules=MAP {NAME} 127.0.0.1, MAP intern.example.org 127.0.0.1"]  # fmt: skip
    with sync_playwright() as playwright:
        program = browser_inside(front, chromium, tmp_path)
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Page:
    """A page that has no password."""
    return browser.new_page(ignore_https_errors=True)
