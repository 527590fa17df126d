from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from logstream.journal.base import Block
from logstream.tail.framing import WIDE
from tests.hub_kit import Stage

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("encoding", sorted(WIDE))
async def test_the_hub_counts_and_looks_back_in_whole_units(tmp_path: Path, encoding: str) -> None:
    """Conformance: E12."""
    async with Stage(tmp_path) as stage:
        file = stage.file("a.log")
        file.encoding = encoding
        texts = [f"{number} \u0a0d\u010a" for number in range(1_000)]
        await stage.tell(file.changes(*(f"{text}\n".encode(encoding) for text in texts), coarse=True))
        *_, last = await stage.items()
        assert isinstance(last, Block)
        for length in range(90, 110):
            lines = stage.hub.lines_before(last, length)
            assert lines is not None
            before = stage.hub.judge_alone(lines)
            first = texts.index(before.record(0).text)
            told = [before.record(index).text for index in before.kept]
            assert told == texts[first : first + len(told)]
        assert stage.hub.traffic.lines_in["app"] == len(texts)
