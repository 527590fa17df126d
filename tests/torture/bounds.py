"""When a thing may happen at all, so that the story knows exactly what can be asked of the service.

Owns what is done first (a look) or not at all (twice between two looks), the switches of `reach`, and the steps' list.
"""

from __future__ import annotations

import functools
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec

from hypothesis.stateful import RuleBasedStateMachine

from tests.torture.reach import TODAY, Reach

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.torture.logs import Log, Older
    from tests.torture.world import World

Parameters = ParamSpec("Parameters")
TELLING_BYTES = 320


def step(method: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """Write down each call, before it is made."""

    @functools.wraps(method)
    def noted(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        machine: Any = args[0]
        given = ", ".join(f"{name}={value!r}" for name, value in kwargs.items())
        machine.steps.append(f"{method.__name__}({given})")
        machine.counted["steps"] += 1
        try:
            method(*args, **kwargs)
        except BaseException:
            machine.has_failed = True
            type(machine).failed_steps = machine.steps
            raise

    return noted


class Bounds(RuleBasedStateMachine):
    """What rules ask before they act."""

    counted: ClassVar[Counter[str]] = Counter()
    failed_steps: ClassVar[list[str]] = []
    reach: ClassVar[Reach] = TODAY
    world: World
    takes_copies: bool
    packs: bool

    def __init__(self) -> None:
        """Nothing has happened."""
        super().__init__()
        self.steps: list[str] = []
        self.has_failed = False
        self.counted["examples"] += 1

    def texts(self, count: int, width: int, *, before: bool = False) -> list[str]:
        padding = ("x" if before else "y") * width
        return [self.world.story.text(padding, goes_before=before) for _ in range(count)]

    def write(self, log: Log, count: int, width: int, *, before: bool = False) -> None:
        if count:
            log.write(self.texts(count, width, before=before))

    def let_look(self, log: Log) -> None:
        """The log has just been truncated."""
        if not self.reach.reads_during_rewrites and not self.world.story.is_down:
            self.world.be_looked_at(log)

    def may_wait(self) -> bool:
        """Whether all lines can be waited for: without room nothing is unpacked, and what is newer may wait."""
        return not (self.world.is_full and any(older.is_packed for log in self.world.logs for older in log.older))

    def may_truncate(self, log: Log, *, is_seen: bool) -> bool:
        """Whether the log may be truncated: not twice between two looks, for nobody could see what came between."""
        if self.world.is_full:
            return False
        if log.is_truncated or is_seen or log.live is None or not log.live.is_known:
            if self.world.story.is_down:
                return not log.is_truncated
            self.world.be_looked_at(log)
        if not self.reach.reads_during_rewrites and not self.world.story.is_down:
            for viewer in self.world.viewers:
                viewer.catch_up()
                viewer.connect()
        return True

    def may_move(self, log: Log) -> bool:
        """Whether the log's file may lose its name: not while nobody has seen that it was truncated."""
        if self.reach.moves_unseen_truncations:
            return True
        if log.is_truncated and not self.world.story.is_down:
            self.world.be_looked_at(log)
        return not log.is_truncated

    def may_replace(self, log: Log) -> bool:
        if self.world.is_full or (not self.reach.replaces_beside_copies and any(one.is_copy for one in log.older)):
            return False
        return self.may_move(log)

    def is_telling(self, log: Log) -> bool:
        """Whether there is so much in a log that a file that begins with it can only be more of the same."""
        life = log.live
        if life is None or (self.world.story.is_down and not life.was_there_at_stop):
            return True
        sees_all = self.world.story.has_looked and not self.world.story.is_down
        lines = [line for line in life.lines if line.is_told or sees_all]
        return bool(lines) and lines[-1].end >= TELLING_BYTES and not _repeats_itself(log, lines[-1].end)

    def let_look_at_replaced(self) -> None:
        """The service goes: of a file that more has taken the place of it will know what it recorded, and no more."""
        for log in self.world.logs:
            if log.live is None or not log.live.has_unseen_file or self.world.is_full:
                continue
            told_bytes = max((line.end for line in log.live.lines if line.is_told), default=0)
            if 0 < told_bytes < TELLING_BYTES or (told_bytes and _repeats_itself(log, told_bytes)):
                # So little is no proof, and the lines come twice: docs/guarantees.md.
                self.world.be_looked_at(log)

    def may_pack(self, older: Older) -> bool:
        """Whether a file may be compressed: no copy that holds what has not been read."""
        if self.world.is_full or not self.packs:
            return False
        if self.reach.packs_unread_copies or not older.is_copy:
            return True
        if not self.world.story.is_down:
            self.world.catch_up()
        return all(line.is_told for line in older.life.lines)

    def may_delete(self, olders: list[Older]) -> bool:
        """A copy is read as soon as the truncation is seen; until then nobody knows of it."""
        if olders and self.world.is_full:
            return False
        if any(older.is_copy for older in olders) and not self.world.story.is_down:
            self.world.catch_up()
        return True


def _repeats_itself(log: Log, end: int) -> bool:
    """Whether the last KiB before `end` stands elsewhere in the 64 KiB before it, too: docs/guarantees.md."""
    near = log.path.read_bytes()[:end][-64 * 1024 :]
    last = near[-min(1024, len(near) // 2 + 1) :]
    return near.find(last) != len(near) - len(last)
