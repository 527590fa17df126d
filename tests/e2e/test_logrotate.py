"""The real logrotate, in each of its modes, under a program that goes on logging and a service that follows it.

Owns what logrotate does to files; what Python's own handlers do is in test_python_handlers.
"""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.rotating import Reading, Writer, assert_told_again, reading, writing
from tests.running import PATIENCE_SECONDS, Service, eventually, running
from tests.writing_process import line_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)
"""A test starts some forty programs, one after the other, and each wait in it has a limit of its own: on a machine that
gives it a tenth of a core it takes longer than a minute, and hangs nowhere."""
IS_TOO_SOON = "already exists, skipping rotation"
"""What logrotate says where the second is not over that the last rotation's name was made of."""


@pytest.fixture(name="logrotate", scope="session")
def _logrotate() -> str:
    # Only root's PATH has /usr/sbin.
    found = shutil.which("logrotate", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.skip("no logrotate on this machine (on Debian: apt install logrotate)")
    return found


@dataclass(frozen=True)
class Mode:
    """A way to rotate: what stands in the configuration, and how the program takes it."""

    directives: str
    kind: str = "opening"
    missed: int = 2
    """How many rotations in a row the server misses."""
    paths: str = "logs/*.log"
    is_paused: bool = False
    """Whether the program writes nothing meanwhile: what it writes would be lost to anybody."""


HANGUP = "postrotate\nkill -HUP $(cat pid)\nendscript"
HANGUP_ANSWERED = "postrotate\nkill -HUP $(cat pid)\nread -r answer <answer\nendscript"
"""What is compressed at once must be complete."""
SHRED = "shred\nshredcycles 1"
"""Overwrite what is deleted, and what has been compressed, with noise of whole blocks."""
AGED = "firstaction\ntouch --no-create --date '3 days ago' logs/a.log.*\nendscript"
"""What was rotated before is older than a day."""
MODES = {
    "create": Mode("create"),
    "nocreate": Mode("nocreate"),
    "a signal": Mode(f"create\n{HANGUP}", "holding"),
    "copy": Mode("copy", "holding"),
    "copytruncate": Mode("copytruncate", "holding", missed=1, is_paused=True),
    "dateext": Mode("dateext\ndateformat -%Y%m%d-%s", missed=1),
    "extension": Mode("extension .log"),
    "olddir outside": Mode("olddir ../old\ncreateolddir 755", missed=0),
    "olddir inside": Mode("olddir old\ncreateolddir 755\nextension .log", missed=0, paths="logs/**/*.log"),
    "compress": Mode(f"compress\n{HANGUP_ANSWERED}", "holding"),
    "delaycompress": Mode(f"compress\ndelaycompress\n{HANGUP}", "holding"),
    "shred": Mode(f"compress\n{SHRED}\n{HANGUP_ANSWERED}", "holding"),
    "shred, delaycompress": Mode(f"compress\ndelaycompress\n{SHRED}\n{HANGUP}", "holding"),
    "shred, copytruncate": Mode(f"copytruncate\ncompress\n{SHRED}", "holding", missed=1, is_paused=True),
}
DELETING = {
    "rotate 1": f"rotate 1\n{HANGUP}",
    "shred": f"rotate 1\n{SHRED}\n{HANGUP}",
    "shred, maxage": f"maxage 1\n{AGED}\n{SHRED}\n{HANGUP}",
    "shred, compress": f"rotate 1\ncompress\n{SHRED}\n{HANGUP_ANSWERED}",
}


@dataclass
class Rotation:
    """logrotate with a configuration of its own for logs/a.log of a service, and the program that writes it."""

    command: str
    service: Service
    writer: Writer
    mode: Mode
    count: int = 0

    @property
    def kept(self) -> Path:
        """The rotated file that is left, where one is kept."""
        (found,) = self.service.logs.glob("a.log.1*")
        return found

    def __call__(self) -> None:
        """Rotate when the file has lines enough, whatever is going on."""
        self.writer.grow()
        with self.writer.paused() if self.mode.is_paused else nullcontext():
            eventually(self._is_done)
        self.count += 1

    def _is_done(self) -> bool:
        """Whether logrotate has rotated: it does not where a name made of seconds is taken."""
        here = self.service.directory
        (here / "pid").write_text(str(self.writer.process.pid))
        config = here / "logrotate.conf"
        config.write_text(f'"{here}/logs/a.log" {{\nrotate 99\nmissingok\n{self.mode.directives}\n}}\n')
        config.chmod(0o644)  # it refuses what others could have written
        done = subprocess.run(
            [self.command, "--force", "--state", here / "logrotate.state", config],
            check=False,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            cwd=here,
        )
        assert done.returncode == 0 or IS_TOO_SOON in done.stderr, done.stderr
        return done.returncode == 0


@contextmanager
def rotating(directory: Path, logrotate: str, mode: Mode) -> Iterator[tuple[Rotation, Reading]]:
    """A service, a program that logs, logrotate, and somebody who reads."""
    os.mkfifo(directory / "answer")
    fifo = [str(directory / "answer")] if "answer" in mode.directives else []
    with (
        running(directory, f'[[source]]\nname = "app"\npaths = ["{mode.paths}"]\n') as service,
        writing(service, mode.kind, *fifo) as writer,
        reading(service) as seen,
    ):
        yield Rotation(logrotate, service, writer, mode), seen


def first_number(log: Path) -> int:
    content = log.read_bytes()
    return int((gzip.decompress(content) if log.suffix == ".gz" else content)[:7])


def last_number(log: Path) -> int:
    """The number of the last whole line: the copy may have been made amid a write."""
    return int(log.read_bytes().split(b"\n")[-2][:7])


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_each_line_comes_once_in_every_mode(tmp_path: Path, logrotate: str, mode: Mode) -> None:
    with rotating(tmp_path, logrotate, mode) as (rotate, seen):
        for _ in range(2 if mode.missed else 4):
            rotate()
            rotate.writer.grow()
            seen.catch_up()
            seen.come_back()
        for absence in (seen.killed, seen.stalled):
            with absence():
                for _ in range(mode.missed):
                    rotate()
                rotate.writer.grow()
            seen.catch_up()
        rotate()
        total = rotate.writer.stop()
        seen.until(total - 1)
        assert seen.leaps(total) == []
        assert seen.gaps == []
        assert rotate.count >= 5
        assert_told_again(seen)


def test_copytruncate_under_a_busy_program_takes_only_what_came_between_copy_and_truncation(
    tmp_path: Path, logrotate: str
) -> None:
    truncations = 12
    with rotating(tmp_path, logrotate, Mode("copytruncate", "holding")) as (rotate, seen):
        for _ in range(truncations):
            rotate()
            rotate.writer.grow()
            seen.catch_up()
        total = rotate.writer.stop()
        seen.until(total - 1)
        log = seen.service.logs / "a.log"
        lives = [log.with_name(f"a.log.{number}") for number in range(truncations, 0, -1)] + [log]
        begins_at = [first_number(life) for life in lives]
        ends_at = [last_number(life) for life in lives]
        for last, first, _ in seen.leaps(total):
            life = begins_at.index(first)
            assert ends_at[life - 1] <= last < first


@pytest.mark.parametrize("directives", DELETING.values(), ids=DELETING)
def test_what_logrotate_deleted_while_nobody_looked_is_a_gap_and_all_else_comes_once(
    tmp_path: Path, logrotate: str, directives: str
) -> None:
    with rotating(tmp_path, logrotate, Mode(directives, "holding")) as (rotate, seen):
        rotate.writer.grow()
        seen.catch_up()
        with seen.killed():
            for _ in range(4):
                rotate()
            rotate.writer.grow()
            kept = first_number(rotate.kept)
        total = rotate.writer.stop()
        seen.until(total - 1)
        ((last, first, gaps),) = seen.leaps(total)
        assert first == kept
        assert gaps[0]["from"] == sum(len(line_of(number)) + 1 for number in range(last + 1))
        assert (gaps[-1]["to"], gaps[-1]["reason"]) == (None, "deleted")


@pytest.mark.parametrize("directives", DELETING.values(), ids=DELETING)
def test_what_logrotate_deletes_once_it_was_read_is_missed_by_nobody_and_is_later_an_exact_gap(
    tmp_path: Path, logrotate: str, directives: str
) -> None:
    with rotating(tmp_path, logrotate, Mode(directives, "holding")) as (rotate, seen):
        for _ in range(4):
            rotate()
            rotate.writer.grow()
            seen.catch_up()
            seen.come_back()
        with seen.stalled():
            rotate()
            rotate.writer.grow()
        total = rotate.writer.stop()
        seen.until(total - 1)
        assert seen.leaps(total) == []
        assert seen.gaps == []
        kept = first_number(rotate.kept)
        with seen.killed():
            pass  # what is in memory is told from there
        with reading(seen.service) as later:
            later.until(total - 1)
        ((last, first, gaps),) = later.leaps(total)
        assert (last, first) == (-1, kept)
        assert sum(gap["lines"] for gap in gaps) == kept
        assert sum(gap["bytes"] for gap in gaps) == sum(len(line_of(number)) + 1 for number in range(kept))
        # What is shredded is overwritten before it is gone.
        assert {gap["reason"] for gap in gaps} <= {"deleted", *(["truncated"] if SHRED in directives else [])}
