"""Tries rules on lines before they are trusted: which of them fires, on what, at what cost, and which one decides.

Owns the counting over lines that are handed in. Refuses to read files and to print.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple

from logstream.api.frames import WireEncoder
from logstream.hub.continuations import NOTHING_ABOVE
from logstream.hub.judged_block import JudgedBlock
from logstream.journal.base import Block
from logstream.records import Generation
from logstream.rules import Evidence, RuleSet, concerns, remarks
from logstream.rules.evidence import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logstream.hub.judged_block import SourceTraits
    from logstream.records import Record
    from logstream.rules import Rule

BLOCK_BYTES: Final = 64 * 1024
MOST_SAMPLES: Final = 3
_MEASURED_BLOCKS: Final = 64
"""Blocks that each rule is put to alone, to see what it costs."""


class Verdict(NamedTuple):
    """What became of a line: the record that viewers get (None: dropped), and the rule that decided, if one did."""

    number: int
    text: str
    record: Record | None
    decided: str | None


class Outcome(NamedTuple):
    """What one rule did: its evidence, the lines that it decided about, and the first lines that it holds for."""

    rule: Rule
    evidence: Evidence
    decided: int
    samples: tuple[str, ...]
    remark: str | None


class Trial:
    """One set of rules, put to the lines of one source."""

    def __init__(self, rules: RuleSet, traits: SourceTraits, source: str, encoding: str = "utf-8") -> None:
        """Nothing is tried yet; `encoding` is how the lines are cut."""
        self.encoding = encoding
        self.max_line_bytes = traits.max_line_bytes
        self.lines = 0
        self.dropped = 0
        self._rules = rules
        self._traits = traits
        self._generation = Generation("aaaaaaaa", source, source, encoding)
        self._encoder = WireEncoder()
        self._tally = Tally(rules.rules)
        self._alone = {rule: RuleSet([rule]) for rule in rules.rules if concerns(rule, source)}
        self._decided: dict[str, int] = {}
        self._samples: dict[str, list[str]] = {}
        self._blocks = 0
        self._before: JudgedBlock | None = None
        self._place = 0

    def put(self, content: bytes) -> Iterator[Verdict]:
        """Try whole lines, at most `BLOCK_BYTES` of them or one; what becomes of each."""
        before = self._before
        lead = b"" if before is None else before.block.before(len(before.block.content))
        block = Block(self._generation, self._place, self._place, int(time.time() * 1000), lead, content)
        self._place += len(content)
        above = (lambda: NOTHING_ABOVE) if before is None else before.below
        judged = JudgedBlock(block, self._traits, self._rules, self._encoder, above=above)
        self._before = judged
        self._count(judged)
        yield from self._verdicts(judged)

    def outcomes(self) -> list[Outcome]:
        """What each rule did, in the order of the rules."""
        evidence = self._tally.evidence()
        remarked = remarks(evidence)
        return [
            Outcome(
                rule,
                one,
                self._decided.get(rule.name, 0),
                tuple(self._samples.get(rule.name, ())),
                remarked.get(rule.name),
            )
            for rule, one in zip(self._rules.rules, evidence, strict=True)
        ]

    def _count(self, judged: JudgedBlock) -> None:
        self._tally.add(judged.verdicts.spoken, judged.block.time_ms)
        self._blocks += 1
        if self._blocks > _MEASURED_BLOCKS:
            return
        for rule, alone in self._alone.items():
            began_ns = time.perf_counter_ns()
            judged.put_to(alone)
            self._tally.counts[rule].measured(len(judged.ends), time.perf_counter_ns() - began_ns)

    def _verdicts(self, judged: JudgedBlock) -> Iterator[Verdict]:
        kept = set(judged.kept)
        decided = judged.verdicts.decided
        for index in range(len(judged.ends)):
            record = judged.record(index)
            self.lines += 1
            self.dropped += index not in kept
            rule = decided.get(index)
            if rule is not None:
                self._decided[rule] = self._decided.get(rule, 0) + 1
            for name in {*record.rules, *((rule,) if rule else ())}:
                samples = self._samples.setdefault(name, [])
                if len(samples) < MOST_SAMPLES:
                    samples.append(record.text)
            yield Verdict(self.lines, record.text, record if index in kept else None, rule)
