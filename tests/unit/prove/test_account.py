"""The account sees every kind of mistake, and takes nothing for one that is none."""

from __future__ import annotations

import pytest

from logstream.prove.account import Gap, Heard, Life, Mistake, Outages, Sighting, Tally, account_of
from logstream.prove.lines import Line

FIRST = Life("a.log", 0, (10, 20, 30, 40, 50), (0.0, 0.125, 0.25, 0.375, 0.5), 5)
SECOND = Life("a.log", 1, (12, 24, 36), (0.625, 0.75, 0.875), 3)
OTHER = Life("b.log", 0, (10, 20), (0.0, 0.5), 2)
LIVES = (FIRST, SECOND, OTHER)
DELAY = 0.0625


def sightings(*names: str) -> list[Sighting]:
    """`a0:3` is line 3 of the first life of a.log, seen a little after it was written."""
    found = []
    for name in names:
        life, number = int(name[1]), int(name[3:])
        times = {(one.file, one.number): one.times for one in LIVES}.get((f"{name[0]}.log", life), ())
        written = times[number] if number < len(times) else 0.0
        found.append(Sighting(Line(f"{name[0]}.log", life, number), written + DELAY))
    return found


ALL = ("a0:0", "a0:1", "b0:0", "a0:2", "a0:3", "a0:4", "a1:0", "b0:1", "a1:1", "a1:2")


def kinds(heard: Heard) -> list[tuple[str, str, int | None, int | None, int | None]]:
    return [(one.kind, one.file, one.life, one.first, one.last) for one in account_of(LIVES, heard).mistakes]


def without(*names: str) -> list[Sighting]:
    return sightings(*[name for name in ALL if name not in names])


def test_all_lines_once_and_in_order_are_no_mistake() -> None:
    account = account_of(LIVES, Heard(sightings(*ALL)))

    assert account.mistakes == []
    assert account.tallies["a.log"] == Tally(8, 8, 0, 0, 0, 0, 0, DELAY)
    assert account.total == Tally(10, 10, 0, 0, 0, 0, 0, DELAY)


@pytest.mark.parametrize("name", ALL)
def test_each_line_that_is_missing_is_lost(name: str) -> None:
    account = account_of(LIVES, Heard(without(name)))

    assert [(one.kind, one.file, one.life, one.first) for one in account.mistakes] == [
        ("lost", f"{name[0]}.log", int(name[1]), int(name[3]))
    ]
    assert (account.total.seen, account.total.lost, account.total.in_gaps) == (9, 1, 0)


def test_a_stretch_of_lost_lines_is_one_mistake_with_the_time_of_the_first() -> None:
    account = account_of(LIVES, Heard(without("a0:1", "a0:2", "a0:4")))

    assert account.mistakes == [Mistake("lost", "a.log", 0, 1, 2, 0.125), Mistake("lost", "a.log", 0, 4, 4, 0.5)]
    assert account.total.lost == 3


@pytest.mark.parametrize("name", ALL)
def test_each_line_that_comes_twice_is_doubled_and_not_out_of_order(name: str) -> None:
    account = account_of(LIVES, Heard(sightings(*ALL, name)))

    assert [one.kind for one in account.mistakes] == ["doubled"]
    assert (account.total.seen, account.total.doubled, account.total.disordered) == (10, 1, 0)


def test_a_line_that_comes_three_times_counts_twice() -> None:
    assert account_of(LIVES, Heard(sightings(*ALL, "a0:1", "a0:1"))).total.doubled == 2


def test_a_line_that_is_overtaken_by_one_of_its_life_is_out_of_order() -> None:
    order = ("a0:0", "a0:2", "a0:1", "b0:0", "a0:3", "a0:4", "a1:0", "b0:1", "a1:1", "a1:2")

    assert kinds(Heard(sightings(*order))) == [("out of order", "a.log", 0, 1, 1)]
    assert account_of(LIVES, Heard(sightings(*order))).total.disordered == 1


def test_a_line_that_is_overtaken_by_one_of_the_next_life_is_out_of_order() -> None:
    order = ("a0:0", "a0:1", "a0:2", "a0:3", "a1:0", "a0:4", "b0:0", "b0:1", "a1:1", "a1:2")

    assert kinds(Heard(sightings(*order))) == [("out of order", "a.log", 0, 4, 4)]


def test_a_late_line_may_come_after_lines_of_the_next_life_but_not_before_an_earlier_one_of_its_own() -> None:
    lives = (FIRST._replace(late_from=3), SECOND)
    late = sightings("a0:0", "a0:1", "a0:2", "a1:0", "a0:3", "a1:1", "a0:4", "a1:2")
    wrong = sightings("a0:0", "a0:1", "a0:2", "a1:0", "a0:4", "a1:1", "a0:3", "a1:2")
    too_late = sightings("a0:0", "a0:1", "a1:0", "a0:2", "a0:3", "a1:1", "a0:4", "a1:2")

    assert account_of(lives, Heard(late)).mistakes == []
    assert [one.kind for one in account_of(lives, Heard(wrong)).mistakes] == ["out of order"]
    assert [(one.kind, one.first) for one in account_of(lives, Heard(too_late)).mistakes] == [("out of order", 2)]


def test_the_order_between_files_is_nobody_s_promise() -> None:
    assert account_of(LIVES, Heard(sightings("b0:0", "b0:1", *[name for name in ALL if name[0] == "a"]))).mistakes == []


