"""Patterns, queries and rules: which lines of a block are meant, and what is said about them.

Owns the query language, the rule semantics and Hyperscan. Refuses to read files, to parse levels or to know viewers:
callers hand in text, line ends, and functions for what costs more to know.
"""

from __future__ import annotations

from logstream.rules.bitmaps import (
    Lines,
    all_lines,
    bitmap,
    bitmap_of_mask,
    bitmap_of_places,
    indexes_of,
)
from logstream.rules.conditions import LevelCondition, LevelConditionError, glob_matches, parse_level_condition
from logstream.rules.evidence import Evidence, remarks
from logstream.rules.explain import Completion, Explanation, Names, explain
from logstream.rules.facts import LineFacts
from logstream.rules.forms import Pattern, check_pattern
from logstream.rules.judging import Masked, Rule, Spoken, Verdicts
from logstream.rules.marks import marks_of
from logstream.rules.mistakes import QueryError
from logstream.rules.moments import TIME_EXPECTED, read_moment
from logstream.rules.patterns import PatternSet, Scanned
from logstream.rules.query import Query, parse_query
from logstream.rules.redaction import MASK, PRESETS, check_redaction, masked_fields
from logstream.rules.ruleset import RESERVED_EVENTS, RuleSet, concerns
from logstream.rules.select import CompiledQuery, compile_query
from logstream.rules.syntax import PatternError
from logstream.rules.tags import Tag, Tags

__all__ = [
    "MASK",
    "PRESETS",
    "RESERVED_EVENTS",
    "TIME_EXPECTED",
    "CompiledQuery",
    "Completion",
    "Evidence",
    "Explanation",
    "LevelCondition",
    "LevelConditionError",
    "LineFacts",
    "Lines",
    "Masked",
    "Names",
    "Pattern",
    "PatternError",
    "PatternSet",
    "Query",
    "QueryError",
    "Rule",
    "RuleSet",
    "Scanned",
    "Spoken",
    "Tag",
    "Tags",
    "Verdicts",
    "all_lines",
    "bitmap",
    "bitmap_of_mask",
    "bitmap_of_places",
    "check_pattern",
    "check_redaction",
    "compile_query",
    "concerns",
    "explain",
    "glob_matches",
    "indexes_of",
    "marks_of",
    "masked_fields",
    "parse_level_condition",
    "parse_query",
    "read_moment",
    "remarks",
]
