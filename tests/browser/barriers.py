"""What axe-core finds in a page that keeps somebody out, by WCAG 2.2 AA, in the light and in the dark."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from playwright.sync_api import Page

_AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def barriers_in(page: Page) -> list[tuple[str, str, list[str]]]:
    """Each with the colour scheme, its rule, and the first elements that it is about."""
    page.evaluate(_AXE.read_text())
    barriers: list[tuple[str, str, list[str]]] = []
    for scheme in _SCHEMES:
        page.emulate_media(color_scheme=scheme)
        found: dict[str, Any] = page.evaluate("tags => axe.run(document, {runOnly: tags})", _TAGS)
        barriers += [
            (scheme, item["id"], [node["html"][:200] for node in item["nodes"][:3]]) for item in found["violations"]
        ]
    return barriers
