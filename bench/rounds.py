"""Paired rounds: in each, every contender runs once, one after the other, in an order that moves on by one.

What makes the machine slower or faster for a while so meets all of them, and the ratios of a round tell more than the
figures do. A peer that is not here, or that fails, is taken out and reported with the reason; a failure of our own ends
the benchmark.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from bench.errors import BenchError
from bench.measured import OURS
from bench.peers import lacking

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Named(Protocol):
    """What takes part under a name, and the program that it needs, if any (bench.peers)."""

    @property
    def name(self) -> str:
        """As the table has it."""

    @property
    def needs(self) -> str:
        """The name of the peer's program; empty if it needs none."""


Contender = TypeVar("Contender", bound=Named)
Outcome = TypeVar("Outcome")


class Plan(NamedTuple):
    """How much is measured: `rounds` of each benchmark, full or quick sizes, and `lines` of those that count lines."""

    rounds: int
    is_full: bool
    lines: int

    def size(self, quick: int, full: int) -> int:
        """The size of this plan."""
        return full if self.is_full else quick


class Field(NamedTuple, Generic[Contender]):
    """Who takes part in a benchmark, and who does not, with the reason."""

    present: list[Contender]
    missing: dict[str, str]


class Outcomes(NamedTuple, Generic[Outcome]):
    """The outcomes of each contender by its name, one a round, and the peers that have none, with the reason."""

    found: dict[str, list[Outcome]]
    missing: dict[str, str]

    def figures(self, figure: Callable[[Outcome], float]) -> dict[str, list[float]]:
        """One figure of each outcome."""
        return {name: [figure(outcome) for outcome in outcomes] for name, outcomes in self.found.items()}


def say(words: str) -> None:
    """Tell how far it is, with the time; the result itself goes to stdout."""
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


def entrants(
    what: str, contenders: Sequence[Contender], check: Callable[[Contender, Path], None] | None = None
) -> Field[Contender]:
    """Who takes part: whose program is here, and whose answer `check` finds right. Raises BenchError for our own."""
    field: Field[Contender] = Field([], {})
    for contender in contenders:
        reason = lacking(contender.needs) if contender.needs else ""
        if not reason and check is not None:
            reason = _failure(contender, check)
        if reason:
            field.missing[contender.name] = reason
            say(f"{what}: without {contender.name}: {reason}")
        else:
            field.present.append(contender)
            if check is not None:
                say(f"{what}, check: {contender.name} brings the same lines in the same order")
    return field


def paired(
    what: str,
    rounds: int,
    field: Field[Contender],
    measure: Callable[[Contender, Path], Outcome],
    tell: Callable[[Outcome], str],
) -> Outcomes[Outcome]:
    """Each contender once a round, each time in an empty directory."""
    outcomes: Outcomes[Outcome] = Outcomes({one.name: [] for one in field.present}, dict(field.missing))

    def run(contender: Contender, directory: Path) -> None:
        outcome = measure(contender, directory)
        outcomes.found[contender.name].append(outcome)
        say(f"{what}, round {number + 1} of {rounds}: {contender.name} {tell(outcome)}")

    for number in range(rounds):
        present = [contender for contender in field.present if contender.name in outcomes.found]
        first = number % len(present)
        for contender in (*present[first:], *present[:first]):
            reason = _failure(contender, run)
            if reason:
                del outcomes.found[contender.name]
                outcomes.missing[contender.name] = reason
                say(f"{what}: without {contender.name}: {reason}")
    return outcomes


def _failure(contender: Contender, run: Callable[[Contender, Path], None]) -> str:
    """Why a peer failed in a run; empty if it did not. Raises what our own raised."""
    try:
        with TemporaryDirectory(prefix="logstream-bench-") as directory:
            run(contender, Path(directory))
    except (BenchError, OSError) as error:
        if contender.name.startswith(OURS):
            raise
        return f"it failed: {error}"
    return ""
