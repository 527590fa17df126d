"""The door of the command line, while what is behind it is still being imported."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tomllib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.installed import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

ENTRY = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]["logstream"].split(":")
SCRIPT = f"import sys; from {ENTRY[0]} import {ENTRY[1]} as run; sys.exit(run())"
"""What installers make of the entry in pyproject.toml."""
HALF_THERE = "import os\nprint('importing', flush=True)\ninput()\nos._exit(7)\n"
NEVER_THERE = "print('importing', flush=True)\nwhile True:\n    pass\n"


@pytest.mark.parametrize("module", ["click", "pydantic", "quart"])
@pytest.mark.parametrize("command", [("-m", "logstream"), ("-c", SCRIPT)], ids=["module", "script"])
def test_an_interrupt_while_modules_are_being_imported_exits_130_without_a_traceback(
    tmp_path: Path, command: tuple[str, str], module: str
) -> None:
    (tmp_path / f"{module}.py").write_text(NEVER_THERE)
    (tmp_path / "config.toml").touch()
    environ = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    with subprocess.Popen(
        [sys.executable, *command, "serve"],
        cwd=tmp_path,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "importing\n"
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)

    assert (process.returncode, told.strip()) == (130, "")


@contextmanager
def importing(directory: Path, module: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command that is importing `module`, and goes on with it, to exit 7, once it is told a line."""
    (directory / f"{module}.py").write_text(HALF_THERE)
    (directory / "config.toml").touch()
    with subprocess.Popen(
        [sys.executable, *arguments],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": f"{directory}{os.pathsep}{ROOT}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "importing\n"
        yield process


@pytest.mark.parametrize("module", ["click", "pydantic", "quart"])
@pytest.mark.parametrize("command", [("-m", "logstream"), ("-c", SCRIPT)], ids=["module", "script"])
def test_a_hangup_while_the_service_is_being_imported_does_not_end_it(
    tmp_path: Path, command: tuple[str, str], module: str
) -> None:
    """It asks for the configuration to be read anew."""
    with importing(tmp_path, module, *command, "serve") as process:
        process.send_signal(signal.SIGHUP)
        _, told = process.communicate("\n", timeout=30)

    assert (process.returncode, told) == (7, "")


def test_a_hangup_ends_other_commands_as_it_ends_any_program(tmp_path: Path) -> None:
    with importing(tmp_path, "pydantic", "-m", "logstream", "check") as process:
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=30)

    assert process.returncode == -signal.SIGHUP


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads that Python knows nothing of are seen there")
def test_numpy_starts_no_threads() -> None:
    """One a core, which spin while the service starts; on one core there would be none in any case."""
    count = f"""import os, sys
from {ENTRY[0]} import {ENTRY[1]} as run
sys.argv = ["logstream", "--version"]
run()
import numpy
print(len(os.listdir("/proc/self/task")))
"""
    told = subprocess.run([sys.executable, "-c", count], check=True, timeout=60, capture_output=True, text=True)

    assert told.stdout.splitlines()[-1] == "1"
