"""What the doctor says: findings, each with what was seen, why it matters, and the lines that put it right."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """How bad a finding is. `UNTRIED` is neither: it was not looked at, and the remedy says how one may."""

    OK = "ok"
    UNTRIED = "untried"
    WARNING = "warning"
    ERROR = "error"


class Finding(NamedTuple):
    """One finding; `check` names what was looked at, `remedy` is lines to be copied, or empty."""

    severity: Severity
    check: str
    seen: str
    why: str = ""
    remedy: str = ""
