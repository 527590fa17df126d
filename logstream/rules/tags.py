"""What rules say of the lines of a block: each thing once, with the lines that it is said of.

Owns how lines that the same rules hold for are brought together. Refuses to know what rules are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from logstream.rules.bitmaps import bitmap, indexes_of, mask_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from logstream.records import Level
    from logstream.rules.bitmaps import Lines
    from logstream.rules.conditions import LevelCondition

_MOST_COMPARED: Final = 64
"""With more groups than this each line is looked at by itself: a rule would be compared with all of them."""


class Tag(NamedTuple):
    """What rules say about a kept line; None where no rule says anything."""

    event: str | None
    level: Level | None
    rules: tuple[str, ...]


class Tags(Mapping[int, Tag]):
    """Tags of lines by their indexes. `groups` has each tag once, with its lines."""

    def __init__(self, groups: Sequence[tuple[Tag, Lines]] = ()) -> None:
        """No line is in two groups, and none of them is empty."""
        self.groups = groups
        self._by_line: dict[int, Tag] | None = None

    def _tags(self) -> dict[int, Tag]:
        if self._by_line is None:
            self._by_line = {line: tag for tag, lines in self.groups for line in indexes_of(lines)}
        return self._by_line

    def __getitem__(self, line: int) -> Tag:
        return self._tags()[line]

    def __iter__(self) -> Iterator[int]:
        return iter(self._tags())

    def __len__(self) -> int:
        return sum(lines.bit_count() for _, lines in self.groups)

    def __repr__(self) -> str:
        return f"<Tags {list(self.groups)}>"

    def of(self, line: int) -> Tag | None:
        """The tag of a line, if it has one."""
        return self._tags().get(line) if self.groups else None

    def numbers(self, count: int) -> NDArray[np.intp]:
        """For each of so many lines the number of its group, counted from 1; 0 for none."""
        found = np.zeros(count, np.intp)
        for number, (_, lines) in enumerate(self.groups, start=1):
            found[mask_of(lines, count)] = number
        return found

    def level_lines(
        self, lines: Lines, condition: LevelCondition, without: Callable[[Lines, LevelCondition], Lines]
    ) -> Lines:
        """Those of the lines that meet the condition; of lines to which no level is given, `without` answers."""
        found = 0
        for tag, tagged in self.groups:
            if tag.level is not None:
                found |= lines & tagged if condition.holds(tag.level) else 0
                lines &= ~tagged
        return found | without(lines, condition) if lines else found


def grouped(said: Sequence[tuple[int, Lines]]) -> list[tuple[tuple[int, ...], Lines]]:
    """The lines that the same of the numbered sets have in them, with the numbers of these sets."""
    groups: list[tuple[tuple[int, ...], Lines]] = []
    for number, lines in said:
        if len(groups) > _MOST_COMPARED:
            return _grouped_line_by_line(said)
        left, parted = lines, []
        for numbers, together in groups:
            both = together & lines
            if both:
                left ^= both
                parted.append(((*numbers, number), both))
            if both != together:
                parted.append((numbers, together ^ both))
        if left:
            parted.append(((number,), left))
        groups = parted
    return groups


def _grouped_line_by_line(said: Sequence[tuple[int, Lines]]) -> list[tuple[tuple[int, ...], Lines]]:
    numbers: dict[int, tuple[int, ...]] = {}
    for number, lines in said:
        for line in indexes_of(lines):
            numbers[line] = (*numbers.get(line, ()), number)
    together: dict[tuple[int, ...], list[int]] = {}
    for line, of_line in numbers.items():
        together.setdefault(of_line, []).append(line)
    return [(of_lines, bitmap(lines)) for of_lines, lines in together.items()]
