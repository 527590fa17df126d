"""One block on its way through the rules.

Owns what each rule does to the lines that it holds for, in order. Refuses to know patterns: which lines a rule's
pattern is found in, it is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from logstream.rules.bitmaps import all_lines, bitmap, indexes_of
from logstream.rules.conditions import glob_matches
from logstream.rules.redaction import Redactor, Span, masked
from logstream.rules.tags import Tag, Tags, grouped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from logstream.records import Level
    from logstream.rules.bitmaps import Lines
    from logstream.rules.conditions import LevelCondition
    from logstream.rules.facts import LineFacts
    from logstream.rules.fields import FieldTest
    from logstream.rules.patterns import Ends
    from logstream.rules.select import CompiledQuery

Action = Literal["tag", "drop", "keep"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One `[[rule]]`: conditions that must all hold (`match`, `source`, `level`, `where`), and what follows.

    `match` is a regular expression, `source` a glob over the source's name, `where` a query. `event`, `set_level` and
    `highlight` (a colour's name) are given to the lines that match, whatever the action. `redact` is True for what
    `match` finds, or names presets; these are a condition, too: the rule holds for lines in which one of them finds
    something.
    """

    name: str
    match: str | None = None
    source: str | None = None
    level: LevelCondition | None = None
    where: str | None = None
    action: Action = "tag"
    event: str | None = None
    set_level: Level | None = None
    highlight: str | None = None
    redact: bool | tuple[str, ...] = False


class Spoken(NamedTuple):
    """How many lines of a block were put to a rule, and how many it holds for. `number` counts from 0."""

    number: int
    lines_tried: int
    hits: int


class Masked(NamedTuple):
    """A line's text with its secrets masked, and what masks them in values that parsing takes out of it."""

    text: str
    redactors: tuple[Redactor, ...]


_NONE: Final[Mapping[int, Any]] = MappingProxyType({})


class Verdicts(NamedTuple):
    """What a rule set makes of a block.

    `kept` are the lines kept (ascending indexes), `tags` what is said of those that some rule holds for. `masked` has
    each line with a secret in it, dropped or not. `decided` names, for a line dropped or kept by a rule, that rule;
    `spoken` counts for each rule that concerns the block's source.
    """

    kept: Sequence[int]
    tags: Tags
    masked: Mapping[int, Masked] = _NONE
    decided: Mapping[int, str] = _NONE
    spoken: tuple[Spoken, ...] = ()


class ReadyRule(NamedTuple):
    """A rule with its number, and what was compiled of it."""

    number: int
    rule: Rule
    where: CompiledQuery | None
    redactor: Redactor | None


class Judging:
    """One block on its way through the rules. To its conditions on levels and types it is `LineFacts` itself."""

    def __init__(self, text: bytes, ends: Ends, source: str, facts: LineFacts) -> None:
        self._text = text
        self._ends = ends
        self._source = source
        self._facts = facts
        self._lines = all_lines(len(ends))
        self._dropped: Lines = 0
        self._shielded: Lines = 0
        self._decided: list[tuple[str, Lines]] = []
        self._held: list[tuple[Rule, Lines]] = []
        """Rules with the lines that they speak about; `_given` has those of them that give a type or a level."""
        self._given: list[tuple[Rule, Lines]] = []
        self._spans: dict[int, list[Span]] = {}
        self._redactors: dict[int, tuple[Redactor, ...]] = {}
        self._spoken: list[Spoken] = []

    def apply(self, ready: ReadyRule, found: Lines | None) -> None:
        """Let one rule speak about the lines found by its patterns (None: it has none, so all)."""
        rule = ready.rule
        # A dropped line may be delivered yet, as part of a trace whose first line was kept: secrets go from it, too.
        tried = self._lines if ready.redactor else self._lines & ~self._dropped
        lines = tried if found is None else tried & found
        if rule.level is not None and lines:
            lines = self.level_lines(lines, rule.level)
        if ready.where is not None and lines:
            lines = ready.where.lines(self._text, self._ends, source=self._source, facts=self, universe=lines)
        if ready.redactor is not None and lines:
            lines = self._mask(ready.redactor, lines)
        self._spoken.append(Spoken(ready.number, tried.bit_count(), lines.bit_count()))
        if lines:
            self._decide(rule, lines & ~self._dropped)

    def _decide(self, rule: Rule, lines: Lines) -> None:
        if rule.action != "tag":
            self._decided.append((rule.name, lines & ~self._shielded))
        if rule.action == "drop":
            self._dropped |= lines & ~self._shielded
            lines &= ~self._dropped
        elif rule.action == "keep":
            self._shielded |= lines
        if lines:
            self._held.append((rule, lines))
            if rule.event is not None or rule.set_level is not None:
                self._given.append((rule, lines))

    def _mask(self, redactor: Redactor, lines: Lines) -> Lines:
        """Note what is to be masked; answers the lines in which a secret was found."""
        hits = []
        for line in indexes_of(lines):
            start = self._ends[line - 1] + 1 if line else 0
            spans = redactor.spans(self._text[start : self._ends[line]].decode())
            if spans:
                self._spans.setdefault(line, []).extend(spans)
                self._redactors[line] = (*self._redactors.get(line, ()), redactor)
            if spans or redactor.has_expression:
                hits.append(line)
        return bitmap(hits)

    def level_lines(self, lines: Lines, condition: LevelCondition) -> Lines:
        """Those of the lines whose level, as rules so far have it, meets the condition."""
        found = 0
        for rule, given in self._given:  # the first rule that gives a level has given it
            if rule.set_level is not None:
                found |= lines & given if condition.holds(rule.set_level) else 0
                lines &= ~given
        return found | self._facts.level_lines(lines, condition) if lines else found

    def event_lines(self, lines: Lines, glob: str) -> Lines:
        """Those of the lines whose type, as rules so far have it, is of such a shape."""
        found = 0
        for rule, given in self._given:
            if rule.event is not None:
                found |= lines & given if glob_matches(glob, rule.event) else 0
                lines &= ~given
        return found | self._facts.event_lines(lines, glob) if lines else found

    def field_lines(self, lines: Lines, path: str, test: FieldTest) -> Lines:
        """Those of the lines with such a field, with nothing masked yet."""
        return self._facts.field_lines(lines, path, test)

    def time_ms_of(self, index: int) -> int | None:
        """The line's time."""
        return self._facts.time_ms_of(index)

    def verdicts(self) -> Verdicts:
        """The verdicts after the last rule."""
        kept = self._lines & ~self._dropped
        said = [(number, lines & kept) for number, (_, lines) in enumerate(self._held)]
        tags = Tags([(self._tag(numbers), lines) for numbers, lines in grouped(said)])
        decided = {line: name for name, lines in self._decided for line in indexes_of(lines)}
        kept_lines = list(indexes_of(kept)) if self._dropped else range(len(self._ends))
        return Verdicts(kept_lines, tags, self._masked_lines(), decided, tuple(self._spoken))

    def _tag(self, numbers: Iterable[int]) -> Tag:
        """What the rules of these numbers say together."""
        rules = [self._held[number][0] for number in numbers]
        event = next((rule.event for rule in rules if rule.event is not None), None)
        level = next((rule.set_level for rule in rules if rule.set_level is not None), None)
        return Tag(event, level, tuple(rule.name for rule in rules))

    def _masked_lines(self) -> dict[int, Masked]:
        found = {}
        for line, spans in self._spans.items():
            start = self._ends[line - 1] + 1 if line else 0
            text = self._text[start : self._ends[line]].decode()
            found[line] = Masked(masked(text, spans), self._redactors[line])
        return found
