"""Firefox for the scenarios, driven by WebDriver BiDi, which it speaks by itself over a WebSocket."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from websockets.sync.client import connect

from bench.process import family
from tests.browser.webdriver_actions import MIDDLE_OF, clicking, typing
from tests.running import PATIENCE_SECONDS, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from websockets.sync.client import ClientConnection

_LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")


class BidiSession:
    """Commands and their results; events are not asked for."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._number = 0
        self.ask("session.new", capabilities={})

    def ask(self, method: str, **parameters: object) -> Any:  # noqa: ANN401 - any JSON
        """The result of a command; fails with what the browser says against it."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while (told := json.loads(self._socket.recv(PATIENCE_SECONDS))).get("id") != self._number:
            pass
        assert told["type"] == "success", f"{method}: {told['error']}: {told['message']}"
        return told["result"]


class FirefoxTab:
    """A top-level browsing context."""

    def __init__(self, session: BidiSession, context: str) -> None:
        self._session = session
        self.context = context

    def go(self, url: str) -> None:
        self._session.ask("browsingContext.navigate", context=self.context, url=url, wait="complete")

    def run(self, function: str, *arguments: object) -> Any:  # noqa: ANN401 - any JSON
        told = self._session.ask(
            "script.callFunction",
            functionDeclaration=f"given => JSON.stringify(({function})(...JSON.parse(given)) ?? null)",
            target={"context": self.context},
            arguments=[{"type": "string", "value": json.dumps(arguments)}],
            awaitPromise=False,
        )
        assert told["type"] == "success", told["exceptionDetails"]["text"]
        return json.loads(told["result"]["value"])

    def show(self) -> None:
        self._session.ask("browsingContext.activate", context=self.context)

    def click(self, selector: str) -> None:
        self._act(clicking(*self.run(MIDDLE_OF, selector)))

    def type(self, text: str) -> None:
        self._act(typing(text))

    def tell_offline(self, *, is_offline: bool) -> None:
        """The page's event alone: the network itself is the scenario's."""
        self.run("name => { dispatchEvent(new Event(name)); }", "offline" if is_offline else "online")

    def close(self) -> None:
        self._session.ask("browsingContext.close", context=self.context)

    def _act(self, actions: list[dict[str, Any]]) -> None:
        self._session.ask("input.performActions", context=self.context, actions=actions)


class Firefox:
    """A headless Firefox with a new profile."""

    def __init__(self, session: BidiSession, process: int) -> None:
        self._session = session
        self._process = process

    def new_tab(self) -> FirefoxTab:
        tab = FirefoxTab(self._session, self._session.ask("browsingContext.create", type="tab")["context"])
        tab.show()
        return tab

    def processes(self) -> list[int]:
        return family(self._process)


@contextmanager
def firefox_browser(folder: Path) -> Iterator[Firefox]:
    """A Firefox of this machine; skips where there is none."""
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        pytest.skip("no Firefox on this machine (on Debian: apt install firefox-esr)")
    (folder / "profile").mkdir()
    command = [program, "--headless", "--no-remote", "--profile", str(folder / "profile"), "--remote-debugging-port=0"]
    with (folder / "said").open("w") as said:
        # Its own home: as root it refuses to run in another user's.
        environ = {**os.environ, "HOME": str(folder), "MOZ_CRASHREPORTER_DISABLE": "1"}
        process = subprocess.Popen(command, stdout=said, stderr=said, env=environ, start_new_session=True)
    try:
        with connect(_address(process, folder / "said"), max_size=None, ping_interval=None) as socket:
            yield Firefox(BidiSession(socket), process.pid)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _address(process: subprocess.Popen[bytes], said: Path) -> str:
    def found() -> re.Match[str] | None:
        return _LISTENING.search(said.read_text())

    eventually(lambda: found() is not None or process.poll() is not None)
    listening = found()
    assert listening is not None, said.read_text()
    return f"{listening[1]}/session"
