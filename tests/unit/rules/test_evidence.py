"""What is worth a remark in the counts of rules."""

from __future__ import annotations

from logstream.rules.evidence import ENOUGH_LINES, Evidence, remarks


def evidence(name: str, tried: int = ENOUGH_LINES, hits: int = 1, cost: float | None = 50) -> Evidence:
    return Evidence(name, tried, hits, 0 if hits else None, cost)


def test_a_rule_that_never_fired_is_pointed_out_once_it_had_its_chance() -> None:
    early, late = evidence("early", ENOUGH_LINES - 1, 0), evidence("late", ENOUGH_LINES, 0)

    assert remarks([early, late, evidence("busy", ENOUGH_LINES)]) == {
        "late": "never fired in 1,000 lines: does it still fit?"
    }


def test_a_rule_that_costs_more_than_its_share_is_pointed_out() -> None:
    rules = [evidence("a", cost=50), evidence("dear", cost=900), evidence("b", cost=60), evidence("new", cost=None)]

    assert remarks(rules) == {"dear": "takes 900 ns a line, 16 times as much as the other rules"}


def test_what_a_rule_costs_is_told_once_there_were_lines_enough_to_tell() -> None:
    assert remarks([evidence("a"), evidence("dear", ENOUGH_LINES - 1, cost=90_000)]) == {}


def test_what_is_cheap_is_nobodys_remark_whatever_the_others_cost() -> None:
    assert remarks([evidence("a", cost=1), evidence("b", cost=150)]) == {}
    assert remarks([evidence("alone", cost=10_000)]) == {}


def test_two_things_to_say_of_a_rule_are_both_said() -> None:
    rules = [evidence("a"), evidence("b"), evidence("idle", ENOUGH_LINES, 0, 5_000)]

    assert remarks(rules)["idle"].count(";") == 1
