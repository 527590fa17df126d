"""What is there before an installation: the files that the package brings, and what the machine has already.

Owns reading both. Refuses to draw conclusions: that is `plans`.
"""

from __future__ import annotations

import grp
from pathlib import Path
from typing import Final

from logstream.installing.errors import NoPageError
from logstream.installing.plans import CONFIG, CURRENT, HOME, SERVICE, SOCKET, WEB_ROOT, Machine, Shipped
from logstream.installing.program import system_pythons

_PACKAGE: Final = Path(__file__).resolve().parents[1]


def shipped() -> Shipped:
    """The units and the configuration that come with the package."""
    inside = _PACKAGE / "systemd"
    # In a clone they are beside the package, where people look for them; the wheel has them inside.
    units, config = (inside, inside) if inside.is_dir() else (_PACKAGE.parent / "systemd", _PACKAGE.parent)
    texts = [path.read_text("utf-8") for path in (units / SERVICE, units / SOCKET, config / "config.toml")]
    return Shipped(*texts)


def proxy_files() -> Path:
    """The folder of configurations for web servers in front, one for each of them."""
    inside = _PACKAGE / "deploy"
    return inside if inside.is_dir() else _PACKAGE.parent / "deploy"


def page_folder() -> Path:
    """Where the built page is; raises NoPageError."""
    folder = WEB_ROOT if WEB_ROOT.is_dir() else _PACKAGE / "static"
    if not (folder / "index.html").is_file():
        raise NoPageError(folder)
    return folder


def machine() -> Machine:
    """What this machine has."""
    copies = sorted(path for path in HOME.glob("*") if path != CURRENT and not path.is_symlink())
    groups = frozenset(group.gr_name for group in grp.getgrall())
    return Machine(groups, CONFIG.exists(), tuple(copies), system_pythons())