def test_lines_in_a_gap_of_just_their_range_and_number_are_reported_and_not_lost() -> None:
    heard = Heard(without("a0:3", "a0:4"), [Gap("a.log", 30, 50, 2)])
    account = account_of(LIVES, heard)

    assert account.mistakes == []
    assert account.tallies["a.log"] == Tally(8, 6, 0, 0, 0, 2, 2, DELAY)


@pytest.mark.parametrize("gap", [Gap("a.log", 30, None, None), Gap("a.log", 30, 50, None)])
def test_a_gap_that_knows_no_number_covers_what_is_missing_from_its_place_on(gap: Gap) -> None:
    account = account_of(LIVES, Heard(without("a0:3", "a0:4"), [gap]))

    assert account.mistakes == []
    assert (account.total.in_gaps, account.total.reported) == (2, 0)


def test_a_gap_from_the_very_start_covers_a_whole_life_the_oldest_that_is_missing() -> None:
    account = account_of(LIVES, Heard(without("a1:0", "a1:1", "a1:2"), [Gap("a.log", 0, 36, 3)]))

    assert account.mistakes == []
    assert account.total.in_gaps == 3


@pytest.mark.parametrize("number", [1, 3])
def test_a_gap_with_a_wrong_number_is_a_mistake(number: int) -> None:
    heard = Heard(without("a0:3", "a0:4"), [Gap("a.log", 30, 50, number)])

    assert kinds(heard) == [("wrong gap", "a.log", 0, 3, 4)]


@pytest.mark.parametrize(
    "gap", [Gap("a.log", 31, 50, 2), Gap("a.log", 29, 50, 2), Gap("a.log", 30, 49, 2), Gap("b.log", 30, 50, 2)]
)
def test_a_gap_at_another_place_excuses_nothing(gap: Gap) -> None:
    found = kinds(Heard(without("a0:3", "a0:4"), [gap]))

    assert ("lost", "a.log", 0, 3, 4) in found
    assert ("wrong gap", gap.file, None, None, None) in found


def test_a_gap_without_a_number_at_another_place_excuses_nothing_either() -> None:
    assert kinds(Heard(without("a0:3", "a0:4"), [Gap("a.log", 40, None, None)])) == [("lost", "a.log", 0, 3, 3)]
    assert kinds(Heard(without("a0:3", "a0:4"), [Gap("a.log", 20, None, None)])) == [("lost", "a.log", 0, 3, 4)]


def test_a_gap_over_lines_that_were_seen_is_a_mistake() -> None:
    assert kinds(Heard(sightings(*ALL), [Gap("a.log", 30, 50, 2)])) == [("wrong gap", "a.log", None, None, None)]
    assert ("wrong gap", "a.log", None, None, None) in kinds(Heard(without("a0:4"), [Gap("a.log", 30, 50, 2)]))


def test_a_gap_that_comes_twice_is_a_mistake() -> None:
    gap = Gap("a.log", 30, 50, 2)

    assert kinds(Heard(without("a0:3", "a0:4"), [gap, gap])) == [("wrong gap", "a.log", None, None, None)]


def test_a_gap_of_which_nobody_knows_whether_there_was_anything_is_no_mistake() -> None:
    assert kinds(Heard(sightings(*ALL), [Gap("a.log", 50, None, None)])) == []


def test_a_gap_at_no_place_at_all_says_that_the_place_was_lost() -> None:
    assert kinds(Heard(sightings(*ALL), [Gap(None, None, None, None)])) == [("place lost", "", None, None, None)]


def test_a_line_that_nobody_wrote_is_a_mistake() -> None:
    assert kinds(Heard(sightings(*ALL, "a0:5"))) == [("damaged", "a.log", 0, 5, 5)]
    assert kinds(Heard(sightings(*ALL, "a2:0"))) == [("damaged", "a.log", 2, 0, 0)]
    assert kinds(Heard(sightings(*ALL), damaged=["half a li"])) == [("damaged", "", None, None, None)]


def test_the_worst_delay_does_not_count_outages() -> None:
    seen = [*without("a1:2"), Sighting(Line("a.log", 1, 2), 10.0)]
    whole = account_of(LIVES, Heard(seen))
    outside = account_of(LIVES, Heard(seen, outages=[(0.875, 2.0), (5.0, 9.5)]))

    assert whole.total.worst_delay_seconds == pytest.approx(9.125)
    assert outside.total.worst_delay_seconds == pytest.approx(3.5)


def test_outages_that_overlap_count_once_and_those_elsewhere_not_at_all() -> None:
    outages = Outages([(4.0, 6.0), (1.0, 2.0), (1.5, 3.0), (9.0, 12.0)])

    assert outages.outside_seconds(0.0, 10.0) == pytest.approx(10 - 2 - 2 - 1)
    assert outages.outside_seconds(1.2, 1.8) == pytest.approx(0.0)
    assert outages.outside_seconds(2.5, 4.5) == pytest.approx(1.0)
    assert outages.outside_seconds(6.0, 9.0) == pytest.approx(3.0)


def test_the_numbers_of_every_account_add_up() -> None:
    heard = Heard([*without("a0:0", "a0:3", "a0:4"), *sightings("b0:1")], [Gap("a.log", 30, 50, 2)])
    for tally in account_of(LIVES, heard).tallies.values():
        assert tally.written == tally.seen + tally.lost + tally.in_gaps
