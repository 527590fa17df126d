"""The lines of one judged block as JSON, each made at most once whoever asks, and as many at a time as are asked for.

Owns which lines are written from what was read of the block at once, and which as records of their own. Refuses to know
how either looks on the wire.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any, TypeVar

from logstream.hub.frames import LINE_EVENT, Columns, EncodedLines, EncodedRecord, Shared
from logstream.parse import renumbered

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from logstream.hub.frames import FrameEncoder, Shape
    from logstream.hub.judged_block import JudgedBlock
    from logstream.parse import Rows, Said
    from logstream.rules import Tag

T = TypeVar("T")

_MOST_READ_A_LINE = 8
_FEWEST_COLUMNS = 8
_MOST_SHARED = 4096
_MOST_UNASKED = 2
"""Where no more than one line in so many is asked for, each is looked at for what needs an escape, not the block."""
_MOST_FRAMES = 4
"""Selections of which the events are kept: two that differ from all others are made for one view each."""


class EncodedBlock:
    """What was made of one block so far. The block itself is handed in each time: it holds this."""

    def __init__(self, encoder: FrameEncoder, line_count: int) -> None:
        """Nothing is made yet."""
        self._encoder = encoder
        self._jsons: list[Any] = [None] * line_count
        self._records: dict[int, EncodedRecord] = {}
        self._frames: dict[tuple[Shape, tuple[int, ...]], bytes] = {}

    def record(self, judged: JudgedBlock, index: int) -> EncodedRecord:
        """One line."""
        found = self._records.get(index)
        if found is None:
            if self._jsons[index] is None:
                found = self._encoder.encode_record(judged.record(index))
                self._jsons[index] = found.json
            else:
                found = self.lines(judged, [index])[0]
            self._records[index] = found
        return found

    def frame(self, judged: JudgedBlock, indexes: Sequence[int], shape: Shape, *, is_kept: bool) -> bytes:
        """Events of lines by ascending indexes: one object for all who select the same, if it is kept."""
        if not is_kept and (columns := self._columns_of_all(judged, indexes)) is not None:
            return self._encoder.encode_frames(columns, shape, [len(indexes)])[0]
        if len(indexes) == 1 and not is_kept:
            return self._encoder.encode_records((self.record(judged, indexes[0]),), shape)
        key = shape, tuple(indexes)
        found = self._frames.get(key)
        if found is None:
            found = self._encoder.encode_records(self.lines(judged, indexes), shape)
            if is_kept:
                if len(self._frames) == _MOST_FRAMES:
                    del self._frames[next(iter(self._frames))]
                self._frames[key] = found
        return found

    def events(
        self, judged: JudgedBlock, indexes: Sequence[int], shape: Shape, counts: Sequence[int], *, is_kept: bool
    ) -> list[bytes]:
        """Events of lines, so many each time, at least one; `is_kept`: their JSON is for others, too."""
        columns = None if is_kept else self._columns_of_all(judged, indexes)
        if columns is not None:
            return self._encoder.encode_frames(columns, shape, counts)
        lines = self.lines(judged, indexes)
        return [
            self._encoder.encode_records(lines[end - count : end], shape)
            for end, count in zip(accumulate(counts), counts, strict=True)
        ]

    def _columns_of_all(self, judged: JudgedBlock, indexes: Sequence[int]) -> Columns | None:
        """The records of lines whose JSON nobody else needs; None if some of them cannot be written without."""
        if len(indexes) < _FEWEST_COLUMNS or not _are_many(judged, indexes):
            return None
        rows = judged.rows()
        if rows is None or _split(judged, rows, indexes)[1]:
            return None
        return _columns(judged, rows, indexes)

    def lines(self, judged: JudgedBlock, indexes: Sequence[int]) -> EncodedLines:
        """Lines by ascending indexes."""
        missing = [index for index in indexes if self._jsons[index] is None]
        if len(missing) == 1:
            self._jsons[missing[0]] = self._encoder.encode_record(judged.record(missing[0])).json
        elif missing:
            self._make(judged, missing)
        jsons = self._jsons if len(indexes) == len(self._jsons) else _chosen(self._jsons, indexes)
        return EncodedLines(judged.ids(indexes), _events(judged, indexes), jsons)

    def _make(self, judged: JudgedBlock, indexes: Sequence[int]) -> None:
        judged.ids(indexes)  # of all at once, for the records below take one each
        rows = judged.rows() if _are_many(judged, indexes) else judged.rows_of(indexes)
        alone = indexes
        if rows is not None:
            read, alone = _split(judged, rows, indexes)
            self._take(read, self._encoder.encode_columns(_columns(judged, rows, read)) if read else ())
        if alone:
            self._take(alone, self._encoder.encode_each([judged.record(index) for index in alone]))

    def _take(self, indexes: Sequence[int], jsons: Sequence[bytes]) -> None:
        if len(indexes) == len(self._jsons):
            self._jsons[:] = jsons
            return
        for index, json in zip(indexes, jsons, strict=True):
            self._jsons[index] = json


def _are_many(judged: JudgedBlock, indexes: Sequence[int]) -> bool:
    """Whether it is worth while to read the whole block at once: others may ask for the rest."""
    return len(indexes) * _MOST_READ_A_LINE >= judged.line_count


def _split(judged: JudgedBlock, rows: Rows, indexes: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
    """Those of the lines that can be written from what was read at once, and the others."""
    if len(rows.lines) == judged.line_count and not judged.odd_lines:
        return indexes, ()
    readable = set(rows.lines) - judged.odd_lines
    return [index for index in indexes if index in readable], [index for index in indexes if index not in readable]


def _columns(judged: JudgedBlock, rows: Rows, indexes: Sequence[int]) -> Columns:
    """The records of lines that are all among the rows."""
    text, texts = judged.text, list[bytes]()
    if len(indexes) < len(rows.lines):
        if len(rows.lines) == judged.line_count:
            rows = rows.only(list(indexes))
        else:
            row_of = dict(zip(rows.lines, range(len(rows.lines)), strict=True))
            rows = rows.only([row_of[index] for index in indexes])
    if rows.stamps is None:
        texts = text.split(b"\n")
        texts = texts if len(indexes) == len(texts) else _chosen(texts, indexes)
    kinds, shared = _kinds(judged, rows, indexes)
    return Columns(
        judged.block.generation,
        judged.id_table(indexes),
        rows.times,
        rows.stamps,
        texts,
        kinds,
        shared,
        rows.messages,
        text if _MOST_UNASKED * len(indexes) >= judged.line_count else None,
        judged.files(indexes),
    )


def _kinds(judged: JudgedBlock, rows: Rows, indexes: Sequence[int]) -> tuple[NDArray[np.intp], Sequence[Shared]]:
    """Of which kind each line is, and what lines of a kind have in common."""
    groups = judged.tags.groups
    if not groups:
        return rows.kinds, [_shared(said, None) for said in rows.said]
    tags, numbers = (None, *(tag for tag, _ in groups)), judged.tags.numbers(judged.line_count)
    if len(indexes) < len(numbers):
        numbers = numbers[list(indexes)]
    kinds, present = renumbered(rows.kinds * len(tags) + numbers)
    pairs = [divmod(pair, len(tags)) for pair in present]
    return kinds, [_shared(rows.said[heading], tags[number]) for heading, number in pairs]


@lru_cache(maxsize=_MOST_SHARED)
def _shared(said: Said, tag: Tag | None) -> Shared:
    """What lines with such a heading have in common, of which rules say the same."""
    if tag is None:
        return Shared(said.level, LINE_EVENT, (), said.fields, said.heading)
    return Shared(tag.level or said.level, tag.event or LINE_EVENT, tag.rules, said.fields, said.heading)


def _events(judged: JudgedBlock, indexes: Sequence[int]) -> list[str] | None:
    """The type of each line; None if that is `line` for all."""
    typed = judged.typed
    if not typed:
        return None
    events = [LINE_EVENT] * len(indexes)
    for place, event in _at(judged, typed, indexes):
        events[place] = event
    return events


def _at(judged: JudgedBlock, values: Mapping[int, T], indexes: Sequence[int]) -> Iterable[tuple[int, T]]:
    """Those of the values that lines of `indexes` have, with their places there."""
    if len(indexes) == judged.line_count:
        return values.items()
    return [(place, values[index]) for place, index in enumerate(indexes) if index in values]


def _chosen(values: Sequence[T], indexes: Sequence[int]) -> list[T]:
    return [values[index] for index in indexes]
