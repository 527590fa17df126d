"""Open descriptors between their opening and whoever keeps them: closed if anything goes wrong in between.

Owns that one rule: a descriptor has one owner at any moment. Who is handed one takes it, or raises an error and has
taken nothing. Refuses to know what is open.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Self


class Custody:
    """Owns descriptors until they are handed over: what is left at the end of its `with` block is closed."""

    def __init__(self, descriptors: Iterable[int]) -> None:
        """Own `descriptors` from now on."""
        self._descriptors = set(descriptors)

    def hand_over(self, descriptor: int) -> None:
        """Note that another one owns `descriptor` from now on, and closes it."""
        self._descriptors.remove(descriptor)

    def close(self) -> None:
        """Close all that was not handed over."""
        while self._descriptors:
            os.close(self._descriptors.pop())

    def __enter__(self) -> Self:
        """Begin the block in which they are handed over."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close all that was not handed over."""
        self.close()
