"""What is done to the files, the connection and the server, and in which order, while lines are written.

Owns the rounds: every way of rotating once each, in an order drawn anew, then what only a server of our own can be put
through. Refuses to judge.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    from logstream.prove.reading import Reader
    from logstream.prove.scratch import ScratchFile
    from logstream.prove.server import OwnServer
    from logstream.prove.witness import Witness
    from logstream.prove.writing import SteadyWriter

SEVERAL: Final = 3
_LEAST_PAUSE_SECONDS, _MOST_PAUSE_SECONDS = 0.1, 0.35
_LATE_SECONDS: Final = 0.4
_DOWN_SECONDS: Final = 0.2
_UNREAD_LINES: Final = 40
_PATIENCE_SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 0.01
_QUIET_SECONDS: Final = 1.0
"""Behind the last line that is owed, for those that come twice."""
_MOST_QUIET_SECONDS: Final = 6.0


class Part(NamedTuple):
    """One file, and what is done to it, in words."""

    name: str
    words: str
    needs_server: bool = False


PARTS: Final = (
    Part("still", "never rotated"),
    Part("renamed", "renamed, created anew"),
    Part("often", f"renamed {SEVERAL} times at once"),
    Part("copied", "copied and truncated"),
    Part("compressed", "renamed and compressed"),
    Part("deleted", "deleted once read"),
    Part("late", "renamed, late lines in the old"),
    Part("down-renamed", f"while down: renamed {SEVERAL} times", needs_server=True),
    Part("down-copied", "while down: copied, truncated", needs_server=True),
    Part("down-compressed", "while down: compressed twice", needs_server=True),
    Part("gone", "while down: deleted unsent", needs_server=True),
)


class Deed(NamedTuple):
    """Something that was done, and when."""

    at_seconds: float
    words: str


class Progress(NamedTuple):
    """How far the proof is, and what is being done."""

    done_seconds: float
    doing: str


class Stage(NamedTuple):
    """All that takes part. `files` by the names of their parts; `server` is None where it is not ours."""

    files: Mapping[str, ScratchFile]
    witness: Witness
    reader: Reader
    writer: SteadyWriter
    server: OwnServer | None
    pick: random.Random
    show: Callable[[Progress], None]


class Director:
    """Puts on round after round until the time is over, but at least one."""

    def __init__(self, stage: Stage, seconds: float) -> None:
        """The time begins now."""
        self.deeds: list[Deed] = []
        self.began_seconds: Final = time.monotonic()
        self._stage = stage
        self._deadline = self.began_seconds + seconds
        self._is_first_round = True

    def run(self) -> None:
        """Everything, until the last line has come or does not come any more."""
        stage = self._stage
        while not self._is_over():
            acts = [self._rename, self._rename_often, self._copy, self._compress, self._delete, self._write_late]
            if stage.server is not None:
                acts += [self._kill_amid, self._kill_amid, self._rotate_while_down, self._delete_while_down]
            stage.pick.shuffle(acts)
            for act in acts:
                if self._is_over():
                    break
                act()
                self._pause(stage.pick.uniform(_LEAST_PAUSE_SECONDS, _MOST_PAUSE_SECONDS))
            self._is_first_round = False
        stage.writer.stop()
        for file in stage.files.values():
            file.close()
        self._drain()

    def _is_over(self) -> bool:
        return not self._is_first_round and time.monotonic() >= self._deadline

    def _rename(self) -> None:
        self._do("renaming a file and creating it anew")
        with self._stage.files["renamed"].lock:
            self._stage.files["renamed"].rename()

    def _rename_often(self) -> None:
        self._do(f"renaming a file {SEVERAL} times at once")
        with self._stage.files["often"].lock:
            self._stage.files["often"].rename_several_times(SEVERAL)

    def _copy(self, name: str = "copied") -> None:
        file = self._stage.files[name]
        self._await_life(file)
        self._do("copying a file and truncating it")
        with file.lock:
            file.copy_and_truncate()

    def _compress(self) -> None:
        self._do("renaming a file and compressing it")
        with self._stage.files["compressed"].lock:
            self._stage.files["compressed"].compress()

    def _delete(self) -> None:
        file = self._stage.files["deleted"]
        self._do("deleting a file once it was read")
        with file.lock:
            file.finish_line()
            if self._until(lambda: self._stage.witness.seen_of_file(file.name) >= file.written):
                file.delete()

    def _write_late(self) -> None:
        file = self._stage.files["late"]
        self._do("writing late lines into a renamed file")
        with file.lock:
            file.rename(keeps_old_open=True)
        self._pause(_LATE_SECONDS)
        with file.lock:
            file.end_late()

    def _kill_amid(self) -> None:
        """Right behind a rotation, before anybody can have looked."""
        rotate = self._stage.pick.choice((self._rename, self._rename_often, self._copy, self._compress))
        rotate()
        self._kill()
        self._start()

    def _rotate_while_down(self) -> None:
        stage, files = self._stage, self._stage.files
        self._await_life(files["down-copied"])
        self._kill()
        self._do("rotating while the server is down")
        with files["down-renamed"].lock:
            files["down-renamed"].rename_several_times(SEVERAL)
        with files["down-copied"].lock:
            files["down-copied"].copy_and_truncate()
        with files["down-compressed"].lock:
            files["down-compressed"].compress()
        self._pause(stage.pick.uniform(0, _DOWN_SECONDS))
        with files["down-compressed"].lock:
            files["down-compressed"].compress()
        self._start()

    def _delete_while_down(self) -> None:
        """Lines that the server has read, and the client was not there to be told."""
        stage, file = self._stage, self._stage.files["gone"]
        server = stage.server
        if server is None:
            return
        self._do("deleting a file with lines that were read and not sent")
        with file.lock:
            file.finish_line()
            stage.reader.hold()
            try:
                file.write(_UNREAD_LINES)
                is_read = self._until(lambda: server.has_read(file.path))
                self._kill()
                if is_read:
                    file.delete()
                self._start()
            finally:
                stage.reader.release()

    def _kill(self) -> None:
        if self._stage.server is not None:
            self._stage.server.check()
            self._do("kill -9 of the server")
            self._stage.server.kill()

    def _start(self) -> None:
        if self._stage.server is not None:
            self._do("starting the server")
            self._stage.server.start()

    def _do(self, words: str) -> None:
        now = time.monotonic()
        self.deeds.append(Deed(now, words))
        self._stage.show(Progress(now - self.began_seconds, words))

    def _await_life(self, file: ScratchFile) -> None:
        """Until a line of the current life has come: of two truncations between two looks nobody can know."""
        self._until(lambda: self._stage.witness.seen_of_life(file.name, file.current_life) > 0)

    def _until(self, is_so: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not is_so():
            if time.monotonic() > deadline:
                return False
            self._pause(_LOOK_SECONDS)
        return True

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._check()
            time.sleep(min(left, 0.1))
        self._check()

    def _check(self) -> None:
        """Raise what has ended something that must go on."""
        stage = self._stage
        stage.writer.check()
        stage.reader.check()
        if stage.server is not None:
            stage.server.check()
        if self.deeds:
            stage.show(Progress(time.monotonic() - self.began_seconds, self.deeds[-1].words))

    def _drain(self) -> None:
        self._do("waiting for the last lines")
        witness, written = self._stage.witness, sum(file.written for file in self._stage.files.values())
        began = time.monotonic()
        while True:
            quiet_seconds = time.monotonic() - max(began, witness.last_at_seconds)
            if quiet_seconds > (_QUIET_SECONDS if witness.seen() >= written else _MOST_QUIET_SECONDS):
                return
            self._pause(_LOOK_SECONDS)
