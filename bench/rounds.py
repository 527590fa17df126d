"""Paired rounds: in each, every contender runs once, one after the other, in an order that moves on by one.

What makes the machine slower or faster for a while so meets all of them, and the ratios of a round tell more than the
figures do.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Named(Protocol):
    """What takes part under a name."""

    @property
    def name(self) -> str:
        """As the table has it."""


Contender = TypeVar("Contender", bound=Named)
Outcome = TypeVar("Outcome")


class Plan(NamedTuple):
    """How much is measured: `rounds` of each benchmark, and `lines` of those that count lines."""

    rounds: int
    lines: int


def say(words: str) -> None:
    """Tell how far it is, with the time; the result itself goes to stdout."""
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


def paired(
    what: str,
    rounds: int,
    contenders: Sequence[Contender],
    measure: Callable[[Contender, Path], Outcome],
    tell: Callable[[Outcome], str],
) -> dict[str, list[Outcome]]:
    """The outcomes of each contender by its name, one a round. Each run has an empty directory."""
    outcomes: dict[str, list[Outcome]] = {contender.name: [] for contender in contenders}
    for number in range(rounds):
        first = number % len(contenders)
        for contender in (*contenders[first:], *contenders[:first]):
            with TemporaryDirectory(prefix="logstream-bench-") as directory:
                outcome = measure(contender, Path(directory))
            outcomes[contender.name].append(outcome)
            say(f"{what}, round {number + 1} of {rounds}: {contender.name} {tell(outcome)}")
    return outcomes


def check_answers(what: str, contenders: Sequence[Contender], check: Callable[[Contender, Path], None]) -> None:
    """Before anything is timed: every contender brings the lines that were written. Raises BenchError."""
    for contender in contenders:
        with TemporaryDirectory(prefix="logstream-bench-") as directory:
            check(contender, Path(directory))
        say(f"{what}, check: {contender.name} brings the same lines in the same order")
