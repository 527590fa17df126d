"""WebKit for the scenarios: WebKitGTK's own small browser on a display of its own, driven by W3C WebDriver."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from bench.process import family
from tests.browser.webdriver_actions import MIDDLE_OF, clicking, typing
from tests.ports import free_port, is_listened_on
from tests.running import PATIENCE_SECONDS, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator


class WebDriverSession:
    """Commands of one session, and their results. One window is the current one."""

    def __init__(self, address: str, binary: Path) -> None:
        self._client = httpx.Client(base_url=address, timeout=PATIENCE_SECONDS, trust_env=False)
        self._path = ""
        options = {"binary": str(binary), "args": ["--automation"]}
        told = self.ask("POST", "/session", capabilities={"alwaysMatch": {"webkitgtk:browserOptions": options}})
        self._path = f"/session/{told['sessionId']}"
        self.first_window: str = self.ask("GET", "/window")
        self._window = self.first_window

    def ask(self, method: str, path: str, **parameters: object) -> Any:  # noqa: ANN401 - any JSON
        """The result of a command; fails with what the driver says against it."""
        answer = self._client.request(method, self._path + path, json=parameters if method == "POST" else None)
        value = answer.json()["value"]
        assert answer.status_code == httpx.codes.OK, f"{path}: {value['error']}: {value['message']}"
        return value

    def choose(self, window: str) -> None:
        """Make a window the current one."""
        if window != self._window:
            self.ask("POST", "/window", handle=window)
            self._window = window

    def close(self) -> None:
        self._client.close()


class WebKitTab:
    """A window of the small browser."""

    def __init__(self, session: WebDriverSession, window: str) -> None:
        self._session = session
        self._window = window

    def go(self, url: str) -> None:
        self._ask("POST", "/url", url=url)

    def run(self, function: str, *arguments: object) -> Any:  # noqa: ANN401 - any JSON
        script = f"return JSON.stringify(({function})(...JSON.parse(arguments[0])) ?? null)"
        return json.loads(self._ask("POST", "/execute/sync", script=script, args=[json.dumps(arguments)]))

    def show(self) -> None:
        self._session.choose(self._window)

    def click(self, selector: str) -> None:
        self._ask("POST", "/actions", actions=clicking(*self.run(MIDDLE_OF, selector)))

    def type(self, text: str) -> None:
        self._ask("POST", "/actions", actions=typing(text))

    def tell_offline(self, *, is_offline: bool) -> None:
        """The page's event alone: the network itself is the scenario's."""
        self.run("name => { dispatchEvent(new Event(name)); }", "offline" if is_offline else "online")

    def close(self) -> None:
        self._ask("DELETE", "/window")
        # Without an open window as the current one the driver opens no other.
        self._session.choose(self._session.first_window)

    def _ask(self, method: str, path: str, **parameters: object) -> Any:  # noqa: ANN401 - any JSON
        self._session.choose(self._window)
        return self._session.ask(method, path, **parameters)


class WebKit:
    """MiniBrowser under its driver."""

    def __init__(self, session: WebDriverSession, driver: int) -> None:
        self._session = session
        self._driver = driver

    def new_tab(self) -> WebKitTab:
        """A window: of tabs, MiniBrowser would show only one at a time, and the driver cannot say which."""
        return WebKitTab(self._session, self._session.ask("POST", "/window/new", type="window")["handle"])

    def processes(self) -> list[int]:
        return [process for process in family(self._driver) if process != self._driver]


@contextmanager
def webkit_browser(folder: Path) -> Iterator[WebKit]:
    """The WebKitGTK of this machine; skips where there is none."""
    binary = next(Path("/usr/lib").glob("*/webkit2gtk-4.1/MiniBrowser"), None)
    driver, screen = shutil.which("WebKitWebDriver"), shutil.which("Xvfb")
    if binary is None or driver is None or screen is None:
        pytest.skip("no WebKit that can be driven on this machine (on Debian: apt install webkit2gtk-driver xvfb)")
    port = free_port()
    with _display(screen) as display, (folder / "said").open("w") as said:
        # In the C locale it reports a language that Intl does not know: a page has to bear that, too.
        environ = {**os.environ, "DISPLAY": display, "HOME": str(folder), "GDK_BACKEND": "x11", "NO_AT_BRIDGE": "1",
            "LC_ALL": "C", "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1"}  # fmt: skip
        process = subprocess.Popen(
            [driver, f"--port={port}"], stdout=said, stderr=said, env=environ, start_new_session=True
        )
        try:
            eventually(lambda: is_listened_on(port))
            session = WebDriverSession(f"http://127.0.0.1:{port}", binary)
            yield WebKit(session, process.pid)
            session.close()
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the driver and all that it started, whatever session that is in."""
    for one in family(process.pid):
        os.kill(one, signal.SIGKILL)
    process.wait()


@contextmanager
def _display(screen: str) -> Iterator[str]:
    """An X display that nobody sees; gives its name."""
    command = [screen, "-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        yield f":{process.stdout.readline().strip()}"
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)
        if process.stdout is not None:
            process.stdout.close()
