"""Generations that no source asks for at present, with their places, until one asks for them again.

Owns which of them a source goes on with, and under which path. Refuses to follow them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from logstream.tail.former import base_path_of, file_of, has_lost_its_file, is_outrun, note_file, path_of
from logstream.tail.globs import is_matched
from logstream.tail.slices import SLICE_FILES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from logstream.tail.batch import Known, SourceSpec
    from logstream.tail.former import File
    from logstream.tail.lineage import Census, Lineage


class Claim(NamedTuple):
    """A generation that a source asks for, the path of its log, and whether another life was begun in its file."""

    known: Known
    spec: SourceSpec
    path: str
    has_lost_its_file: bool


class Parked:
    """What is put aside, in the order in which it is to be followed again."""

    def __init__(self, census: Census) -> None:
        """Nothing; files of what stays here are known as such in `census`."""
        self._census = census
        self._known: dict[str, Known] = {}

    def put(self, known: Known) -> None:
        """Put a generation last."""
        self._known[known.key] = known

    def put_in_order(self, place: Mapping[str, int]) -> None:
        """Put all in the order of their `place`, by key; those that have none last."""
        self._known = dict(sorted(self._known.items(), key=lambda item: place.get(item[0], len(place))))

    def claims(self, specs: Mapping[str, SourceSpec], followed: Mapping[str, Lineage]) -> Iterator[Claim | None]:
        """Those that one of `specs` asks for, one by one; they are not here any more.

        Each is to be `followed` before the next one is asked for. None is a pause.
        """
        paths = {*followed}
        mates: dict[File, list[Known]] = {}
        for number, known in enumerate(self._known.values(), 1):
            paths.add(path_of(known))
            note_file(known, mates)
            if number % SLICE_FILES == 0:
                yield None
        for number, known in enumerate(list(self._known.values()), 1):
            if number % SLICE_FILES == 0:
                yield None
            others = [one for one in mates.get(file_of(known), ()) if one is not known and one.key in self._known]
            if is_outrun(known, others):
                del self._known[known.key]
                continue
            spec, path = specs.get(known.source), base_path_of(path_of(known), paths)
            owner = followed.get(path)
            if spec is None or not is_matched(path, spec.paths, spec.exclude):
                self._census.retire(known)
            elif owner is None or owner.spec is spec:
                del self._known[known.key]
                yield Claim(known, spec, path, has_lost_its_file(known, others))
