"""How much state the logs cost: a share of their own bytes, in the worst case and in bulk.

The database is measured after a clean stop, when all of it is in one file; the whole directory, with the write-ahead
log, while the service runs.
"""

from __future__ import annotations

import random
from contextlib import ExitStack
from typing import TYPE_CHECKING

from logstream.journal.sqlite import WAL_BYTES
from tests.running import Service, running
from tests.story import directory_bytes

if TYPE_CHECKING:
    from pathlib import Path

YOUNG_WAL_BYTES = 24 * 1024
FILES = 300
ROUNDS = 100
LINE_BYTES = 100
MIB = 1 << 20


def database_bytes(service: Service) -> int:
    """What is left of the state by a service that has stopped by itself."""
    assert service.stop() == 0
    (database,) = (path for path in (service.directory / "state").iterdir() if path.name.startswith("journal."))
    return database.stat().st_size


def test_three_hundred_files_that_trickle_lines_cost_a_tenth_of_their_bytes_at_most(tmp_path: Path) -> None:
    names = [f"{number}.log" for number in range(FILES)]
    turns = random.Random(7)
    with running(tmp_path) as service, ExitStack() as stack:
        for name in names:
            service.write(name, "begin")
        with service.stream(from_="start", shape="batch") as stream:
            stream.records(FILES)
        before = database_bytes(service)
        service.start()
        files = [stack.enter_context((service.logs / name).open("ab", buffering=0)) for name in names]
        stream = stack.enter_context(service.stream(shape="batch"))
        stream.expect("ping")
        running_bytes = 0
        for turn in range(ROUNDS):
            # Whoever reads two lines of a file at once has half of the cost.
            turns.shuffle(files)
            for file in files:
                file.write(f"{turn:04d}".ljust(LINE_BYTES - 1, "x").encode() + b"\n")
            stream.records(FILES)
            running_bytes = max(running_bytes, directory_bytes(service.directory / "state"))
        grown = database_bytes(service) - before
    lines = FILES * ROUNDS
    assert grown <= lines * LINE_BYTES / 10
    assert grown <= lines * 6.5
    assert before <= FILES * 400, "what a file costs, however little is in it"
    # All that is read of a file's first 4 KiB is proven at once, and goes through the write-ahead log each time.
    assert running_bytes <= before + grown + 2 * WAL_BYTES + FILES * YOUNG_WAL_BYTES


def test_in_bulk_the_state_is_less_than_a_thousandth(tmp_path: Path) -> None:
    piece = b"".join(b"%06d %s\n" % (number, b"y" * (number % 180)) for number in range(10_000))
    names = [f"{number}.log" for number in range(4)]
    with running(tmp_path) as service:
        for name in names:
            service.write(name, "begin")
            service.wait_until_read(name)
        before = database_bytes(service)
        service.start()
        service.wait_until_ready()
        for _ in range(20):
            for name in names:
                with (service.logs / name).open("ab", buffering=0) as file:
                    file.write(piece)
        for name in names:
            service.wait_until_read(name)
        written = sum((service.logs / name).stat().st_size for name in names)
        grown = database_bytes(service) - before
    assert written > 64 * MIB
    assert grown < written / 1000
