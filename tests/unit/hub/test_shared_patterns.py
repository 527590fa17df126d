from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from logstream.hub.frames import Shape
from logstream.hub.shared_patterns import SharedPatterns
from logstream.hub.view import ViewKey
from logstream.rules import Pattern, PatternSet, Scanned, compile_query, parse_query
from tests.hub_kit import Stage, texts
from tests.known_lines import scan

if TYPE_CHECKING:
    from pathlib import Path

ORDER, PAID, NOWHERE = map(Pattern.of_text, ("order", "paid", "nowhere"))
VERIFIED = Pattern(r"order[^x]+paid")
COSTLY = Pattern(r"o.{1,30}r")
TEXT = b"order 1 paid\norder 2\npaid 3\n\norder\xc3\xa4 4\nfor you paid"
ENDS = [number for number, byte in enumerate(TEXT + b"\n") if byte == 0x0A]


@pytest.mark.parametrize("known", [[], [ORDER], [ORDER, VERIFIED], [PAID, NOWHERE], [COSTLY, PAID]])
def test_what_is_known_of_a_block_changes_nothing_that_is_found(known: list[Pattern]) -> None:
    every = [ORDER, PAID, NOWHERE, VERIFIED, COSTLY]
    expected = scan(PatternSet(every), TEXT, ENDS)
    assert [set(), {0, 1, 4}, {0}] == [expected[2], expected[0], expected[3]]
    scanned = Scanned(every)
    if known:
        assert scan(PatternSet(known), TEXT, ENDS, scanned) == scan(PatternSet(known), TEXT, ENDS)
        assert list(scanned.lines) == known
    for _ in range(2):
        assert scan(PatternSet(every), TEXT, ENDS, scanned) == expected


def test_what_is_known_is_not_looked_for_again() -> None:
    scanned = Scanned([ORDER])
    scanned.lines[ORDER] = 0b100
    assert scan(PatternSet([ORDER]), TEXT, ENDS, scanned) == [{2}]
    assert scan(PatternSet([PAID, ORDER]), TEXT, ENDS, scanned) == [{0, 2, 5}, {2}]


def test_only_what_several_views_look_for_is_remembered() -> None:
    sought = SharedPatterns()
    sought.add((ORDER, PAID))
    sought.add((ORDER,))
    scanned = Scanned(sought)
    scan(PatternSet([ORDER, PAID]), TEXT, ENDS, scanned)
    assert list(scanned.lines) == [ORDER]
    assert object() not in sought
    sought.remove((ORDER,))
    assert ORDER not in sought
    sought.remove((ORDER, PAID))
    assert not sought._views


async def test_views_that_select_the_same_lines_share_the_bytes_and_the_search(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        views = [stage.view(query) for query in ("order -absent1", "order -absent2", "order 2", "order -absent3")]
        views.append(stage.view("order -absent1", shape=Shape.BATCH))
        subscribers = [stage.subscriber(view) for view in views]
        await stage.tell(stage.file("a.log").changes(b"order 1\n", b"nothing\n", b"order 2\n"))
        pulled = [await subscriber.pull(0) for subscriber in subscribers]
        first, second, other, third, batch = [one.content for one in pulled if one is not None]
        assert first is second is third
        assert (texts(first), texts(other)) == (["order 1", "order 2"], ["order 2"])
        assert batch.startswith(b"event: batch\n")
        assert stage.encoder.frames == 3
        (judged,) = stage.hub._judged.blocks
        assert judged.scanned is not None
        assert set(judged.scanned.lines) == {ORDER, Pattern.of_text("absent1")}


async def test_a_view_alone_leaves_its_bytes_with_nobody(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        view = stage.view("order")
        parsed = parse_query("order")
        with stage.hub.view(ViewKey(("web",), parsed.canonical, Shape.LINE), compile_query(parsed)):
            assert ORDER in stage.hub._shared_patterns
        await stage.tell(stage.file("a.log").changes(b"order 1\n"))
        await stage.subscriber(view).pull(0)
        (judged,) = stage.hub._judged.blocks
        assert not judged._encoded._frames
        assert ORDER not in stage.hub._shared_patterns


async def test_few_selections_of_a_block_are_kept(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        views = [stage.view(f"order {number}") for number in range(10)]
        await stage.tell(stage.file("a.log").changes(*(b"order %d\n" % number for number in range(10))))
        for number, view in enumerate(views):
            pulled = await stage.subscriber(view).pull(0)
            assert pulled is not None
            assert texts(pulled.content) == [f"order {number}"]
        (judged,) = stage.hub._judged.blocks
        assert len(judged._encoded._frames) == 4
