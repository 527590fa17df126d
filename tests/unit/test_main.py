"""The door of the command line, while what is behind it is still being imported."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest

from tests.installed import ROOT

if TYPE_CHECKING:
    from pathlib import Path

ENTRY = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]["logstream"].split(":")
SCRIPT = f"import sys; from {ENTRY[0]} import {ENTRY[1]} as run; sys.exit(run())"
"""What installers make of the entry in pyproject.toml."""
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
