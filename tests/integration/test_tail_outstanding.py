"""What nobody waits for who asks whether all that was there at the start has been read."""

from __future__ import annotations

import gzip
import os
from typing import TYPE_CHECKING

from tests.tail_kit import RecordingSink, eventually, first_run, source, tailing, write

if TYPE_CHECKING:
    from pathlib import Path


async def test_an_archive_for_which_there_is_no_room_is_not_waited_for_and_told_as_not_read(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    packed = tmp_path / "app.log.1.gz"
    packed.write_bytes(gzip.compress(b"one\ntwo\n"))
    os.utime(packed, (log.stat().st_atime + 9, log.stat().st_mtime + 9))
    log.unlink()
    write(log, b"three\n")
    nowhere = tmp_path / "nowhere"
    async with tailing(sink, spec, known=sink.known(), first_seen=(), scratch=nowhere) as supervisor:
        await supervisor.first_scan_done.wait()
        assert not supervisor.outstanding.is_over()
        await eventually(supervisor.outstanding.is_over)
        files = supervisor.status()[0].files
        assert ("catching up", packed.stat().st_size, 0) in [
            (one.state, one.size_bytes, one.read_bytes) for one in files
        ]
    assert sink.texts == [b"one"]
