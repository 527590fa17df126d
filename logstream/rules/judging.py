"""One block on its way through the rules.

Owns what each rule does to the lines that it holds for, in order. Refuses to know patterns: which lines a rule's
pattern is found in, it is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from logstream.rules.redaction import Redactor, Span, masked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from logstream.records import Level
    from logstream.rules.conditions import LevelCondition
    from logstream.rules.facts import LineFacts
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


class Tag(NamedTuple):
    """What rules say about a kept line; None where no rule says anything."""

    event: str | None
    level: Level | None
    rules: tuple[str, ...]


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
    tags: Mapping[int, Tag]
    masked: Mapping[int, Masked] = _NONE
    decided: Mapping[int, str] = _NONE
    spoken: tuple[Spoken, ...] = ()


class ReadyRule(NamedTuple):
    """A rule with its number, and what was compiled of it."""

    number: int
    rule: Rule
    where: CompiledQuery | None
    redactor: Redactor | None


_UNTAGGED: Final = Tag(None, None, ())


def alike_by_level(
    lines: Iterable[int], tags: Mapping[int, Tag], alike: Callable[[Iterable[int]], Iterable[Sequence[int]]]
) -> Iterable[Sequence[int]]:
    """The lines in groups that are `alike` by themselves and to which rules gave the same level, if any."""
    asked = set(lines)
    by_level: dict[Level, set[int]] = {}
    for line, tag in tags.items():
        if tag.level is not None and line in asked:
            by_level.setdefault(tag.level, set()).add(line)
    for together in by_level.values():
        asked -= together
    return chain.from_iterable(alike(together) for together in (asked, *by_level.values()) if together)


class Judging:
    """One block on its way through the rules. To its conditions on levels and types it is `LineFacts` itself."""

    def __init__(self, text: bytes, ends: Sequence[int], source: str, facts: LineFacts) -> None:
        self._text = text
        self._ends = ends
        self._source = source
        self._facts = facts
        self._lines = range(len(ends))
        self._parsed: dict[int, Level | None] = {}
        self._dropped: set[int] = set()
        self._shielded: set[int] = set()
        self._tags: dict[int, Tag] = {}
        self._decided: dict[int, str] = {}
        self._spans: dict[int, list[Span]] = {}
        self._redactors: dict[int, tuple[Redactor, ...]] = {}
        self._spoken: list[Spoken] = []

    def apply(self, ready: ReadyRule, found: set[int] | None) -> None:
        """Let one rule speak about the lines found by its patterns (None: it has none, so all)."""
        rule = ready.rule
        # A dropped line may be delivered yet, as part of a trace whose first line was kept: secrets go from it, too.
        tried = len(self._lines) - (0 if ready.redactor else len(self._dropped))
        lines = set(self._lines) if found is None else found
        if ready.redactor is None and self._dropped:
            lines = lines - self._dropped
        if rule.level is not None:
            groups = self.alike(lines)
            lines = {line for group in groups if rule.level.holds(self.level_of(group[0])) for line in group}
        if ready.where is not None and lines:
            universe = sorted(lines)
            lines = set(ready.where.select(self._text, self._ends, source=self._source, facts=self, universe=universe))
        if ready.redactor is not None:
            lines = self._mask(ready.redactor, lines)
        self._spoken.append(Spoken(ready.number, tried, len(lines)))
        self._decide(rule, lines - self._dropped)

    def _decide(self, rule: Rule, lines: set[int]) -> None:
        if rule.action == "drop":
            self._decided.update(dict.fromkeys(lines - self._shielded, rule.name))
            self._dropped |= lines - self._shielded
            lines = lines - self._dropped
        elif rule.action == "keep":
            self._decided.update(dict.fromkeys(lines - self._shielded, rule.name))
            self._shielded |= lines
        self._tag(rule, lines)

    def _mask(self, redactor: Redactor, lines: set[int]) -> set[int]:
        """Note what is to be masked; answers the lines in which a secret was found."""
        hits = set()
        for line in lines:
            start = self._ends[line - 1] + 1 if line else 0
            spans = redactor.spans(self._text[start : self._ends[line]].decode())
            if spans:
                self._spans.setdefault(line, []).extend(spans)
                self._redactors[line] = (*self._redactors.get(line, ()), redactor)
            if spans or redactor.has_expression:
                hits.add(line)
        return hits

    def level_of(self, index: int) -> Level | None:
        """The line's level as rules so far have it."""
        tag = self._tags.get(index)
        if tag is not None and tag.level is not None:
            return tag.level
        if index not in self._parsed:
            self._parsed[index] = self._facts.level_of(index)
        return self._parsed[index]

    def event_of(self, index: int) -> str:
        """The line's type as rules so far have it."""
        tag = self._tags.get(index)
        return self._facts.event_of(index) if tag is None or tag.event is None else tag.event

    def fields_of(self, index: int) -> Mapping[str, Any] | None:
        """The line's fields, with nothing masked yet."""
        return self._facts.fields_of(index)

    def alike(self, lines: Iterable[int]) -> Iterable[Sequence[int]]:
        """The lines in groups of one level as rules so far have it, and one content of all fields but `message`."""
        return alike_by_level(lines, self._tags, self._facts.alike)

    def time_ms_of(self, index: int) -> int | None:
        """The line's time."""
        return self._facts.time_ms_of(index)

    def _tag(self, rule: Rule, lines: Iterable[int]) -> None:
        # Few distinct tags over many lines: each is made once, and found by its identity, which costs less to compare.
        extended: dict[int, Tag] = {}
        for line in lines:
            before = self._tags.get(line, _UNTAGGED)
            after = extended.get(id(before))
            if after is None:
                after = extended[id(before)] = Tag(
                    rule.event if before.event is None else before.event,
                    rule.set_level if before.level is None else before.level,
                    (*before.rules, rule.name),
                )
            self._tags[line] = after

    def verdicts(self) -> Verdicts:
        """The verdicts after the last rule."""
        kept: Sequence[int] = self._lines
        tags = self._tags
        if self._dropped:
            kept = [line for line in self._lines if line not in self._dropped]
            tags = {line: tag for line, tag in tags.items() if line not in self._dropped}
        return Verdicts(kept, tags, self._masked_lines(), self._decided, tuple(self._spoken))

    def _masked_lines(self) -> dict[int, Masked]:
        found = {}
        for line, spans in self._spans.items():
            start = self._ends[line - 1] + 1 if line else 0
            text = self._text[start : self._ends[line]].decode()
            found[line] = Masked(masked(text, spans), self._redactors[line])
        return found
