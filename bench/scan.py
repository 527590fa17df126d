"""Searching a file (337 MB with --full) through the stream, from its start, against ripgrep. In ms.

`scan`: a word that one line in 10,000 holds, and `ERROR OR WARN`, which a tenth of the lines do. Logstream has read and
recorded the file before the clock starts, as it has with a log that it watches; ripgrep is started within the time. The
clock covers the request and everything up to the last byte of the last matching line, which is the file's last.
Logstream also tells time, level and fields of each line; ripgrep prints it. The lines are compared with those known to
match after the clock has stopped. Queries of bare words ignore case; ripgrep is asked for the case as it stands, as
people do, which is the faster for it.

`last`: the last 200 lines with the rare word, from the end of a file of 3.4 GB with --full (less where the disk is
short), by `from=-200`; against `tac FILE | grep -m200`, whose lines come in the reverse order.
"""

from __future__ import annotations

import subprocess
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

from bench.archive import MARK, RARE_WORD, write_archive
from bench.client import Client, http_client, records_in
from bench.errors import BenchError, EndedError
from bench.measured import Bound, Measured, Target
from bench.peers import RIPGREP, program
from bench.pipelines import LOG_NAME, plain_texts
from bench.rounds import entrants, paired, say
from bench.servers import logstream_server, until_read
from bench.workload import Workload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from bench.archive import Archive
    from bench.rounds import Plan

RIPGREP_NAME: Final = "ripgrep"
TAC_AND_GREP: Final = "tac | grep -m200"
LAST: Final = 200
_COMMON_QUERY: Final = "ERROR OR WARN"
_COMMON_PATTERN: Final = "ERROR|WARN"
_SHAPES: Final = {"logstream line": "line", "logstream batch": "batch"}
_READ_SECONDS: Final = 900.0


class Search(NamedTuple):
    """A way to search a file. `open` makes all ready in an empty directory; what it gives brings the bytes."""

    name: str
    open: Callable[[Path], AbstractContextManager[Callable[[], bytes]]]
    texts: Callable[[bytes], list[str]]
    needs: str = ""


def measure(plan: Plan) -> list[Measured]:
    """How long a search takes. Raises BenchError."""
    with TemporaryDirectory(prefix="logstream-bench-") as directory:
        archive = write_archive(Path(directory) / LOG_NAME, plan.size(34, 337))
        size = f"{archive.size_bytes / 1e6:,.0f} MB"
        return [
            _measured(plan, f"scan of {size} for a rare word", 2.0, _searches(archive, RARE_WORD), archive.rare()),
            _measured(
                plan, f"scan of {size} for {_COMMON_QUERY}", 8.0, _searches(archive, _COMMON_QUERY), archive.common()
            ),
        ]


def measure_last(plan: Plan) -> list[Measured]:
    """How long the last matches of a file take. Raises BenchError."""
    with TemporaryDirectory(prefix="logstream-bench-") as directory:
        archive = write_archive(Path(directory) / LOG_NAME, plan.size(337, 3_400))
        size = f"{archive.size_bytes / 1e9:,.2f} GB"
        query = f"q={RARE_WORD}&from=-{LAST}"
        ours = [
            Search(name, partial(_logstream, f"/api/v1/stream?shape={shape}&{query}", archive), _record_texts)
            for name, shape in _SHAPES.items()
        ]
        peer = Search(TAC_AND_GREP, partial(_tac_and_grep, archive), lambda raw: plain_texts(raw)[::-1])
        return [_measured(plan, f"last {LAST} of a rare word in {size}", 0.5, [*ours, peer], archive.rare()[-LAST:])]


def _measured(plan: Plan, what: str, limit: float, searches: list[Search], expected: list[str]) -> Measured:
    load = Workload(expected, b"", b"")

    def run(search: Search, directory: Path) -> float:
        with search.open(directory) as find:
            started = time.perf_counter()
            raw = find()
            seconds = time.perf_counter() - started
        load.check(search.name, search.texts(raw))
        return seconds * 1000

    def check(search: Search, directory: Path) -> None:
        run(search, directory)

    times = paired(what, plan.rounds, entrants(what, searches, check), run, lambda ms: f"{ms:,.1f} ms")
    targets = tuple(Target(name, (Bound(limit, searches[-1].name),)) for name in _SHAPES)
    return Measured(what, "ms", "less", times.found, targets, times.missing)


def _searches(archive: Archive, query: str) -> list[Search]:
    pattern = _COMMON_PATTERN if query == _COMMON_QUERY else query
    target = f"q={quote(query)}&from=start"
    ours = [
        Search(name, partial(_logstream, f"/api/v1/stream?shape={shape}&{target}", archive), _record_texts)
        for name, shape in _SHAPES.items()
    ]
    return [*ours, Search(RIPGREP_NAME, partial(_ripgrep, archive, pattern), plain_texts, RIPGREP)]


@contextmanager
def _logstream(target: str, archive: Archive, directory: Path) -> Iterator[Callable[[], bytes]]:
    log = directory / "logs" / LOG_NAME
    archive.link(log)
    with logstream_server(directory) as service:
        started = time.monotonic()
        until_read(service, [log], _READ_SECONDS)
        say(f"logstream has read and recorded {archive.size_bytes / 1e6:,.0f} MB in {time.monotonic() - started:.1f} s")

        def find() -> bytes:
            with http_client(service.port, target) as client:
                return client.until(MARK)

        yield find


def _record_texts(raw: bytes) -> list[str]:
    return [record["text"] for record in records_in(raw)]


@contextmanager
def _ripgrep(archive: Archive, pattern: str, _directory: Path) -> Iterator[Callable[[], bytes]]:
    yield partial(_output, [program("rg"), "--no-config", "--no-filename", "-N", pattern, str(archive.path)])


@contextmanager
def _tac_and_grep(archive: Archive, _directory: Path) -> Iterator[Callable[[], bytes]]:
    yield partial(_output, ["sh", "-c", 'tac "$0" | grep -m "$1" "$2"', str(archive.path), str(LAST), RARE_WORD])


def _output(command: list[str]) -> bytes:
    """All that a program prints, taken as the client of the servers takes it."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        if process.stdout is None:
            raise BenchError
        client = Client(process.stdout.fileno(), b"\n")
        pieces: list[bytes] = []
        try:
            while piece := client.read(_READ_SECONDS):
                pieces.append(piece)
        except EndedError:
            return b"".join(pieces)
    message = f"{command[0]} prints nothing"
    raise BenchError(message)
