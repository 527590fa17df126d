"""Tries at passwords that are left, asked of whoever counts them for all processes of the service.

Owns the interface, and the counting within one process. How many tries there are is for `access`.
"""

from __future__ import annotations

import time
from typing import Protocol

from logstream.access import LoginLimits


class Tries(Protocol):
    """The tries that are left; see `access.LoginLimits`."""

    async def take(self, address: str, name: str) -> int:
        """0 if one may try now, and one try is taken; else after how many seconds one may."""

    async def give_back(self, address: str, name: str) -> None:
        """It was the right password."""


class OwnTries:
    """Counted by this process."""

    def __init__(self) -> None:
        """Nobody has tried."""
        self._limits = LoginLimits(time.monotonic)

    async def take(self, address: str, name: str) -> int:
        """As `Tries` has it."""
        return self._limits.take(address, name)

    async def give_back(self, address: str, name: str) -> None:
        """As `Tries` has it."""
        self._limits.give_back(address, name)
