"""`python -m logstream`, and the command `logstream`. Owns nothing but the door."""

from __future__ import annotations

import sys

from logstream.interruption import hold_hangup, interruption_ends_at_once


def main() -> int:
    """Run the command line and return its exit code."""
    hold_hangup()
    with interruption_ends_at_once():
        from logstream.cli import main as run  # noqa: PLC0415 - takes a tenth of a second
    return run()


if __name__ == "__main__":
    sys.exit(main())
