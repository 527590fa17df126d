"""Configured rules: which lines leave the server, and what is said about them.

Owns the meaning of order:

- Rules are tried from first to last. The first matching `drop` or `keep` decides about a line: a drop ends it there, a
  keep shields it from all later drops.
- Tags add up: a kept line lists all rules that match it, in order; the first of them with an `event` gives its type,
  the first with a `set_level` its level.
- A rule's level condition sees the level as an earlier matching rule set it.
- A rule without `match`, `source` and `level` matches each line.

Refuses to parse levels: callers hand in a function, asked only where a condition needs it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from logstream.rules.conditions import LevelCondition, glob_matches
from logstream.rules.patterns import Pattern, PatternSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from logstream.records import Level
    from logstream.rules.facts import LineFacts

Action = Literal["tag", "drop", "keep"]

RESERVED_EVENTS: Final = frozenset({
    "batch", "bye", "error", "gap", "hello", "message", "open", "ping", "reset", "rotated", "source",
})  # fmt: skip
"""Types that no rule may give (design section 3): the wire's own, and those with a meaning to EventSource."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One `[[rule]]`: conditions that must all hold (`match`, `source`, `level`), and what follows.

    `match` is a regular expression, `source` a glob over the source's name. `event` and `set_level` are given to the
    lines that match, whatever the action.
    """

    name: str
    match: str | None = None
    source: str | None = None
    level: LevelCondition | None = None
    action: Action = "tag"
    event: str | None = None
    set_level: Level | None = None


class Tag(NamedTuple):
    """What rules say about a kept line; None where no rule says anything."""

    event: str | None
    level: Level | None
    rules: tuple[str, ...]


class Verdicts(NamedTuple):
    """What a rule set makes of a block: the lines kept (ascending indexes), and tags of those some rule matched."""

    kept: Sequence[int]
    tags: Mapping[int, Tag]


_UNTAGGED: Final = Tag(None, None, ())


class RuleSet:
    """Rules compiled together. Raises PatternError for a `match` that cannot be used. May be used from any thread."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        patterns = dict.fromkeys(Pattern(rule.match) for rule in self.rules if rule.match is not None)
        self._numbers = {pattern.expression: number for number, pattern in enumerate(patterns)}
        self._patterns = PatternSet(tuple(patterns))

    def __repr__(self) -> str:
        return f"<RuleSet [{len(self.rules)} rules]>"

    def judge(self, text: bytes, ends: Sequence[int], *, source: str, facts: LineFacts) -> Verdicts:
        """Judge the lines of a block; `text` and `ends` are as `PatternSet.scan` has them.

        `facts` are asked where a condition needs them. Without a rule that concerns `source`, nothing is scanned.
        """
        concerned = [rule for rule in self.rules if rule.source is None or glob_matches(rule.source, source)]
        if not concerned:
            return Verdicts(range(len(ends)), {})
        found: list[set[int]] = []
        if any(rule.match is not None for rule in concerned):
            found = self._patterns.scan(text, ends)
        judging = _Judging(len(ends), facts.level_of)
        for rule in concerned:
            judging.apply(rule, None if rule.match is None else found[self._numbers[rule.match]])
        return judging.verdicts()


class _Judging:
    """One block on its way through the rules."""

    def __init__(self, lines: int, level_of: Callable[[int], Level | None]) -> None:
        self._lines = range(lines)
        self._level_of = level_of
        self._parsed: dict[int, Level | None] = {}
        self._dropped: set[int] = set()
        self._shielded: set[int] = set()
        self._tags: dict[int, Tag] = {}

    def apply(self, rule: Rule, found: set[int] | None) -> None:
        """Let one rule speak about the lines found by its pattern (None: it has none, so all)."""
        lines = set(self._lines) - self._dropped if found is None else found - self._dropped
        if rule.level is not None:
            lines = {line for line in lines if rule.level.holds(self._level(line))}
        if rule.action == "drop":
            self._dropped |= lines - self._shielded
            lines -= self._dropped
        elif rule.action == "keep":
            self._shielded |= lines
        self._tag(rule, lines)

    def _level(self, line: int) -> Level | None:
        tag = self._tags.get(line)
        if tag is not None and tag.level is not None:
            return tag.level
        if line not in self._parsed:
            self._parsed[line] = self._level_of(line)
        return self._parsed[line]

    def _tag(self, rule: Rule, lines: Iterable[int]) -> None:
        extended: dict[Tag, Tag] = {}  # few distinct tags over many lines: each is made once
        for line in lines:
            before = self._tags.get(line, _UNTAGGED)
            after = extended.get(before)
            if after is None:
                after = extended[before] = Tag(
                    rule.event if before.event is None else before.event,
                    rule.set_level if before.level is None else before.level,
                    (*before.rules, rule.name),
                )
            self._tags[line] = after

    def verdicts(self) -> Verdicts:
        """The verdicts after the last rule."""
        if not self._dropped:
            return Verdicts(self._lines, self._tags)
        kept = [line for line in self._lines if line not in self._dropped]
        return Verdicts(kept, {line: tag for line, tag in self._tags.items() if line not in self._dropped})
