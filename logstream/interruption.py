"""What Ctrl-C and SIGHUP do while modules are still being imported, which may take a second.

Ctrl-C ends the process at once; SIGHUP waits until it is known what it means. Owns that stage alone. Refuses to import
anything that takes time. Later an interruption is a `KeyboardInterrupt`, so that what is held is given back.
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

EXIT_INTERRUPTED: Final = 130
"""By SIGINT, as shells have it: 128 and the signal's number."""


@contextmanager
def interruption_ends_at_once() -> Iterator[None]:
    """Nothing is held yet that would have to be given back, and nothing said but a line's end.

    An exception would end in a traceback where it meets the interpreter's own work, and where it meets the import of a
    C module in a crash: seen with SIGSEGV.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield  # whoever started us has us ignore it, or a program of which we are a part has a way of its own
        return
    signal.signal(signal.SIGINT, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def hold_hangup() -> None:
    """Have SIGHUP wait, which would end the process, until `release_hangup` or until somebody heeds it.

    To `serve` it says that its configuration is to be read anew. One that comes while it starts must neither end it nor
    be lost: what it has read by then may be what was there before.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})


def release_hangup() -> None:
    """Let SIGHUP do what it does: one that waits comes now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    os.write(2, b"\n")  # behind the ^C of a terminal
    os._exit(EXIT_INTERRUPTED)
