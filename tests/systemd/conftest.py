"""A machine under systemd for each module, with logstream installed as its users install it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.systemd.machine import Machine, booted

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
