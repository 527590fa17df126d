"""The first minutes: a fresh clone, `make run`, and a line in the browser, with nothing there but make and a Python."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest

from tests.installed import copy_of_the_tree
from tests.running import Stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIG = """\
[server]
port = 0
[state]
dir = "state"
[[source]]
name = "app"
paths = ["*.log"]
"""


@contextmanager
def make_run(tree: Path, config: Path) -> Iterator[tuple[str, list[str]]]:
    """The address that `make run` prints, and the steps that it took; ended as Ctrl-C does it."""
    # What an outer make says of itself is not for this one.
    environ = {name: text for name, text in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "LOGSTREAM_"))}
    with subprocess.Popen(
        ["make", "run", f"CONFIG={config}"],
        cwd=tree,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        said: list[str] = []
        try:
            for line in process.stdout:
                said.append(line)
                if found := re.search(r"listening on (http://\S+)", line):
                    yield found[1], [step for step in said if step.startswith("==> ")]
                    break
            else:
                pytest.fail("it ended before it listened:\n" + "".join(said))
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)


@pytest.mark.timeout(600)  # what it installs and builds comes from the package registries
def test_make_run_in_a_fresh_clone_ends_in_a_page_and_a_line_and_the_second_time_at_once(tmp_path: Path) -> None:
    tree = copy_of_the_tree(tmp_path / "clone")
    config = tmp_path / "app.toml"
    config.write_text(CONFIG)
    (tmp_path / "app.log").write_text("2026-01-02T03:04:05Z INFO first line\n")

    with make_run(tree, config) as (address, steps):
        assert '<script type="module"' in httpx.get(address).text
        stream = Stream(urlsplit(address).port or 0, "/api/v1/stream?from=start")
        assert stream.texts(1) == ["2026-01-02T03:04:05Z INFO first line"]
        stream.cut()
        assert any("Building the page" in step for step in steps)

    with make_run(tree, config) as (address, steps):
        assert httpx.get(f"{address}healthz").is_success
        assert steps == [f"==> Starting logstream on {config}\n"]
