"""The logs that were followed once, and are not now: all that was read of them is finished, and no file has the path.

Owns when each of them was last written or seen, and the look at what stands beside them; and what is left of logs that
came and went before anybody saw them. Refuses to follow them again.
"""

# ruff: noqa: PTH116, PTH118 - the stat of each name in a directory: a Path object costs more

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from logstream.tail.family import home_of
from logstream.tail.globs import is_matched
from logstream.tail.listing import names_in
from logstream.tail.rotation import base_names
from logstream.tail.slices import SLICE_FILES
from logstream.tail.targets import is_pod_log

if TYPE_CHECKING:
    from collections.abc import Container, Generator, Iterable, Iterator, Mapping

    from logstream.tail.batch import SourceSpec

_LIMIT = 10_000
"""How many are remembered; those that were noted first go first."""
_SLACK_SECONDS: Final = 1
_NS: Final = 1_000_000_000


class Histories:
    """When each log of the past was last written or seen, in ns since the epoch, by path."""

    def __init__(self) -> None:
        """Remember none."""
        self._last_ns: dict[str, int | None] = {}
        self._unseen: dict[str, int] = {}
        """The same of logs of which nobody knows more than what stands beside their paths."""

    def __contains__(self, path: object) -> bool:
        """Whether there was a log of that path."""
        return path in self._last_ns or path in self._unseen

    def note(self, path: str, last_ns: int | None) -> None:
        """Remember that nothing of a log is followed any more; the latest time that was ever noted of it counts."""
        before = self._last_ns.pop(path, None)
        self._last_ns[path] = max((ns for ns in (before, last_ns) if ns is not None), default=None)
        if len(self._last_ns) > _LIMIT:
            del self._last_ns[next(iter(self._last_ns))]

    def take(self, path: str) -> int | None:
        """Forget a log that is followed again; answers its time."""
        unseen_ns = self._unseen.pop(path, None)
        return self._last_ns.pop(path, unseen_ns)

    def has_of(self, spec: SourceSpec, path: str) -> bool:
        """Whether there was a log of that path that the source asks for: its older lives, and copies, stand beside."""
        return path in self._last_ns and is_matched(path, spec.paths, spec.exclude)

    def has_base_of(self, path: str, followed: Container[str]) -> bool:
        """Whether `path` is by its name an older life of one of these logs, or of one that is followed."""
        directory, name = os.path.split(path)
        bases = (os.path.join(directory, base) for base, _ in base_names(name))
        return any(base in followed or base in self._last_ns for base in bases)

    def note_unseen(
        self, spec: SourceSpec, directories: Iterable[str], followed: Container[str], since: float | None
    ) -> Iterator[None]:
        """Remember logs that came and went in `directories` since then (epoch seconds), before anybody looked.

        What is left of them is no history once such a log comes again, or, where kubelet alone has its files, at once.
        None if nobody had looked before: all is history then. Raises OSError where no descriptor is left to list one.
        """
        if since is None:
            return
        since_ns = int((since - _SLACK_SECONDS) * _NS)
        for directory in directories:
            for number, name in enumerate(names_in(directory), 1):
                if number % SLICE_FILES == 0:
                    yield
                older = os.path.join(directory, name)
                if older not in followed and _is_written_since(older, since_ns):
                    self._note_unseen(spec, older, followed, since_ns)

    def _note_unseen(self, spec: SourceSpec, older: str, followed: Container[str], since_ns: int) -> None:
        if is_matched(older, spec.paths, spec.exclude):
            return
        directory, name = os.path.split(older)
        for path in (os.path.join(directory, base) for base, _ in base_names(name)):
            if path not in followed and path not in self and is_matched(path, spec.paths, spec.exclude):
                (self._last_ns if is_pod_log(path) else self._unseen)[path] = since_ns
                if len(self._unseen) > _LIMIT:
                    del self._unseen[next(iter(self._unseen))]

    def survived(self, spec: SourceSpec, followed: Container[str] = ()) -> Generator[None, None, list[str]]:
        """The source's logs beside which an older life stands that was written at their time or later.

        None that is an older life itself, also of a log that is `followed`. Looks at each directory once: thousands of
        logs that have no file any more may have been in it. Pauses (yields) often; nothing may be noted or taken
        meanwhile. Raises OSError where no descriptor is left to list one.
        """
        homes: dict[str, str] = {}
        for number, path in enumerate(self._last_ns, 1):
            if number % SLICE_FILES == 0:
                yield
            if self.has_of(spec, path):
                homes[home_of(path)] = path
        found: dict[str, None] = {}
        for directory in dict.fromkeys(map(os.path.dirname, homes)):
            yield from self._look_in(directory, homes, found)
        survived = []
        for number, path in enumerate(found, 1):
            if number % SLICE_FILES == 0:
                yield
            if not self.has_base_of(path, followed):
                survived.append(path)
        return survived

    def _look_in(self, directory: str, homes: Mapping[str, str], found: dict[str, None]) -> Iterator[None]:
        """Add to `found` the logs beside whose `homes` such an older life stands in the directory."""
        for number, name in enumerate(names_in(directory), 1):
            if number % SLICE_FILES == 0:
                yield
            bases = (homes.get(os.path.join(directory, base)) for base, _ in base_names(name))
            for path in (path for path in bases if path is not None and path not in found):
                if _is_written_since(os.path.join(directory, name), self._last_ns[path]):
                    found[path] = None


def _is_written_since(path: str, since_ns: int | None) -> bool:
    try:
        return since_ns is None or os.stat(path).st_mtime_ns >= since_ns
    except OSError:
        return False
