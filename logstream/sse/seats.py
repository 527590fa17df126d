"""How many streams may be open at once, in all and by client: counting only.

A seat is taken when a stream is promised, not when its body begins, so a burst of requests cannot pass the limit
between the two. Refuses to know HTTP, time and tasks.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from logstream.sse.errors import Scope


class Full(NamedTuple):
    """No seat is free: `limit` is the limit that was met, `scope` whose it is."""

    limit: int
    scope: Scope


class Seat:
    """One promised stream. Every call may be repeated: several parties give back the same seat."""

    __slots__ = ("_begun", "_client", "_held", "_seats")

    def __init__(self, seats: Seats, client: str) -> None:
        self._seats = seats
        self._client = client
        self._held = False
        self._begun = False
        self._hold()

    def begin(self) -> None:
        """The body begins. A seat that lapsed before is taken again, even above the limit: the promise was given."""
        self._begun = True
        self._hold()

    def lapse(self) -> None:
        """Gives the seat back if the body never began."""
        if not self._begun:
            self.release()

    def release(self) -> None:
        """Gives the seat back."""
        if self._held:
            self._held = False
            self._seats.count(self._client, -1)

    def _hold(self) -> None:
        if not self._held:
            self._held = True
            self._seats.count(self._client, 1)


class Seats:
    """All seats: at most `limit`, and at most `limit_per_client` for one client."""

    def __init__(self, limit: int, limit_per_client: int) -> None:
        self._limit = limit
        self._limit_per_client = limit_per_client
        self._by_client: Counter[str] = Counter()
        self.taken = 0

    def take(self, client: str) -> Seat | Full:
        """A seat for `client`, or which limit is in the way."""
        if self.taken >= self._limit:
            return Full(self._limit, "server")
        if self._by_client[client] >= self._limit_per_client:
            return Full(self._limit_per_client, "client")
        return Seat(self, client)

    def count(self, client: str, change: int) -> None:
        """For `Seat` only: adds or takes away one stream of `client`."""
        self.taken += change
        self._by_client[client] += change
        if not self._by_client[client]:
            del self._by_client[client]  # or the table would grow with every address ever seen

    def __repr__(self) -> str:
        return f"<Seats {self.taken}/{self._limit} clients={len(self._by_client)}>"
