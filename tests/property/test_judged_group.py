"""Small blocks of many files judged as one against each judged by itself: the bytes sent must be the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logstream.hub import encoded_block as encoded_block_module
from logstream.hub import judged_group as judged_group_module
from logstream.hub import parsed_lines as parsed_lines_module
from logstream.hub.frames import Shape
from logstream.rules import Rule, RuleSet
from tests.hub_kit import Stage, drain, told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logstream.hub.judged_block import JudgedBlock
    from logstream.hub.view import View

FILES: Final = 7
RULES: Final = (
    Rule("odd", match="9", event="odd"),
    Rule("drop", match="drop", action="drop"),
    Rule("mask", match="secret", redact=True),
)
PLAIN: Final = b"2026-01-02T03:04:05.678+01:00 INFO  [worker-%d] shop.orders: order 9%d"
LINES: Final = (
    *(PLAIN % (number, number) + b"\n" for number in range(4)),
    *(
        PLAIN % (7, number) + end
        for number, end in enumerate((b" drop\n", b" secret\n", b' "\\\t\xc3\xa4\n', b"\xff\n", b"\r\n"))
    ),
    b"    at the line above\n",
    b"Caused by: odd\n",
    b'{"level":"error","msg":"9"}\n',
    b"plain 9\n",
    b"\xef\xbb\xbfmarked 9\n",
    b"\n",
    b"2026-01-02T03:04:06Z ERROR other 8\n",
    PLAIN % (1, 1) + b"\n    at once\n",
    PLAIN % (1, 1) + b"\n" + PLAIN % (2, 2) + b" drop\n",
    b"short 9\n" + PLAIN % (3, 3) + b"\n\n" + PLAIN % (4, 4) + b"\n",
    PLAIN % (5, 5) + b" secret\n" + PLAIN % (5, 5) + b" \xff\n" + PLAIN % (5, 5) + b"\r\n",
)
looks = st.lists(st.tuples(st.integers(0, FILES - 1), st.sampled_from(LINES)), min_size=1, max_size=24)


async def whole(stage: Stage, view: View) -> bytes:
    subscriber = stage.subscriber(view)
    pieces = []
    while subscriber.lag_bytes:
        pieces.append(await drain(subscriber))
    return b"".join(pieces)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(looks, min_size=1, max_size=4),
    st.sampled_from(["", "order", "level:error", "-odd", "event:odd", "9 OR at"]),
    st.sets(st.sampled_from(RULES)),
    st.tuples(st.sampled_from([3, 128]), st.booleans(), st.sampled_from([1, 8])),
)
async def test_what_is_judged_together_is_sent_as_if_each_was_judged_by_itself(
    tmp_path_factory: pytest.TempPathFactory,
    turns: Sequence[Sequence[tuple[int, bytes]]],
    query: str,
    rules: set[Rule],
    stage_set: tuple[int, bool, int],
) -> None:
    most_blocks, has_begun, fewest_at_once = stage_set
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judged_group_module, "FEWEST_BLOCKS", 2)
        patch.setattr(judged_group_module, "MOST_BLOCKS", most_blocks)
        # A few lines are read and written at once, too.
        patch.setattr(encoded_block_module, "_FEWEST_COLUMNS", fewest_at_once)
        patch.setattr(parsed_lines_module, "_FEWEST_LINES", fewest_at_once)
        async with Stage(tmp_path_factory.mktemp("many"), RuleSet(sorted(rules, key=lambda rule: rule.name))) as stage:
            files = [stage.file(f"{number}.log") for number in range(FILES)]
            if has_begun:
                await stage.tell(*(file.changes(b"the first line\n") for file in files))
            for turn in turns:
                await stage.tell(*(files[number].changes(line) for number, line in turn))
            views = [stage.view(query, shape=shape) for shape in Shape]
            together = [await whole(stage, view) for view in views]
            stage.hub.reconfigure(stage.hub.rules, stage.hub.traits)
            patch.setattr(judged_group_module, "FEWEST_BLOCKS", 1_000)
            patch.setattr(encoded_block_module, "_FEWEST_COLUMNS", 1_000)

            assert together == [await whole(stage, view) for view in views]


@pytest.mark.parametrize("lines", [1, 3])
async def test_lines_of_each_of_many_files_are_judged_with_the_others(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, lines: int
) -> None:
    async with Stage(tmp_path_factory.mktemp("many")) as stage:
        files = [stage.file(f"{number:02}.log") for number in range(20)]
        await stage.tell(*(file.changes(b"the first line\n") for file in files))
        subscriber = stage.subscriber(at=stage.hub.head)
        judged: list[JudgedBlock] = []
        monkeypatch.setattr(stage.hub._judged, "keep", lambda _key, one: judged.append(one))
        await stage.tell(*(file.changes((PLAIN % (1, number) + b"\n") * lines) for number, file in enumerate(files)))

        events = told(await drain(subscriber))
        assert [event.json["file"] for event in events] == [str(file.path) for file in files for _ in range(lines)]
        assert [event.id for event in events] == [event.json["id"] for event in events]
        assert [one.line_count for one in judged] == [20 * lines]
