"""What is said of a proof: a table whose columns fit, every mistake by name, and a verdict that claims no more."""

from __future__ import annotations

import click
import pytest

from logstream.cli.proving import told, verdict
from logstream.prove.account import Kind, Mistake, Tally
from logstream.prove.outcome import Faults, Outcome, Row
from logstream.prove.staging import Deed

FAULTS = Faults(cuts=1_234, cuts_inside=1_200, breaks=3, kills=2, longest_down_seconds=1.25)


def outcome(*tallies: Tally, mistakes: tuple[Mistake, ...] = (), way: str = "own") -> Outcome:
    total = Tally()
    for tally in tallies:
        total += tally
    rows = [Row(f"part {number}", number, tally) for number, tally in enumerate(tallies)]
    found = Outcome("own", rows, total, mistakes, FAULTS, [Deed(10.0, "a kill"), Deed(11.0, "a rename")], 9.0)
    return found if way == "own" else found._replace(way="read-only")


def plain(shown: Outcome) -> list[str]:
    return [click.unstyle(line) for line in told(shown)]


def test_the_table_has_a_row_for_each_part_and_a_total_and_its_columns_fit() -> None:
    lines = plain(outcome(Tally(600, 560, 0, 0, 0, 40, 40, 0.25), Tally(1_400, 1_400, worst_delay_seconds=0.5)))
    head, first, second, total = lines[:4]

    assert len({len(line) for line in lines[:4]}) == 1
    assert first.split() == ["part", "0", "0", "600", "560", "0", "0", "0", "40", "0.250", "s"]
    assert second.split() == ["part", "1", "1", "1,400", "1,400", "0", "0", "0", "0", "0.500", "s"]
    assert total.split() == ["total", "1", "2,000", "1,960", "0", "0", "0", "40", "0.500", "s"]
    assert head.split()[0:2] == ["rotated", "written"]
    assert "cut 1,234 times, 1,200 of them within an event" in "\n".join(lines)
    assert "killed 2 times (kill -9) and was back after 1.2 s at most" in "\n".join(lines)
    assert "40 were reported with their exact number" in "\n".join(lines)


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (outcome(Tally(5_000, 5_000)), "Exact: each of 5,000 lines came once and in order."),
        (
            outcome(Tally(5_000, 4_960, 0, 0, 0, 40, 40)),
            "Exact: each of 5,000 lines came once and in order, or was reported as gone, which 40 of them were.",
        ),
        (outcome(Tally(99, 99)), "Exact, but with 99 lines alone, which proves little."),
        (outcome(Tally(1, 1)), "Exact, but with 1 line alone, which proves little."),
        (outcome(), "Nothing is proven: the service had no lines. Try again when it has, or let it watch --dir."),
        (
            outcome(Tally(500, 500), way="read-only"),
            "Exact: each of 500 lines came once and in order, over the connection that was cut, too.",
        ),
    ],
)
def test_the_verdict_says_what_was_shown_and_no_more(shown: Outcome, words: str) -> None:
    assert verdict(shown) == words


def test_each_kind_of_mistake_is_in_the_verdict() -> None:
    counted = outcome(Tally(9, 5, 4, 3, 2), mistakes=(Mistake("lost", "a.log"),))
    kinds: tuple[Kind, ...] = ("wrong gap", "damaged", "place lost")
    others = outcome(Tally(9, 9), mistakes=tuple(Mistake(kind, "a.log") for kind in kinds))

    assert verdict(counted) == "NOT exact: of 9 lines, 4 were lost, 3 came twice, 2 came out of order."
    assert verdict(others) == (
        "NOT exact: of 9 lines, some came that nobody wrote, an id was not known any more, a gap says what is not so."
    )


def test_a_mistake_is_told_with_its_place_and_what_was_done_before_it() -> None:
    mistakes = (
        Mistake("lost", "a.log", 2, 5, 7, 11.5),
        Mistake("doubled", "a.log", 2, 9, 9, 9.5),
        Mistake("wrong gap", "a.log", words="gap 1-2, lines 3, but they are not missing"),
        Mistake("damaged", "", words="half a li"),
    )
    lines = plain(outcome(Tally(9, 6, 3, 1), mistakes=mistakes))

    assert lines[-6:-2] == [
        "lost: a.log (life 2), lines 5-7, written at 2.50 s, 0.50 s after a rename",
        "doubled: a.log (life 2), line 9, written at 0.50 s",
        "wrong gap: a.log gap 1-2, lines 3, but they are not missing",
        "damaged: half a li",
    ]


def test_of_many_mistakes_the_first_are_told_and_the_rest_counted() -> None:
    lines = plain(outcome(Tally(99, 49, 50), mistakes=tuple(Mistake("lost", f"{n}.log") for n in range(50))))

    assert sum(line.startswith("lost:") for line in lines) == 10
    assert "... and 40 more of these" in lines
