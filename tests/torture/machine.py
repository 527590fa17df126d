"""The rules: what may happen to logs, clients and the service, in any order.

Owns when a thing may happen at all, so that the story knows exactly what can be asked of the service; and the list of
steps, as a script that does them again.
"""

from __future__ import annotations

import functools
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.torture.world import NAMES, Plan, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.torture.logs import Log, Older

Parameters = ParamSpec("Parameters")

MOST_VIEWERS = 6
INDEX = st.integers(min_value=0, max_value=len(NAMES) - 1)
RANK = st.integers(min_value=0, max_value=5)
COUNT = st.sampled_from([1, 1, 2, 3, 7, 40, 300, 3_000])
FEW = st.integers(min_value=0, max_value=3)
WIDTH = st.sampled_from([0, 10, 70, 200, 2_000])


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


class Torture(RuleBasedStateMachine):
    """What the service promises, through everything at once."""

    counted: ClassVar[Counter[str]] = Counter()
    failed_steps: ClassVar[list[str]] = []
    globs: ClassVar[tuple[str, ...]] = ("*.log",)
    # What the service does not hold yet: turn these on when it does.
    packs_unread_copies: ClassVar[bool] = False
    moves_unseen_truncations: ClassVar[bool] = False
    world: World

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[str] = []
        self.has_failed = False
        self.counted["examples"] += 1

    @initialize(data=st.data(), counts=st.booleans(), keep=st.integers(min_value=3, max_value=9))
    def _begin(self, data: st.DataObject, *, counts: bool, keep: int) -> None:
        self.begin(glob=data.draw(st.sampled_from(self.globs)), counts=counts, keep=keep)

    @step
    def begin(self, *, glob: str, counts: bool, keep: int) -> None:
        self.world = World(Plan(glob, counts, keep), self.counted)
        self.world.begin()

    @rule(index=INDEX, count=COUNT, width=WIDTH, before=st.booleans())
    @step
    def append(self, *, index: int, count: int, width: int, before: bool) -> None:
        self._write(self.world.logs[index], count, width, before=before)

    @rule(index=INDEX, width=WIDTH)
    @step
    def begin_line(self, *, index: int, width: int) -> None:
        self.world.logs[index].begin_line(self.world.story.text("p" * width, goes_before=True))

    @rule(index=INDEX, times=st.integers(min_value=1, max_value=3), count=FEW, creates=st.booleans())
    @step
    def rotate(self, *, index: int, times: int, count: int, creates: bool) -> None:
        log = self.world.logs[index]
        if not self._prepare_to_move(log):
            return
        for _ in range(times):
            self._prepare_to_delete(log.surplus())
            log.rotate()
            self._write(log, count, 20)
            self.counted["rotations by rename"] += 1
        if creates:
            log.create()

    @rule(index=INDEX, rank=RANK, count=FEW)
    @step
    def write_late(self, *, index: int, rank: int, count: int) -> None:
        log = self.world.logs[index]
        olders = [older for older in log.older if log.takes_late_lines(older)]
        if olders and count:
            older = olders[rank % len(olders)]
            log.write_late(older, self._texts(count, 30))
            self.counted["late writes"] += 1

    @rule(index=INDEX, count=FEW, is_seen=st.booleans())
    @step
    def copy_and_truncate(self, *, index: int, count: int, is_seen: bool) -> None:
        log = self.world.logs[index]
        if not self._prepare_to_truncate(log, is_seen=is_seen):
            return
        self._prepare_to_delete(log.surplus())
        self._write(log, count, 20)
        log.copy_and_truncate()
        self.counted["rotations by copy"] += 1

    @rule(index=INDEX, rank=RANK)
    @step
    def compress(self, *, index: int, rank: int) -> None:
        log = self.world.logs[index]
        plain = [older for older in log.older if not older.is_packed]
        if plain and self._prepare_to_pack(plain[rank % len(plain)]):
            log.compress(plain[rank % len(plain)])
            self.counted["compressions"] += 1

    @rule(index=INDEX, rank=RANK)
    @step
    def delete_rotated(self, *, index: int, rank: int) -> None:
        log = self.world.logs[index]
        if log.older:
            older = log.older[rank % len(log.older)]
            self._prepare_to_delete([older])
            log.delete_older(older)
            self.counted["deletions"] += 1

    @rule(index=INDEX, unread=FEW, count=FEW)
    @step
    def delete(self, *, index: int, unread: int, count: int) -> None:
        log = self.world.logs[index]
        if not self._prepare_to_move(log):
            return
        self._write(log, unread, 20)
        log.delete()
        self._write(log, count, 20)
        self.counted["deletions"] += 1

    @rule(index=INDEX, count=COUNT, width=WIDTH, is_seen=st.booleans())
    @step
    def rewrite(self, *, index: int, count: int, width: int, is_seen: bool) -> None:
        log = self.world.logs[index]
        if self._prepare_to_truncate(log, is_seen=is_seen):
            log.rewrite(self._texts(count, width))
            self.counted["rewrites"] += 1

    @rule(index=INDEX, width=st.booleans())
    @step
    def rewrite_in_the_same_size(self, *, index: int, width: bool) -> None:
        log = self.world.logs[index]
        if self._prepare_to_truncate(log, is_seen=True) and log.live is not None and not log.live.partial:
            # What has been told may be written anew with other numbers, of the same number of digits.
            lengths = [line.end - line.start for line in log.live.lines]
            padded = [self.world.story.text("", goes_before=width) for _ in lengths]
            log.rewrite([text.ljust(length - 1, "-") for text, length in zip(padded, lengths, strict=True)])
            self.counted["rewrites"] += 1

    @rule(index=INDEX, count=COUNT)
    @step
    def replace(self, *, index: int, count: int) -> None:
        log = self.world.logs[index]
        if not self._prepare_to_move(log):
            return
        log.replace(self._texts(count, 40))
        self.counted["replacements"] += 1

    @precondition(lambda self: self.world.story.is_down)
    @rule(index=INDEX, lines=st.integers(min_value=1, max_value=4))
    @step
    def cut_unseen(self, *, index: int, lines: int) -> None:
        self.world.logs[index].cut_unseen(lines)
        self.counted["cuts of files"] += 1

    @precondition(lambda self: not self.world.story.is_down)
    @rule(how=st.sampled_from(["kill, then read", "kill, and lose what is under way", "stop"]))
    @step
    def end(self, *, how: str) -> None:
        if how == "stop":
            self.world.stop()
        else:
            self.world.kill()
        for viewer in self.world.viewers:
            if "lose" not in how:
                viewer.drain()
            viewer.drop()

    @precondition(lambda self: self.world.story.is_down)
    @rule(is_hasty=st.booleans(), is_read=st.booleans())
    @step
    def start(self, *, is_hasty: bool, is_read: bool) -> None:
        """`is_hasty`: do not wait until the service has looked at the files."""
        self.world.start(is_hasty=is_hasty)
        if is_read:
            self.world.catch_up()

    @precondition(lambda self: not self.world.story.is_down)
    @rule(rank=RANK)
    @step
    def catch_up(self, *, rank: int) -> None:
        self.world.catch_up()
        self.world.viewers[rank % len(self.world.viewers)].catch_up()

    @precondition(lambda self: not self.world.story.is_down)
    @rule(rank=RANK, most_bytes=st.integers(min_value=1, max_value=20_000), times=st.integers(min_value=1, max_value=4))
    @step
    def cut(self, *, rank: int, most_bytes: int, times: int) -> None:
        for number in range(times):
            self.world.viewers[rank % len(self.world.viewers)].cut_after(most_bytes * (number + 1))
            self.counted["cuts of clients"] += 1

    @precondition(lambda self: not self.world.story.is_down and len(self.world.viewers) < MOST_VIEWERS)
    @rule(start=st.sampled_from(["start", "now"]), word=st.sampled_from(["", "even"]), batch=st.booleans(),
          is_slow=st.booleans())  # fmt: skip
    @step
    def watch(self, *, start: str, word: str, batch: bool, is_slow: bool) -> None:
        if start == "now":
            self.world.catch_up()  # else a line that was written before may come after
        parameters = {"from": start, "shape": "batch" if batch else "line"} | ({"q": word} if word else {})
        self.world.watch(" ".join(parameters.values()), parameters, word=word, is_slow=is_slow)

    def teardown(self) -> None:
        world = getattr(self, "world", None)
        if world is None:
            return
        try:
            if not self.has_failed:
                self.conclude()
        finally:
            world.close()

    @step
    def conclude(self) -> None:
        self.world.conclude()

    def _texts(self, count: int, width: int, *, before: bool = False) -> list[str]:
        padding = ("x" if before else "y") * width
        return [self.world.story.text(padding, goes_before=before) for _ in range(count)]

    def _write(self, log: Log, count: int, width: int, *, before: bool = False) -> None:
        if count:
            log.write(self._texts(count, width, before=before))

    def _prepare_to_truncate(self, log: Log, *, is_seen: bool) -> bool:
        """Whether the log may be truncated: not twice between two looks, for nobody could see what came between."""
        if log.is_truncated or is_seen or log.live is None or not log.live.is_known:
            if self.world.story.is_down:
                return not log.is_truncated
            self.world.be_looked_at(log)
        return True

    def _prepare_to_move(self, log: Log) -> bool:
        """Whether the log's file may lose its name: not while nobody has seen that it was truncated."""
        if self.moves_unseen_truncations:
            return True
        if log.is_truncated and not self.world.story.is_down:
            self.world.be_looked_at(log)
        return not log.is_truncated

    def _prepare_to_pack(self, older: Older) -> bool:
        """Whether a file may be compressed: no copy that holds what has not been read."""
        if self.packs_unread_copies or not older.is_copy:
            return True
        if not self.world.story.is_down:
            self.world.catch_up()
        return all(line.is_told for line in older.life.lines)

    def _prepare_to_delete(self, olders: list[Older]) -> None:
        """A copy is read as soon as the truncation is seen; until then nobody knows of it."""
        if any(older.is_copy for older in olders) and not self.world.story.is_down:
            self.world.catch_up()
