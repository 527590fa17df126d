from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.installed import ROOT

if TYPE_CHECKING:
    from pathlib import Path

SKIPPING = {
    "test_inside.py": "import pytest\ndef test_it():\n    pytest.skip('no tool A')\n",
    "test_mark.py": "import pytest\n@pytest.mark.skip(reason='no tool B')\ndef test_it():\n    pass\n",
    "test_module.py": "import pytest\npytest.importorskip('no_such_module', reason='no tool C')\n",
}


@pytest.fixture
def skipping_tests(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    for name, text in SKIPPING.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_in_ci_every_skip_is_a_failure_with_its_reason(skipping_tests: Path) -> None:
    outcomes = _pytest(skipping_tests, "--continue-on-collection-errors", CI="true")
    assert outcomes.count("skipped, and with CI=true nothing may be") >= len(SKIPPING)
    for tool in "ABC":
        assert f"no tool {tool}" in outcomes
    assert "1 failed, 2 errors in" in outcomes


def test_outside_ci_a_skip_is_a_skip(skipping_tests: Path) -> None:
    assert "3 skipped in" in _pytest(skipping_tests, CI="")


def _pytest(folder: Path, *arguments: str, **env: str) -> str:
    command = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", os.devnull, *arguments, "--rootdir")
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | env
    return subprocess.run(
        [*command, folder, folder], cwd=folder, env=environment, capture_output=True, text=True, check=False
    ).stdout
