"""The rules: what may happen to logs, clients and the service, in any order.

Owns how each thing is drawn and done; when it may be done is for `bounds`.
"""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.torture.bounds import Bounds, step
from tests.torture.world import NAMES, Plan, World

MOST_VIEWERS = 6
INDEX = st.integers(min_value=0, max_value=len(NAMES) - 1)
RANK = st.integers(min_value=0, max_value=5)
COUNT = st.sampled_from([1, 1, 2, 3, 7, 40, 300, 3_000])
FEW = st.integers(min_value=0, max_value=3)
WIDTH = st.sampled_from([0, 10, 70, 200, 2_000])
WORKERS = st.sampled_from([1, 1, 2])
PAUSE_SECONDS = st.sampled_from([0.0, 0.0, 0.02, 0.1])


class Torture(Bounds):
    """What the service promises, through everything at once."""

    @initialize(
        glob=st.sampled_from(["*.log", "*.log*"]), counts=st.booleans(), keep=st.integers(3, 9), workers=WORKERS
    )
    @step
    def begin(self, *, glob: str, counts: bool, keep: int, workers: int = 1) -> None:
        self.world = World(Plan(glob, counts, keep, self.reach.fills_the_disk, workers), self.counted)
        self.world.begin()
        self.takes_copies = glob == "*.log" or self.reach.copies_in_the_glob
        self.packs = glob == "*.log" or self.reach.packs_in_the_glob

    @rule(index=INDEX, count=COUNT, width=WIDTH, before=st.booleans())
    @step
    def append(self, *, index: int, count: int, width: int, before: bool) -> None:
        self.write(self.world.logs[index], count, width, before=before)

    @rule(index=INDEX, width=WIDTH)
    @step
    def begin_line(self, *, index: int, width: int) -> None:
        self.world.logs[index].begin_line(self.world.story.text("p" * width, goes_before=True))

    @rule(index=INDEX, times=st.integers(min_value=1, max_value=3), count=FEW, creates=st.booleans())
    @step
    def rotate(self, *, index: int, times: int, count: int, creates: bool) -> None:
        log = self.world.logs[index]
        if not self.may_move(log):
            return
        for _ in range(times):
            if not self.may_delete(log.surplus()):
                return
            log.rotate()
            self.write(log, count, 20)
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
            log.write_late(older, self.texts(count, 30))
            self.counted["late writes"] += 1

    @rule(index=INDEX, count=FEW, is_seen=st.booleans(), pause=PAUSE_SECONDS)
    @step
    def copy_and_truncate(self, *, index: int, count: int, is_seen: bool, pause: float = 0.0) -> None:
        log = self.world.logs[index]
        if not self.takes_copies or not self.may_truncate(log, is_seen=is_seen):
            return
        if not self.may_delete(log.surplus()):
            return
        self.write(log, count, 20)
        log.copy_and_truncate(pause)
        self.counted["rotations by copy"] += 1
        self.let_look(log)

    @rule(index=INDEX, count=COUNT, later=FEW)
    @step
    def rotate_and_compress(self, *, index: int, count: int, later: int) -> None:
        """As logrotate does it without `delaycompress`, with lines that perhaps nobody has read."""
        log = self.world.logs[index]
        if not self.packs or self.world.is_full or not self.may_move(log) or not self.may_delete(log.surplus()):
            return
        self.write(log, count, 50)
        log.rotate()
        self.write(log, later, 20)
        if not self.reach.compresses_at_once and not self.world.story.is_down:
            self.world.catch_up()
        log.compress(log.older[0])
        self.counted["compressions"] += 1

    @rule(index=INDEX, rank=RANK)
    @step
    def compress(self, *, index: int, rank: int) -> None:
        log = self.world.logs[index]
        plain = [older for older in log.older if not older.is_packed]
        if plain and self.may_pack(plain[rank % len(plain)]):
            log.compress(plain[rank % len(plain)])
            self.counted["compressions"] += 1

    @rule(index=INDEX, rank=RANK)
    @step
    def delete_rotated(self, *, index: int, rank: int) -> None:
        log = self.world.logs[index]
        if log.older:
            older = log.older[rank % len(log.older)]
            if self.may_delete([older]):
                log.delete_older(older)
                self.counted["deletions"] += 1

    @rule(index=INDEX, unread=FEW, count=FEW)
    @step
    def delete(self, *, index: int, unread: int, count: int) -> None:
        log = self.world.logs[index]
        if not self.may_replace(log):
            return
        self.write(log, unread, 20)
        log.delete()
        self.write(log, count, 20)
        self.counted["deletions"] += 1

    @rule(index=INDEX, count=COUNT, width=WIDTH, is_seen=st.booleans())
    @step
    def rewrite(self, *, index: int, count: int, width: int, is_seen: bool) -> None:
        log = self.world.logs[index]
        if self.may_truncate(log, is_seen=is_seen):
            log.rewrite(self.texts(count, width))
            self.counted["rewrites"] += 1
            self.let_look(log)

    @rule(index=INDEX, ends_alike=st.booleans())
    @step
    def rewrite_in_the_same_size(self, *, index: int, ends_alike: bool) -> None:
        log = self.world.logs[index]
        if self.may_truncate(log, is_seen=True) and log.live is not None and not log.live.partial:
            # What has been told may be written anew with other numbers, of the same number of digits.
            lengths = [line.end - line.start for line in log.live.lines]
            # After a restart the service knows no more of the end than 64 bytes.
            before = ends_alike and not self.world.story.is_down
            made = [self.world.story.text("", goes_before=before) for _ in lengths]
            pad = str.ljust if before else str.rjust
            log.rewrite([pad(text, length - 1, "-") for text, length in zip(made, lengths, strict=True)])
            self.counted["rewrites"] += 1
            if before:
                # After a restart the last 64 bytes are compared, and these are alike: it must be seen before.
                self.world.be_looked_at(log)
            else:
                self.let_look(log)

    @rule(index=INDEX, count=COUNT)
    @step
    def replace(self, *, index: int, count: int) -> None:
        log = self.world.logs[index]
        if not self.may_replace(log):
            return
        log.replace(self.texts(count, 40))
        self.counted["replacements"] += 1

    @precondition(lambda self: self.reach.replaces_with_more)
    @rule(index=INDEX, count=COUNT)
    @step
    def replace_with_more(self, *, index: int, count: int) -> None:
        log = self.world.logs[index]
        if self.may_replace(log) and self.is_telling(log):
            log.replace_with_more(self.texts(count, 40))
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
        self.let_look_at_replaced()
        if how == "stop":
            self.world.stop()
        else:
            self.world.kill()
        for viewer in self.world.viewers:
            if "lose" not in how:
                viewer.drain()
            viewer.drop()

    @precondition(lambda self: self.world.workers > 1 and not (self.world.story.is_down or self.world.is_full))
    @rule(worker=st.integers(min_value=0, max_value=2), is_hasty=st.booleans())
    @step
    def end_a_process(self, *, worker: int, is_hasty: bool) -> None:
        """The process that reads files is number 0."""
        if worker:
            self.world.kill_worker(worker)
        else:
            self.let_look_at_replaced()
            self.world.kill_ingester(is_hasty=is_hasty)

    @precondition(lambda self: self.world.story.is_down)
    @rule(is_hasty=st.booleans(), is_read=st.booleans())
    @step
    def start(self, *, is_hasty: bool, is_read: bool) -> None:
        """`is_hasty`: do not wait until the service has looked at the files."""
        self.world.start(is_hasty=is_hasty)
        if is_read and self.may_wait():
            self.world.catch_up()

    @precondition(lambda self: not self.world.story.is_down)
    @rule(rank=RANK)
    @step
    def catch_up(self, *, rank: int) -> None:
        if self.may_wait():
            self.world.catch_up()
            self.world.viewers[rank % len(self.world.viewers)].catch_up()

    @precondition(lambda self: not self.world.story.is_down)
    @rule(rank=RANK, most_bytes=st.integers(min_value=1, max_value=20_000), times=st.integers(min_value=1, max_value=4))
    @step
    def cut(self, *, rank: int, most_bytes: int, times: int) -> None:
        for number in range(times):
            self.world.viewers[rank % len(self.world.viewers)].cut_after(most_bytes * (number + 1))
            self.counted["cuts of clients"] += 1

    @precondition(lambda self: self.world.disk is not None and not self.world.is_full and not self.world.story.is_down)
    @rule()
    @step
    def fill_the_disk(self) -> None:
        self.world.fill()

    @precondition(lambda self: self.world.is_full)
    @rule()
    @step
    def free_the_disk(self) -> None:
        self.world.free()

    @precondition(lambda self: not (self.world.story.is_down or self.world.is_full))
    @precondition(lambda self: len(self.world.viewers) < MOST_VIEWERS)
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
