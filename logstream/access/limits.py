"""How often somebody may try to log in: for each user and for each address a budget that grows back with time. Pure.

Owns two bounded tables. When one is full, the entry that was used longest ago leaves: an attacker with one address can
push nobody out, for the address's own budget comes first. The clock is the caller's.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

TRIES_AN_ADDRESS: Final = 10
TRIES_A_USER: Final = 10
SECONDS_A_TRY: Final = 20.0
"""How long it takes until one more try is there."""
MOST_ENTRIES: Final = 4096
_SLACK: Final = 1e-6
_NETWORK_BITS: Final = 64
"""What one subscriber is given of IPv6, so that its addresses count as one."""


class _Budgets:
    """Tries by key: how many were left at which time."""

    def __init__(self, tries: int, most_entries: int) -> None:
        self._tries = tries
        self._most_entries = most_entries
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def left(self, key: str, now_seconds: float) -> float:
        """How many tries there are."""
        left, at_seconds = self._left.get(key, (float(self._tries), now_seconds))
        return min(float(self._tries), left + (now_seconds - at_seconds) / SECONDS_A_TRY)

    def take(self, key: str, now_seconds: float, tries: float = 1.0) -> None:
        """Have fewer, or with `tries` below 0 more."""
        left = min(float(self._tries), self.left(key, now_seconds) - tries)
        self._left[key] = left, now_seconds
        self._left.move_to_end(key)
        while len(self._left) > self._most_entries:
            self._left.popitem(last=False)

    def __len__(self) -> int:
        return len(self._left)


class LoginLimits:
    """The tries that are left."""

    def __init__(self, clock: Callable[[], float], most_entries: int = MOST_ENTRIES) -> None:
        """Nobody has tried. `clock` gives seconds and never goes back."""
        self._clock = clock
        self._addresses = _Budgets(TRIES_AN_ADDRESS, most_entries)
        self._users = _Budgets(TRIES_A_USER, most_entries)

    def take(self, address: str, name: str) -> int:
        """0 if one may try now, and one try is taken; else after how many seconds one may."""
        now = self._clock()
        budgets = (self._addresses, _network(address)), (self._users, name)
        for budget, key in budgets:
            left = budget.left(key, now)
            if left < 1.0 - _SLACK:
                return max(1, math.ceil((1.0 - left) * SECONDS_A_TRY - _SLACK))
        for budget, key in budgets:
            budget.take(key, now)
        return 0

    def give_back(self, address: str, name: str) -> None:
        """It was the right password: that was no try at guessing it."""
        now = self._clock()
        self._addresses.take(_network(address), now, -1.0)
        self._users.take(name, now, -1.0)

    def __repr__(self) -> str:
        """How many are remembered."""
        return f"<LoginLimits addresses={len(self._addresses)} users={len(self._users)}>"


def _network(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return f"{int(parsed) >> (128 - _NETWORK_BITS):x}::"
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
