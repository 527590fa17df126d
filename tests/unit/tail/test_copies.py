"""What of a file beside a log counts as a copy of a life that is known."""

from __future__ import annotations

import os
import zlib
from typing import TYPE_CHECKING

import pytest

from logstream.tail.batch import Known
from logstream.tail.copies import Copies
from logstream.tail.lineage import Census, Lineage
from logstream.tail.opening import Opened, OpenFiles, facts_of
from logstream.tail.reader import HEAD_BYTES
from logstream.tail.turn import Pace
from logstream.tail.unpacking import Unpacking
from tests.tail_kit import source, write

if TYPE_CHECKING:
    from pathlib import Path

GREETING = b"%255d\n" % 0
FIRST = GREETING + b"".join(b"first %d\n" % number for number in range(100))


@pytest.mark.parametrize(
    ("content", "is_copy"), [(FIRST[:900], True), (FIRST[:900].replace(b"first", b"other"), False)]
)
def test_a_file_that_begins_like_a_life_that_is_over_is_a_copy_only_if_it_has_what_was_proven_of_it(
    tmp_path: Path,
    content: bytes,
    is_copy: bool,  # noqa: FBT001 - a table of facts
) -> None:
    log, beside = tmp_path / "app.log", tmp_path / "app.log.1"
    write(beside, content)
    census = Census(Pace(), OpenFiles(100), Unpacking(tmp_path))
    written_ns = beside.stat().st_mtime_ns + 1_000_000_000
    proven = 600, zlib.crc32(FIRST[600 - 64 : 600])
    census.retire(
        Known(
            "life", "app", str(log), str(log), 1, 2, None, 0, len(FIRST), *proven, HEAD_BYTES,
            zlib.crc32(FIRST[:HEAD_BYTES]), sealed=True, written_ns=written_ns,
        ),
        is_gone=True,
    )  # fmt: skip
    descriptor = os.open(beside, os.O_RDONLY)
    opened = Opened(str(beside), descriptor, facts_of(descriptor), is_compressed=False)
    assert Copies(census).is_copy(Lineage(source(log), str(log), census.namesakes), opened, None) == is_copy
    os.close(descriptor)
