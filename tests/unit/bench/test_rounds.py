"""A peer that is not here or fails is left out with its reason; a failure of our own is never left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from bench import rounds
from bench.errors import BenchError
from bench.rounds import entrants, paired

if TYPE_CHECKING:
    from pathlib import Path


class Runner(NamedTuple):
    name: str
    needs: str = ""


OURS = Runner("logstream line")
PEER = Runner("peer")
OTHER = Runner("other", "its program")


@pytest.fixture(autouse=True)
def nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "lacking", lambda name: f"no {name}")


def failing(*names: str) -> list[str]:
    """Runs that fail for these contenders; the order of those that ran."""
    ran: list[str] = []

    def run(contender: Runner, _directory: Path) -> float:
        ran.append(contender.name)
        if contender.name in names:
            message = "it broke"
            raise BenchError(message)
        return len(ran)

    field = entrants("what", [OURS, PEER, OTHER])
    outcomes = paired("what", 3, field, run, str)
    ran.append(repr(outcomes.missing))
    assert outcomes.figures(lambda outcome: outcome * 2)[OURS.name] == [
        2 * value for value in outcomes.found[OURS.name]
    ]
    return ran


def test_the_order_moves_on_by_one_each_round() -> None:
    assert failing()[:-1] == [OURS.name, PEER.name, PEER.name, OURS.name, OURS.name, PEER.name]


def test_a_peer_that_is_not_to_be_had_is_told_with_the_reason() -> None:
    assert failing()[-1] == repr({"other": "no its program"})


def test_a_peer_that_fails_is_out_with_the_reason_and_the_others_go_on() -> None:
    ran = failing(PEER.name)

    assert ran[:-1] == [OURS.name, PEER.name, OURS.name, OURS.name]
    assert ran[-1] == repr({"other": "no its program", "peer": "it failed: it broke"})


def test_our_own_failure_ends_the_benchmark() -> None:
    with pytest.raises(BenchError, match="it broke"):
        failing(OURS.name)


def test_a_wrong_answer_of_a_peer_is_found_before_anything_is_timed() -> None:
    def check(contender: Runner, _directory: Path) -> None:
        if contender == PEER:
            message = "wrong lines"
            raise BenchError(message)

    field = entrants("what", [OURS, PEER], check)

    assert (field.present, field.missing) == ([OURS], {"peer": "it failed: wrong lines"})
