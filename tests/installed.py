"""logstream as its users get it: a wheel built from a clean tree, installed into an environment of its own.

Owns the finding of Pythons, the build and the installation. Refuses to know what the installed product does.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
MINORS = range(11, 15)
"""The minor versions of Python 3 that are supported; on each the locks were seen to have wheels."""


class Installed(NamedTuple):
    """An environment that holds logstream, and the two commands in it that tests run."""

    python: Path
    logstream: Path


@functools.cache
def pythons() -> dict[str, str]:
    """The supported Pythons of this machine by version, as "3.12": "/path/to/python3.12".

    This one, those on PATH, and those that pyenv keeps beside PATH.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    found = {}
    for minor in MINORS:
        version = f"3.{minor}"
        own = [sys.executable] if sys.version_info[:2] == (3, minor) else []
        on_path = shutil.which(f"python{version}")
        kept = sorted(str(path) for path in pyenv.glob(f"{version}.*/bin/python{version}"))
        for candidate in (*own, on_path, *kept):
            if candidate and _runs(candidate):
                found[version] = candidate
                break
    return found


def _runs(python: str) -> bool:
    """Whether the command makes environments; a shim of pyenv may be on PATH and refuse to run."""
    tried = subprocess.run([python, "-c", "import venv, ensurepip"], capture_output=True, check=False)
    return tried.returncode == 0


every_python = pytest.mark.parametrize("python", [pytest.param(path, id=name) for name, path in pythons().items()])
"""Marks a test that takes `python` and runs once for each supported Python of this machine."""


def run(*command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """What the command printed; an AssertionError with all its words if it fails."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    words = " ".join(map(str, command))
    assert done.returncode == 0, f"{words}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def copy_of_the_tree(target: Path) -> Path:
    """The files that git has or would add, copied to `target`: no built page, no environment, no node_modules."""
    for name in run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
        source = ROOT / name
        if name and source.is_file():
            copied = target / name
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copied)
    return target


def build_wheel(project: Path, folder: Path, env: dict[str, str] | None = None) -> Path:
    """The wheel of a source tree or sdist, built as pip builds it: isolated, with what the project asks for."""
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", folder, project, env=env)
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(wheel: Path, python: str, folder: Path) -> Installed:
    """A new environment of `python` in `folder` with the locked packages and the wheel, and nothing else.

    The locked ones, or a release of somebody else's would change the result of the same commit; `pip check` then
    holds the wheel's own requirements against them.
    """
    run(python, "-m", "venv", folder)
    own = folder / "bin" / "python"
    pip = (own, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "install", "--quiet", "--require-hashes", "-r", "requirements.lock")
    run(*pip, "install", "--quiet", "--no-deps", wheel)
    run(*pip, "check")
    return Installed(python=own, logstream=folder / "bin" / "logstream")
