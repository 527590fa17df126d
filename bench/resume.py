"""Resume: a client comes back with the id of its last line after many lines were missed. In lines/s.

Each run starts logstream anew; a client reads 10,000 lines, keeps the last id and leaves. All lines are appended, and
logstream has read and recorded them before the clock starts. The clock covers connecting, the request with
`Last-Event-ID`, and everything up to the last byte of the last missed line. The lines are compared with those written
after the clock has stopped, and with a small awkward load before the first round.
The ceiling is the same client reading the missed bytes from `tail -c +OFFSET`, started within the time. Plain Quart has
no ids and no history: what its client missed is lost, so it has no figure here.
"""

from __future__ import annotations

import subprocess
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.client import Client, http_client, records_in
from bench.errors import BenchError
from bench.measured import Bound, Measured, Target
from bench.pipelines import BATCH, LINE, LOG_NAME, WARM_UP_LINES, append, plain_texts, record_texts
from bench.rounds import entrants, paired
from bench.servers import logstream_server, until_read
from bench.workload import awkward, usual

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bench.rounds import Plan
    from bench.workload import Workload

TAIL_FROM_OFFSET: Final = "tail -c +OFFSET"
TARGETS: Final = tuple(Target(pipeline.name, (Bound(350_000.0),)) for pipeline in (LINE, BATCH))
_CHECKED_LINES: Final = 2_000
_READ_SECONDS: Final = 300.0


class Absence(NamedTuple):
    """A client that leaves and comes back.

    `miss` starts all in an empty directory and appends a load while nobody listens; what it gives comes back and
    brings the bytes up to the end of the load. `texts` reads lines from these.
    """

    name: str
    miss: Callable[[Path, Workload], AbstractContextManager[Callable[[], bytes]]]
    texts: Callable[[bytes], list[str]]
    needs: str = ""


def measure(plan: Plan) -> list[Measured]:
    """Lines a second of each shape. Raises BenchError."""
    lines = plan.size(plan.lines, 5 * plan.lines)

    def check(absence: Absence, directory: Path) -> None:
        load = awkward(_CHECKED_LINES)
        with absence.miss(directory, load) as come_back:
            load.check(absence.name, absence.texts(come_back()))

    def resume(absence: Absence, directory: Path) -> float:
        load = usual(lines)
        with absence.miss(directory, load) as come_back:
            started = time.perf_counter()
            received = come_back()
            seconds = time.perf_counter() - started
        load.check(absence.name, absence.texts(received))
        return len(load.lines) / seconds

    what = f"resume after {lines:,} lines"
    field = entrants(what, CONTENDERS, check)
    rates = paired(what, plan.rounds, field, resume, lambda rate: f"{rate:,.0f} lines/s")
    return [Measured(what, "lines/s", "more", rates.found, TARGETS, rates.missing)]


@contextmanager
def _logstream(shape: str, directory: Path, load: Workload) -> Iterator[Callable[[], bytes]]:
    target = f"/api/v1/stream?shape={shape}"
    with logstream_server(directory) as service:
        seen = usual(WARM_UP_LINES)
        log = service.logs / LOG_NAME
        append(log, seen.content)
        service.wait_until_read(LOG_NAME)
        with http_client(service.port, f"{target}&from=start") as client:
            last_id: str = records_in(client.until(seen.mark))[-1]["id"]
        append(log, load.content)
        until_read(service, [log], _READ_SECONDS)

        def come_back() -> bytes:
            with http_client(service.port, target, last_event_id=last_id) as client:
                return client.until(load.mark)

        yield come_back


@contextmanager
def _tail_from_offset(directory: Path, load: Workload) -> Iterator[Callable[[], bytes]]:
    log = directory / LOG_NAME
    seen = usual(WARM_UP_LINES)
    append(log, seen.content)
    append(log, load.content)

    def come_back() -> bytes:
        command = ["tail", "-c", f"+{len(seen.content) + 1}", str(log)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as tail:
            if tail.stdout is None:
                raise BenchError
            return Client(tail.stdout.fileno(), b"\n").until(load.mark)

    yield come_back


CONTENDERS: Final = (
    Absence(LINE.name, partial(_logstream, "line"), record_texts),
    Absence(BATCH.name, partial(_logstream, "batch"), record_texts),
    Absence(TAIL_FROM_OFFSET, _tail_from_offset, plain_texts),
)
