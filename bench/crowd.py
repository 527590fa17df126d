"""Many clients in one process of its own, so that neither they nor the writer wait for each other.

Owns starting and ending that process, and asking it; bench.crowd_process is what it does.
"""

from __future__ import annotations

import multiprocessing
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from bench.crowd_process import serve
from bench.errors import BenchError, EndedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection

    from bench.crowd_process import Arrivals

_PATIENCE_SECONDS: Final = 900.0


class Crowd:
    """The way to the process with the clients. Each question raises EndedError if a client lost its connection.

    Those that were paused come back with the last id that they saw, as a browser does.
    """

    def __init__(self, connection: Connection) -> None:
        """Ask over `connection`."""
        self._connection = connection

    def wait(self, marks: int) -> float:
        """Until every client that reads has so many marks; the time at which the last of them did."""
        reached: float = self._ask("wait", marks)
        return reached

    def settle(self, seconds: float) -> None:
        """Until nothing has come for so long."""
        self._ask("settle", seconds)

    def reset(self) -> None:
        """Forget what came so far."""
        self._ask("reset", None)

    def pause(self, clients: int) -> None:
        """Let the first `clients` stop reading."""
        self._ask("pause", clients)

    def resume(self) -> None:
        """Let them read again."""
        self._ask("resume", None)

    def comebacks(self) -> int:
        """How often a client whose connection was cut has come back with its last id."""
        comebacks: int = self._ask("comebacks", None)
        return comebacks

    def counts(self) -> list[int]:
        """The marks of each client."""
        counts: list[int] = self._ask("counts", None)
        return counts

    def kept(self) -> list[bytes]:
        """The bytes of the first and the last client."""
        kept: list[bytes] = self._ask("kept", None)
        return kept

    def arrivals(self) -> Arrivals:
        """What came since the last reset."""
        arrivals: Arrivals = self._ask("arrivals", None)
        return arrivals

    def _ask(self, question: str, argument: Any) -> Any:  # noqa: ANN401 - each question has its own
        self._connection.send((question, argument))
        if not self._connection.poll(_PATIENCE_SECONDS):
            message = f"the clients did not answer {question} {argument} within {_PATIENCE_SECONDS:.0f} s"
            raise BenchError(message)
        try:
            answer = self._connection.recv()
        except EOFError as cause:
            raise EndedError from cause
        if isinstance(answer, Exception):
            raise answer
        return answer


@contextmanager
def crowd(port: int, targets: Sequence[str], hello: bytes) -> Iterator[Crowd]:
    """One client for each target of 127.0.0.1, all past `hello`. Raises BenchError."""
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=serve, args=(theirs, port, list(targets), hello), daemon=True)
    process.start()
    theirs.close()
    try:
        asking = Crowd(ours)
        asking._ask("connect", None)  # noqa: SLF001 - the other half of this module
        yield asking
    finally:
        ours.close()
        process.kill()
        process.join()
