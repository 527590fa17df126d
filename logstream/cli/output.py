"""Standard output as it was given to us: closed, in an encoding that has not every character, on a disk that is full.

Owns that each of these ends in words, and none in a traceback. Refuses to know what is written. A reader that went away
is click's business.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from logstream.errors import LogstreamError

if TYPE_CHECKING:
    from collections.abc import Iterator

_TAKES_NO_MORE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


class OutputError(LogstreamError):
    """Standard output takes no more, for the system's `reason`."""

    def __init__(self, reason: str) -> None:
        """Remember why."""
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        """One line for people."""
        return f"the output cannot be written: {self.reason}"


@contextmanager
def standard_output() -> Iterator[None]:
    """Make standard output fit for whatever is written as long as the context lasts; raises OutputError."""
    if sys.stdout is None:  # whoever started us closed it: `>&-`
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for as long as the process lives
    elif isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")  # as Python has it for stderr
    try:
        yield
    except OSError as error:
        if error.filename is not None or error.errno not in _TAKES_NO_MORE:
            raise
        _let_go()
        raise OutputError(error.strerror or str(error)) from error


def _let_go() -> None:
    """What could not be written is still in the buffer, and would be tried again, and complained about, at the end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
