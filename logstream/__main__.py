"""`python -m logstream`, and the command `logstream`. Owns nothing but the door."""

from __future__ import annotations

import os
import sys

from logstream.interruption import hold_hangup, interruption_ends_at_once


def main() -> int:
    """Run the command line and return its exit code."""
    hold_hangup()
    # Nothing here multiplies matrices. What numpy has for that would start a thread a core while it is imported, which
    # all spin for longer than the import takes. Whoever has set this has a reason.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with interruption_ends_at_once():
        from logstream.cli import main as run  # noqa: PLC0415 - takes a tenth of a second
    return run()


if __name__ == "__main__":
    sys.exit(main())
