"""Findings in the words and with the lines for one proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logstream.doctor.findings import Finding, Severity
from logstream.doctor.remedies import proxy_of, remedy_for

if TYPE_CHECKING:
    from logstream.doctor.seen import Seen


class Doctor:
    """Words findings for the proxy that was seen."""

    def __init__(self, seen: Seen) -> None:
        """Remember what was seen."""
        self.seen = seen
        self.proxy = proxy_of(seen.health.headers)

    def ok(self, check: str, seen: str) -> Finding:
        """It is as it should be."""
        return Finding(Severity.OK, check, seen)

    def untried(self, check: str, seen: str, why: str, remedy: str) -> Finding:
        """It was not looked at; `remedy` says how one may."""
        return Finding(Severity.UNTRIED, check, seen, why, remedy)

    def warning(self, check: str, seen: str, why: str) -> Finding:
        """It works, and could be better or safer."""
        return Finding(Severity.WARNING, check, seen, why, remedy_for(check, self.proxy))

    def error(self, check: str, seen: str, why: str) -> Finding:
        """Somebody does not get what they ask for."""
        return Finding(Severity.ERROR, check, seen, why, remedy_for(check, self.proxy))
