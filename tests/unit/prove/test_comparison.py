"""Two readings of one stream are told apart by every line that only one of them has, has twice or has elsewhere."""

from __future__ import annotations

import pytest

from logstream.prove.account import Tally
from logstream.prove.comparison import Told, compare


def lines(*ids: str, file: str = "/a.log") -> list[Told]:
    return [Told(one, "app", file) for one in ids]


def gap(place: str, lines: int | None, file: str | None = "/a.log") -> Told:
    return Told(place, "app" if file else None, file, is_gap=True, gap_lines=lines)


WHOLE = lines("1", "2", "3", "4", "5")


def test_the_same_lines_are_exact() -> None:
    account = compare(WHOLE, WHOLE)

    assert account.mistakes == []
    assert account.tallies == {"app": Tally(5, 5)}


@pytest.mark.parametrize("missing", ["1", "2", "3", "4"])
def test_a_line_that_one_of_them_has_not_is_lost(missing: str) -> None:
    fewer = [told for told in WHOLE if told.id != missing]
    for account in (compare(WHOLE, fewer), compare(fewer, WHOLE)):
        assert [one.kind for one in account.mistakes] == ["lost"]
        assert missing in account.mistakes[0].words
        assert account.total == Tally(5, 4, 1)


def test_the_last_line_that_never_came_is_lost_and_what_came_after_the_end_does_not_count() -> None:
    assert compare(WHOLE, WHOLE[:4]).total == Tally(5, 4, 1)
    assert compare(WHOLE, WHOLE + lines("6", "7")).mistakes == []


def test_nothing_at_all_is_a_loss_of_all() -> None:
    assert compare(WHOLE, []).total.lost == 5
    assert compare([], []).total == Tally()


def test_a_line_that_comes_twice_is_doubled() -> None:
    for account in (compare(WHOLE, lines("1", "2", "2", "3", "4", "5")), compare(WHOLE[:2] + WHOLE[1:], WHOLE)):
        assert [one.kind for one in account.mistakes] == ["doubled"]
        assert account.total == Tally(5, 5, 0, 1)


def test_lines_in_another_order_are_out_of_order() -> None:
    account = compare(WHOLE, lines("1", "3", "2", "4", "5"))

    assert [(one.kind, one.words) for one in account.mistakes] == [("out of order", "the line with the id 2")]
    assert account.total.disordered == 1


def test_the_order_of_two_files_counts_too() -> None:
    first, second = lines("1"), lines("2", file="/b.log")

    assert [one.kind for one in compare(first + second + WHOLE[4:], second + first + WHOLE[4:]).mistakes] == [
        "out of order"
    ]


@pytest.mark.parametrize("known", [2, None])
def test_a_gap_that_only_the_cut_one_was_told_excuses_as_many_lines(known: int | None) -> None:
    account = compare(WHOLE, [*lines("1"), gap("3", known), *lines("4", "5")])

    assert account.mistakes == []
    assert account.total == Tally(5, 3, 0, 0, 0, 2, 2)


def test_a_gap_excuses_no_more_than_it_says_nor_another_file_nor_what_both_were_told() -> None:
    cut = lines("1", "4", "5")

    assert compare(WHOLE, [gap("3", 1), *cut]).total.lost == 1
    assert compare(WHOLE, [gap("3", 2, "/b.log"), *cut]).total.lost == 2
    assert compare([gap("0", 2), *WHOLE], [gap("0", 2), *cut]).total.lost == 2


def test_a_place_that_the_service_had_lost_is_a_mistake() -> None:
    assert [one.kind for one in compare(WHOLE, [gap("0", None, None), *WHOLE]).mistakes] == ["place lost"]


def test_each_source_has_its_own_figures() -> None:
    other = [Told("9", "web", "/w.log")]

    assert compare(other + WHOLE, WHOLE).tallies == {"app": Tally(5, 5), "web": Tally(1, 0, 1)}
