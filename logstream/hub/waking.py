"""Those who wait for lines, and how they are woken: together, seldom where they are many, and a slice in each turn.

Owns one future a waiter, the pace of rounds, and where those who are being woken may read to. Refuses to know what is
read. It is callbacks alone, and none is left once nobody waits.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

WAKE_SECONDS: Final = 0.002
WAKE_SECONDS_A_WAITER: Final = 50e-6
"""Waking a subscriber costs about this much: pauses grow with their number, so that frames do and wake-ups do not."""
SLICE: Final = 50
"""So many are woken in one turn of the event loop: what each of them then does takes 50-100 us. Between two slices
sockets, files and timers have their turn."""


class Waking:
    """Who waits for the head to move.

    A round wakes all who waited when it began. Where they are many, or many have read since the last, it also shows to
    all the head of that moment, until the next: they stay in step, whichever slice they are in, instead of taking the
    few lines that come between two slices one by one.
    """

    def __init__(self, head: Callable[[], int], readers: Callable[[], int]) -> None:
        """Nobody waits; `head` answers where what is recorded ends, `readers` how many there are, waiting or not."""
        self._head = head
        self._readers = readers
        self._waiters: dict[asyncio.Future[None], None] = {}
        self._due: OrderedDict[asyncio.Future[None], None] = OrderedDict()
        """Those who are still to be woken, in order."""
        self._shown: int | None = None
        """The head as it was when the last round began; None: of a few it hides nothing."""
        self._taken = self._taken_before = 0
        """How often somebody has found something since, and between that round and the one before it."""
        self._has_more = False
        """Whether the head has moved since the round began that is under way."""
        self._is_going_on = False
        self._began_seconds = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiters) + len(self._due)

    @property
    def shown(self) -> int:
        """Up to where those who look for lines may go. What is beyond it is shown by a round that begins soon."""
        return self._head() if self._shown is None else self._shown

    def note_taken(self) -> None:
        """Somebody has found something."""
        self._taken += 1

    def wait(self) -> asyncio.Future[None]:
        """A future of the caller's own that is done when there is more; give it back with `leave`."""
        future = asyncio.get_running_loop().create_future()
        self._waiters[future] = None
        return future

    def leave(self, future: asyncio.Future[None]) -> None:
        """Stop waiting."""
        self._waiters.pop(future, None)
        self._due.pop(future, None)

    def soon(self) -> None:
        """Wake all, as the head has moved: at once after a pause, else after a pause that grows with their number."""
        if self._is_going_on:
            self._has_more = True
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            due_seconds = self._began_seconds + max(WAKE_SECONDS, WAKE_SECONDS_A_WAITER * self._crowd())
            if loop.time() >= due_seconds:
                self._begin()
            else:
                self._timer = loop.call_at(due_seconds, self._begin)

    def one(self, future: asyncio.Future[None]) -> None:
        """Wake one of those who wait, for another reason; of many who are woken for it each in its slice."""
        if future not in self._waiters:
            return  # has been woken, or is about to be
        is_crowd = len(self) > SLICE
        del self._waiters[future]
        self._due[future] = None
        if not is_crowd:
            self._wake_slice()
        elif not self._is_going_on:
            self._is_going_on = True
            self._go_on()

    def _crowd(self) -> int:
        """How many wait, or have read of late."""
        return max(len(self), min(max(self._taken, self._taken_before), self._readers()))

    def _begin(self) -> None:
        self._timer = None
        if self._is_going_on:  # with those who are woken for another reason
            self._has_more = True
            return
        self._shown = self._head() if self._crowd() > SLICE else None
        self._began_seconds = asyncio.get_running_loop().time()
        self._taken, self._taken_before = 0, self._taken
        waiters, self._waiters = list(self._waiters), {}
        # They wait again in the order in which they were woken: so nobody is always the last.
        first = SLICE % len(waiters) if waiters else 0
        self._due.update(dict.fromkeys(waiters[first:] + waiters[:first]))
        if len(waiters) > SLICE:
            self._is_going_on = True
            self._go_on()
        else:
            self._wake_slice()

    def _go_on(self) -> None:
        """Wake a slice, in a turn of the loop that is not the last one's: behind what those who were woken then do."""
        if self._due:
            self._wake_slice()
            asyncio.get_running_loop().call_soon(self._go_on)
            return
        self._is_going_on = False
        if self._has_more:
            self._has_more = False
            self.soon()

    def _wake_slice(self) -> None:
        for _ in range(min(SLICE, len(self._due))):
            future, _nothing = self._due.popitem(last=False)
            if not future.done():
                future.set_result(None)
