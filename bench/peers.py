"""The programs that logstream is compared with: installs what is missing, once, and says why if it cannot.

Owns `.peers/` in the repository's root, which git ignores: frontail with its dependencies, as its lock file pins them.
nginx with nchan, and ripgrep, come from Debian's packages, which only root on a Debian can install. A peer that is not
to be had is no error: `lacking` gives the reason, and the table has it in the peer's place.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

from bench.errors import BenchError

FRONTAIL: Final = "frontail"
NCHAN: Final = "nchan"
RIPGREP: Final = "ripgrep"

_ROOT: Final = Path(__file__).parents[1]
WITH_NODE: Final = str(_ROOT / "scripts" / "with-node")
_CACHE: Final = _ROOT / ".peers"
_INSTALL_SECONDS: Final = 600
_FRONTAIL_FILES: Final = ("package.json", "package-lock.json", ".npmrc")
# Some have no sbin on their PATH, and nginx is there.
_PATH: Final = f"{os.environ.get('PATH', '')}:/usr/sbin"
NCHAN_MODULE: Final = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
FRONTAIL_PROGRAM: Final = _CACHE / "frontail" / "node_modules" / "frontail" / "bin" / "frontail"


@cache
def lacking(peer: str) -> str:
    """Why a peer is not to be had; empty if it is here. What is missing is installed first."""
    try:
        _INSTALLERS[peer]()
    except (BenchError, OSError, subprocess.SubprocessError) as error:
        return f"not to be had: {error}"
    return ""


def program(name: str) -> str:
    """The path of an installed program. Raises BenchError."""
    found = shutil.which(name, path=_PATH)
    if found is None:
        message = f"{name} is not installed"
        raise BenchError(message)
    return found


def _install_frontail() -> None:
    locked = Path(__file__).parent / "frontail"
    place = _CACHE / "frontail"
    done = place / "installed.lock"
    lock = (locked / "package-lock.json").read_bytes()
    if done.exists() and done.read_bytes() == lock and FRONTAIL_PROGRAM.exists():
        return
    place.mkdir(parents=True, exist_ok=True)
    for name in _FRONTAIL_FILES:
        shutil.copy(locked / name, place / name)
    _run([WITH_NODE, "npm", "ci", "--omit=dev", "--loglevel=error"], place)
    done.write_bytes(lock)


def _install_nchan() -> None:
    if not NCHAN_MODULE.exists() or shutil.which("nginx", path=_PATH) is None:
        _install_from_debian("nginx-light", "libnginx-mod-nchan")
    if not NCHAN_MODULE.exists():
        message = f"there is no {NCHAN_MODULE}"
        raise BenchError(message)
    program("nginx")


def _install_ripgrep() -> None:
    if shutil.which("rg", path=_PATH) is None:
        _install_from_debian("ripgrep")
    program("rg")


def _install_from_debian(*packages: str) -> None:
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        message = f"on Debian, as root: apt-get install {' '.join(packages)}"
        raise BenchError(message)
    _run(["apt-get", "update", "-qq"], _ROOT)
    # A freshly installed nginx must not begin to serve: the benchmark starts its own.
    forbid_start = {"RUNLEVEL": "1", "DEBIAN_FRONTEND": "noninteractive"}
    _run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], _ROOT, forbid_start)


def _run(command: list[str], directory: Path, environ: dict[str, str] | None = None) -> None:
    """Run an installer. Raises BenchError with the last line that it said."""
    done = subprocess.run(
        command,
        check=False,
        cwd=directory,
        env={**os.environ, **(environ or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_INSTALL_SECONDS,
    )
    if done.returncode:
        said = done.stdout.strip().splitlines()
        message = f"{Path(command[0]).name} failed: {said[-1] if said else done.returncode}"
        raise BenchError(message)


_INSTALLERS: Final = {FRONTAIL: _install_frontail, NCHAN: _install_nchan, RIPGREP: _install_ripgrep}
