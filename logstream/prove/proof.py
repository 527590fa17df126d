"""The two proofs that write: with a server of our own, and through a running service that watches our directory.

Owns what takes part in each, and that all of it is ended and removed. Refuses to judge and to print.
"""

from __future__ import annotations

import random
import secrets
import shutil
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from logstream.client import fetch_json
from logstream.errors import UsageError
from logstream.following import UNREADABLE
from logstream.prove.account import account_of
from logstream.prove.outcome import Faults, Outcome, Row
from logstream.prove.reading import Asked, Reader, wait_until_begun
from logstream.prove.scratch import ScratchError, ScratchFile
from logstream.prove.server import OwnServer
from logstream.prove.staging import PARTS, Director, Progress, Stage
from logstream.prove.witness import Witness
from logstream.prove.writing import SteadyWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from logstream.prove.staging import Part

_PREFIX: Final = "logstream-prove-"
_WATCH_SECONDS: Final = 6.0
_LOOK_SECONDS: Final = 0.25
_OWN_PAUSE_SECONDS: Final = 0.05
_POLITE_PAUSE_SECONDS: Final = 0.3
"""A service of others is not asked more often than people's browsers would."""


class NotWatchedError(UsageError):
    """The service at `url` does not read what is written into `directory`; `reason` says how that shows."""

    def __init__(self, url: str, directory: Path, reason: str) -> None:
        """Remember where, and how it shows."""
        super().__init__(url, directory, reason)
        self.url = url
        self.directory = directory
        self.reason = reason

    def __str__(self) -> str:
        """One line for people."""
        return (
            f"{self.url} does not read what is written into {self.directory}: {self.reason}; add a source with "
            f'paths = ["{self.directory}/*.log"] there, or leave --dir away for a proof by reading alone'
        )


class Effort(NamedTuple):
    """How long lines are written, and how many a second in all."""

    seconds: float
    lines_a_second: int


class Service(NamedTuple):
    """A running service, and what a proxy before it wants to be told."""

    url: str
    headers: Mapping[str, str]


def prove_here(directory: Path | None, effort: Effort, show: Callable[[Progress], None], *, keeps: bool) -> Outcome:
    """With a server of our own, which is killed and started again. Raises LogstreamError.

    `keeps`: what was written and the server's state stay if something went wrong.
    """
    pick = random.Random()  # noqa: S311 - decides what is done when, guards nothing
    with ExitStack() as cleaning:
        try:
            scratch = Path(mkdtemp(prefix=_PREFIX, dir=directory))
        except OSError as cause:
            raise ScratchError(directory or Path(), cause) from cause
        cleaning.callback(shutil.rmtree, scratch, ignore_errors=True)
        server = OwnServer(scratch)
        cleaning.callback(server.stop)
        files = {part.name: ScratchFile(server.logs / f"{part.name}.log") for part in PARTS}
        for file in files.values():
            cleaning.callback(file.close)
        show(Progress(0, "starting the server"))
        server.start()
        witness = Witness("")
        asked = Asked(begin="start", pause_seconds=_OWN_PAUSE_SECONDS, is_direct=True)
        reader = Reader(lambda: server.url, asked, witness, pick)
        cleaning.callback(reader.end)
        writer = SteadyWriter(list(files.values()), effort.lines_a_second, pick)
        cleaning.callback(writer.stop)
        stage = Stage(files, witness, reader, writer, server, pick, show)
        outcome = _perform(stage, effort.seconds)
        if keeps and not outcome.is_exact:
            reader.end()
            server.stop()
            cleaning.pop_all()
            return outcome._replace(kept=scratch)
        return outcome


def prove_through(service: Service, directory: Path, effort: Effort, show: Callable[[Progress], None]) -> Outcome:
    """Through a running service that watches `directory`. Raises LogstreamError."""
    pick = random.Random()  # noqa: S311 - as above
    prefix = f"{_PREFIX}{secrets.token_hex(4)}"
    parts = [part for part in PARTS if not part.needs_server]
    with ExitStack() as cleaning:
        files: dict[str, ScratchFile] = {}
        for part in parts:
            files[part.name] = file = ScratchFile(directory / f"{prefix}-{part.name}.log")
            cleaning.callback(file.remove)
        show(Progress(0, "waiting until the service has found the files"))
        sources = _watching_sources(service, directory, [file.name for file in files.values()])
        witness = Witness(prefix)
        asked = Asked(
            sources=sources, query=f'"{prefix}"', headers=service.headers, pause_seconds=_POLITE_PAUSE_SECONDS
        )
        reader = Reader(lambda: service.url, asked, witness, pick)
        cleaning.callback(reader.end)
        writer = SteadyWriter(list(files.values()), effort.lines_a_second, pick)
        cleaning.callback(writer.stop)
        return _perform(Stage(files, witness, reader, writer, None, pick, show), effort.seconds)


def _perform(stage: Stage, seconds: float) -> Outcome:
    stage.reader.start()
    wait_until_begun(stage.reader)
    stage.writer.start()
    director = Director(stage, seconds)
    director.run()
    reader, server = stage.reader, stage.server
    reader.end()
    downs = [] if server is None else server.outages
    lives = [life for file in stage.files.values() for life in file.lives()]
    account = account_of(lives, stage.witness.heard(reader.outages + downs))
    parts: list[Part] = [part for part in PARTS if part.name in stage.files]
    rows = [
        Row(part.words, stage.files[part.name].rotations, account.tallies[stage.files[part.name].name])
        for part in parts
    ]
    longest = max((end - begin for begin, end in downs), default=0.0)
    faults = Faults(reader.cuts, reader.cuts_inside, reader.breaks, 0 if server is None else server.kills, longest)
    outcome = Outcome("own", rows, account.total, account.mistakes, faults, director.deeds, director.began_seconds)
    return outcome if server is not None else outcome._replace(way="watched")


def _watching_sources(service: Service, directory: Path, names: list[str]) -> tuple[str, ...]:
    """The sources whose files ours are; raises NotWatchedError."""
    deadline = time.monotonic() + _WATCH_SECONDS
    while True:
        told = fetch_json(service.url, "/api/v1/sources", service.headers)
        found: dict[str, tuple[str, dict[str, Any]]] = {}
        for source in told["sources"]:
            for file in source["files"]:
                # By name: the service may see the directory under another path, as in a container.
                found.setdefault(file["file"].rpartition("/")[2], (source["name"], file))
        if all(name in found for name in names):
            break
        if time.monotonic() > deadline:
            count = sum(name not in found for name in names)
            reason = f"{count} of {len(names)} files are not among its sources after {_WATCH_SECONDS:g} s"
            raise NotWatchedError(service.url, directory, reason)
        time.sleep(_LOOK_SECONDS)
    for name in names:
        file = found[name][1]
        if file["state"] in UNREADABLE:
            raise NotWatchedError(service.url, directory, f"it cannot read them ({file['reason']})")
    return tuple(sorted({found[name][0] for name in names}))
