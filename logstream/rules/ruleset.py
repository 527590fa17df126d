"""Configured rules: which lines leave the server, and what is said about them.

Owns the meaning of order:

- Rules are tried from first to last. The first matching `drop` or `keep` decides about a line: a drop ends it there, a
  keep shields it from all later drops.
- Tags add up: a kept line lists all rules that match it, in order; the first of them with an `event` gives its type,
  the first with a `set_level` its level.
- A rule's conditions on level and type see them as an earlier matching rule set them.
- A rule without a condition matches each line.
- Masks do not wait their turn: each rule sees a line as it stands in its file, and each redacting rule whose conditions
  hold masks its secrets, also in lines that are dropped.

Refuses to parse lines: callers hand in functions, asked only where a condition needs them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from logstream.rules.conditions import glob_matches
from logstream.rules.forms import Pattern
from logstream.rules.judging import Judging, ReadyRule, Rule, Verdicts
from logstream.rules.patterns import PatternSet
from logstream.rules.query import parse_query
from logstream.rules.redaction import PRESETS, Redactor
from logstream.rules.select import compile_query
from logstream.rules.tags import Tags

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from logstream.rules.bitmaps import Lines
    from logstream.rules.facts import LineFacts
    from logstream.rules.patterns import Ends

RESERVED_EVENTS: Final = frozenset({
    "batch", "bye", "error", "gap", "hello", "message", "open", "ping", "reset", "rotated", "source",
})  # fmt: skip
"""Types that no rule may give: the wire's own, and those with a meaning to EventSource."""


class RuleSet:
    """Rules compiled together. Raises PatternError for a `match` that cannot be used, QueryError for a `where`.

    May be used from any thread.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self._ready = [_ready(number, rule) for number, rule in enumerate(self.rules)]
        patterns = dict.fromkeys(pattern for rule in self.rules for pattern in _patterns_of(rule))
        self._numbers = {pattern: number for number, pattern in enumerate(patterns)}
        self._patterns = PatternSet(tuple(patterns))

    def __repr__(self) -> str:
        return f"<RuleSet [{len(self.rules)} rules]>"

    def judge(self, text: bytes, ends: Ends, *, source: str, facts: LineFacts) -> Verdicts:
        """Judge the lines of a block; `text` and `ends` are as `PatternSet.scan` has them.

        `facts` are asked where a condition needs them. Without a rule that concerns `source`, nothing is scanned.
        """
        concerned = [ready for ready in self._ready if concerns(ready.rule, source)]
        if not concerned:
            return Verdicts(range(len(ends)), Tags())
        found: list[Lines] = []
        if any(_has_pattern(ready.rule) for ready in concerned):
            found = self._patterns.scan(text, ends)
        judging = Judging(text, ends, source, facts)
        for ready in concerned:
            judging.apply(ready, self._lines_found(ready.rule, found))
        return judging.verdicts()

    def _lines_found(self, rule: Rule, found: Sequence[Lines]) -> Lines | None:
        """The lines in which the rule's patterns are found; None if it has none."""
        lines = None if rule.match is None else found[self._numbers[Pattern(rule.match)]]
        if isinstance(rule.redact, tuple):
            secrets = 0
            for name in rule.redact:
                secrets |= found[self._numbers[Pattern(PRESETS[name].pattern)]]
            lines = secrets if lines is None else lines & secrets
        return lines


def concerns(rule: Rule, source: str) -> bool:
    """Whether lines of `source` are put to the rule at all."""
    return rule.source is None or glob_matches(rule.source, source)


def _ready(number: int, rule: Rule) -> ReadyRule:
    redactor = None
    if rule.redact:
        presets = rule.redact if isinstance(rule.redact, tuple) else ()
        redactor = Redactor(rule.match if rule.redact is True else None, presets)
    where = None if rule.where is None else compile_query(parse_query(rule.where))
    return ReadyRule(number, rule, where, redactor)


def _patterns_of(rule: Rule) -> Iterable[Pattern]:
    if rule.match is not None:
        yield Pattern(rule.match)
    if isinstance(rule.redact, tuple):
        yield from (Pattern(PRESETS[name].pattern) for name in rule.redact)


def _has_pattern(rule: Rule) -> bool:
    return rule.match is not None or isinstance(rule.redact, tuple)
