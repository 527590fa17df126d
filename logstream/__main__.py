"""`python -m logstream`: the command line. Owns nothing but the door."""

from __future__ import annotations

import sys

from logstream.cli import main

if __name__ == "__main__":
    sys.exit(main())
