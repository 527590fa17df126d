"""What all tests share: no skips in CI, steady property tests, and an installed logstream for every Python here.

Owns nothing of the product. Fixtures that only one directory needs belong in that directory's conftest.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tests.installed import Installed, build_wheel, copy_of_the_tree, install

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

pytest_plugins = ("tests.conformance",)

IN_CI = os.environ.get("CI") == "true"

hypothesis.settings.register_profile("here", deadline=None)
# The same examples in every run: CI must not fail for a reason that the change under test did not bring.
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("ci" if IN_CI else "here")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail_if_skipped(report)
    return report


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    """In CI a skip would hide a missing install step, so it counts as a failure there."""
    if IN_CI and report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and with CI=true nothing may be: {report.longreprtext}"


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium or Chrome of this machine; skips the test where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("no Chromium on this machine (on Debian: apt install chromium)")


@pytest.fixture(scope="session")
def clean_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the work tree as a fresh clone would have it: nothing built, nothing installed."""
    return copy_of_the_tree(tmp_path_factory.mktemp("clone") / "logstream")


@pytest.fixture(scope="session")
def wheel(clean_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the clean tree with an isolated build, as `pip install .` does it. Takes half a minute."""
    return build_wheel(clean_tree, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Installed]:
    """Gives, for a Python of `tests.installed.pythons()`, an environment that holds the wheel and what it depends on.

    Each environment is made once a session (about 20 s) and shared: tests run its commands and do not change it.
    """
    made: dict[str, Installed] = {}

    def installed_for(python: str) -> Installed:
        if python not in made:
            made[python] = install(wheel, python, tmp_path_factory.mktemp("installed"))
        return made[python]

    return installed_for
