"""What processes cost: memory and CPU time of a process and all that it has started, from /proc (proc(5))."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
TICK_SECONDS: Final = 1 / os.sysconf("SC_CLK_TCK")
"""How exactly the kernel tells CPU time."""
_LOOK_SECONDS: Final = 0.05


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    found = [pid]
    for one in found:
        for children in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                found += map(int, children.read_text().split())
            except OSError:
                continue
    return found


def resident_bytes(pid: int) -> int:
    """Memory that a process and its descendants hold, shared pages counted once each process."""
    return sum(_read(one, "statm", 1) for one in family(pid)) * _PAGE_BYTES


def cpu_seconds(pid: int) -> float:
    """CPU time that a process and its descendants have had."""
    # Behind the name in parentheses, which may hold blanks: state is field 0, utime 11, stime 12.
    return sum(_read(one, "stat", 11) + _read(one, "stat", 12) for one in family(pid)) * TICK_SECONDS


class Peak:
    """The most memory seen so far."""

    def __init__(self, at_first: int) -> None:
        """Begin with what is held at first."""
        self.first_bytes = at_first
        self.most_bytes = at_first

    def begin_again(self) -> None:
        """Forget the most seen so far, and keep what was held at first."""
        self.most_bytes = 0

    @property
    def growth_mb(self) -> float:
        """How much more than at first, in MB."""
        return (self.most_bytes - self.first_bytes) / 1e6


@contextmanager
def watching(pid: int) -> Iterator[Peak]:
    """Look at the memory of a process and its descendants 20 times a second, until left."""
    peak = Peak(resident_bytes(pid))
    is_over = threading.Event()

    def look() -> None:
        while not is_over.wait(_LOOK_SECONDS):
            peak.most_bytes = max(peak.most_bytes, resident_bytes(pid))

    thread = threading.Thread(target=look, name="memory")
    thread.start()
    try:
        yield peak
    finally:
        is_over.set()
        thread.join()
        peak.most_bytes = max(peak.most_bytes, resident_bytes(pid))


def _read(pid: int, name: str, field: int) -> int:
    """A number of /proc/PID/NAME; 0 if the process is gone."""
    try:
        text = Path(f"/proc/{pid}/{name}").read_text()
    except OSError:
        return 0
    return int(text.rpartition(") ")[2].split()[field])
