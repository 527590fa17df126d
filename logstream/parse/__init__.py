"""What a line says of itself: its time, level and fields, in the formats that logs have.

Owns recognition, and nothing else: pure functions over one line's text that never raise and never change it. Refuses to
know files or rules, or to look at a clock that was not handed in.
"""

from __future__ import annotations

from logstream.parse.lines import FORMATS, detect_format, parse_line
from logstream.parse.multiline import Folding, StartPatternError, check_start, continues, may_continue, suspects
from logstream.parse.parsed import Parsed
from logstream.parse.rows import Rows, Said, read_rows, renumbered
from logstream.parse.stamps import Column, Table
from logstream.parse.times import Clock

__all__ = [
    "FORMATS",
    "Clock",
    "Column",
    "Folding",
    "Parsed",
    "Rows",
    "Said",
    "StartPatternError",
    "Table",
    "check_start",
    "continues",
    "detect_format",
    "may_continue",
    "parse_line",
    "read_rows",
    "renumbered",
    "suspects",
]
