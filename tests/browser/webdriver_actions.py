"""Input as WebDriver has it (section 15, actions), which WebDriver BiDi took over word for word. Pure."""

from __future__ import annotations

from typing import Any

# Section 15.4.2, keyboard actions: the code point that stands for the key.
_ENTER = "\ue007"

MIDDLE_OF = """selector => {
  const place = document.querySelector(selector).getBoundingClientRect();
  return [Math.round(place.left + place.width / 2), Math.round(place.top + place.height / 2)];
}"""
"""Where to click, in the viewport."""


def typing(text: str) -> list[dict[str, Any]]:
    """A key that goes down and up for each character."""
    keys = [_ENTER if character == "\n" else character for character in text]
    strokes = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
    return [{"type": "key", "id": "keyboard", "actions": strokes}]


def clicking(left: int, top: int) -> list[dict[str, Any]]:
    """The mouse goes there, and its button goes down and up."""
    steps: list[dict[str, Any]] = [
        {"type": "pointerMove", "x": left, "y": top},
        {"type": "pointerDown", "button": 0},
        {"type": "pointerUp", "button": 0},
    ]
    return [{"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": steps}]
