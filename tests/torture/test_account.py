"""The model itself: each thing that it is there to notice, it notices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from logstream.journal.ids import encode_id
from logstream.records import Position
from tests.torture.account import Account
from tests.torture.logs import Log
from tests.torture.model import Story

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.torture.model import Life, Line

KEYS = ("aaaaaaaa", "bbbbbbbb")


def write(story: Story, life: Life, count: int = 3) -> list[Line]:
    for _ in range(count):
        story.add(life, story.text("", goes_before=True))
    return life.lines[-count:]


def record(line: Line, **change: object) -> dict[str, Any]:
    position = Position(KEYS[line.life.index], line.end, 1)
    return {"id": encode_id(position), "text": line.text, "file": f"/logs/{line.life.log}"} | change


def gap(line: Line, **change: object) -> tuple[dict[str, Any], str]:
    told = {"file": f"/logs/{line.life.log}", "from": line.start, "to": line.end, "bytes": line.end - line.start}
    return told | {"lines": 1, "reason": "deleted"} | change, encode_id(Position(KEYS[line.life.index], line.end, 0))


@pytest.fixture(name="story")
def _story() -> Story:
    return Story()


@pytest.mark.parametrize(
    ("order", "complaint"),
    [
        ((0, 1, 1), "came twice"),
        ((1, 0), "comes after a later line of its life"),
        ((0, 3, 1), "comes after line number"),
    ],
)
def test_doubled_and_disordered_lines_are_noticed(story: Story, order: Sequence[int], complaint: str) -> None:
    lines = [*write(story, story.begin("a.log")), *write(story, story.begin("a.log"))]
    with pytest.raises(AssertionError, match=complaint):
        Account(story, "client").take(record(lines[index]) for index in order)


def test_a_line_that_never_came_is_missing_until_a_gap_covers_it(story: Story) -> None:
    life = story.begin("a.log")
    first, second, third = write(story, life)
    account = Account(story, "client")
    account.take([record(first), record(third)])
    assert account.missing() == [second]
    life.files = 0
    story.lose(life, is_known_lost=True)
    assert account.missing() == [second]
    account.take_gap(*gap(second))
    assert account.missing() == []
    with pytest.raises(AssertionError, match="though a gap said"):
        account.take([record(second)])


def test_what_nobody_could_see_may_be_missing_but_what_came_once_is_owed_to_all(story: Story) -> None:
    life = story.begin("a.log")
    first, *_ = write(story, life)
    life.files = 0
    story.lose(life, is_known_lost=False)
    one, other = Account(story, "one"), Account(story, "other")
    assert one.missing() == other.missing() == []
    one.take([record(first)])
    assert other.missing() == [first]


def test_a_gap_over_what_can_be_had_or_was_had_is_noticed(story: Story) -> None:
    life = story.begin("a.log")
    first, second, _ = write(story, life)
    account = Account(story, "client")
    account.take([record(first)])
    with pytest.raises(AssertionError, match="is on disk"):
        account.take_gap(*gap(second))
    life.files = 0
    story.lose(life, is_known_lost=True)
    with pytest.raises(AssertionError, match="was delivered"):
        account.take_gap(*gap(first))
    with pytest.raises(AssertionError, match="holds 1 lines"):
        account.take_gap(*gap(second, lines=2))


@pytest.mark.parametrize("is_known", [True, False])
def test_after_a_gap_without_an_end_only_what_was_not_recorded_may_come(story: Story, *, is_known: bool) -> None:
    """Torture, seed 2205."""
    life = story.begin("a.log")
    life.is_known = is_known
    line, _, _ = write(story, life)
    account = Account(story, "client")
    life.files = 0
    story.lose(life, is_known_lost=is_known)
    account.take_gap(*gap(line, to=None, bytes=None, lines=None))
    if is_known:
        with pytest.raises(AssertionError, match="came though a gap"):
            account.take([record(line)])
    else:
        account.take([record(line)])


def test_a_file_that_was_seen_empty_may_be_missed_once_though_more_took_its_place_long_ago(
    story: Story, tmp_path: Path
) -> None:
    """Torture, seed 4206: it is told after a restart, when everybody has read what took its place."""
    log, account = Log(story, tmp_path, "a.log", counts=True, keep=3), Account(story, "client")
    log.replace_with_more([story.text("", goes_before=True)])
    (line,) = story.lines
    line.life.has_unseen_file = False
    told = gap(line, to=None, bytes=None, lines=None)
    account.take_gap(*told)
    assert account.missing() == [line]
    with pytest.raises(AssertionError, match="is of no life that has lost anything"):
        account.take_gap(*told)


@pytest.mark.parametrize("is_down", [False, True])
def test_a_copy_may_be_missed_that_may_have_been_seen_when_it_was_empty(
    story: Story, tmp_path: Path, *, is_down: bool
) -> None:
    """Torture, seed 165320197: the service was killed then, and the copy was deleted before it came again."""
    log, account = Log(story, tmp_path, "a.log", counts=False, keep=3), Account(story, "client")
    story.is_down = is_down
    log.write([story.text("", goes_before=True)])
    (line,) = story.lines
    account.take([record(line)])
    log.copy_and_truncate()
    log.write([story.text("", goes_before=True)])
    told = gap(line, file="/logs/a.log-20260102", to=None, bytes=None, lines=None)[0]
    key = encode_id(Position("cccccccc", 0, 0))
    if is_down:
        with pytest.raises(AssertionError, match="is of no life that has lost anything"):
            account.take_gap(told, key)
    else:
        account.take_gap(told, key)


def test_gaps_of_two_lives_that_both_fit_are_of_one_each(story: Story) -> None:
    """Torture, seed 2311792304: each of three rotated files had lost its first line, and no line of them had come."""
    account, first = Account(story, "client"), []
    for _ in KEYS:
        first.append(write(story, story.begin("a.log"), 2)[0])
        first[-1].life.files = 0
        story.lose(first[-1].life, is_known_lost=True)
    for line in first:
        account.take_gap(*gap(line))
        account.take_gap(*gap(line.life.lines[1]))
    assert account.missing() == []


def test_a_second_gap_of_a_key_shows_of_which_life_the_first_one_was(story: Story) -> None:
    seen = []
    for count in (2, 3):
        seen.append(write(story, story.begin("a.log"), count))
        seen[-1][0].life.files = 0
        story.lose(seen[-1][0].life, is_known_lost=count == 3)
    account, (first, second, third) = Account(story, "client"), seen[1]
    account.take_gap(*gap(first))
    assert account.missing() == [first, second, third]
    account.take_gap(*gap(second, to=third.end, bytes=third.end - second.start, lines=2))
    assert account.missing() == []


def test_who_comes_after_the_lines_that_nobody_was_sure_of_is_told_so_and_owed_them(story: Story) -> None:
    """Torture, seed 4266619712."""
    life = story.begin("a.log")
    line, *_ = write(story, life, 1)
    story.hide(life)
    told, unsure = gap(line, to=None, bytes=None, lines=None)[0], encode_id(Position("cccccccc", 0, 0))
    main, other = Account(story, "main"), Account(story, "other")
    main.take_gap(told, unsure)
    main.take([record(line)])
    other.take_gap(told, unsure)
    assert other.missing() == [line]
    other.take([record(line)])
    assert other.missing() == []
    with pytest.raises(AssertionError, match="is of no life that has lost anything"):
        other.take_gap(told, encode_id(Position("dddddddd", 0, 0)))


def test_wrong_ids_are_noticed(story: Story) -> None:
    first, second, _ = write(story, story.begin("a.log"))
    (other,) = write(story, story.begin("b.log"), 1)
    account = Account(story, "client")
    account.take([record(first)])
    with pytest.raises(AssertionError, match="has not the offset"):
        account.take([record(second, id=record(first)["id"])])
    with pytest.raises(AssertionError, match="has the key of"):
        account.take([record(other)])
    with pytest.raises(AssertionError, match="had another id"):
        Account(story, "other").take([record(first, id=encode_id(Position(KEYS[0], first.end, 2)))])


def test_two_clients_must_see_one_order(story: Story) -> None:
    first, *_ = write(story, story.begin("a.log"))
    second = write(story, story.begin("b.log"), 1)[0]
    one, other = Account(story, "one"), Account(story, "other")
    ids = [encode_id(Position(key, line.end, 1)) for key, line in zip(KEYS, (first, second), strict=True)]
    one.take([record(first, id=ids[0]), record(second, id=ids[1])])
    other.take([record(second, id=ids[1]), record(first, id=ids[0])])
    with pytest.raises(AssertionError, match="different orders"):
        one.check_order(other)


def test_a_line_may_come_again_only_if_it_came_without_an_id(story: Story) -> None:
    first, *_ = write(story, story.begin("a.log"))
    account = Account(story, "client")
    with pytest.raises(AssertionError, match="has no id"):
        account.take([record(first, id=None)])
    account.allows_loose = True
    account.take([record(first, id=None), record(first, id=None), record(first)])
    assert first not in account.missing()
    with pytest.raises(AssertionError, match="came twice"):
        account.take([record(first, id=None)])
