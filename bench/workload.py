"""The lines that are written: reproducible, 109 bytes on average, as an application's log has them.

Each line has a time, a level and a message, so that a server that reads these has to. The last line of each workload
carries a mark that stands nowhere else: whoever has received the mark's event has received all.
"""

from __future__ import annotations

import random
from functools import cache
from itertools import count
from typing import Final, NamedTuple

from bench.errors import UnequalError

_SEED: Final = 20_260_314
# One line in ten is a warning or an error.
_LEVELS: Final = ("INFO ",) * 89 + ("WARN ",) * 7 + ("ERROR",) * 3 + ("DEBUG",)
_MARKS: Final = count(1)

AWKWARD: Final = (
    "quotes \"double\" and 'single', a backslash \\ and a tab\there",
    "umlauts \u00e4\u00f6\u00fc\u00c4\u00d6\u00dc\u00df, a euro \u20ac, an emoji \N{PARTY POPPER}",
    "line separators of Unicode \u2028 \u2029 \x85 and a form feed \x0c",
    "colours \x1b[31mred\x1b[0m and a bell \x07",
    "",
    "  blanks at both ends  ",
    "data: id: 1 event: bye retry: 0",
    '{"level":"error","msg":"a JSON object","n":[1,2,3]}',
    "long " + "x" * 5000,
)


class Workload(NamedTuple):
    """Lines and their bytes. `mark` stands in the last one only."""

    lines: list[str]
    content: bytes
    mark: bytes

    def check(self, pipeline: str, texts: list[str]) -> None:
        """Raise UnequalError unless `texts` are these lines, each once, in order."""
        if texts != self.lines:
            raise UnequalError(pipeline, self.lines, texts)

    def without(self, characters: str) -> Workload:
        """The lines that hold none of these characters."""
        lines = [line for line in self.lines if not set(characters).intersection(line)]
        return Workload(lines, _content(lines), self.mark)


@cache
def _usual_lines(number: int) -> tuple[str, ...]:
    rng = random.Random(_SEED)
    lines = []
    for index in range(number):
        second, millisecond = divmod(index * 7, 1000)
        minute, second = divmod(second, 60)
        lines.append(
            f"2026-03-14T09:{minute % 60:02}:{second:02}.{millisecond:03}+01:00 {rng.choice(_LEVELS)} "
            f"[worker-{rng.randrange(8)}] shop.orders: order {rng.randrange(10**5, 10**6)} of customer "
            f"{rng.randrange(10**4, 10**5)} took {rng.randrange(2, 900)} ms qty={rng.randrange(1, 10)}"
        )
    return tuple(lines)


def usual(number: int) -> Workload:
    """`number` lines of an application's log."""
    return _marked(list(_usual_lines(number - 1)))


def awkward(number: int) -> Workload:
    """At least `number` lines of which many are hard to carry through JSON and server-sent events."""
    lines: list[str] = []
    for line in _usual_lines(number):
        lines += (line, AWKWARD[len(lines) // 2 % len(AWKWARD)])
    return _marked(lines)


def rich(number: int) -> Workload:
    """`number` lines of which each has quotes, backslashes, umlauts and colour escapes."""
    lines = [
        f'{line} \x1b[33mto\x1b[0m "J\u00f6rg M\u00fc\u00dfig" in "K\u00f6ln" C:\\{index} \u20ac {index % 97}.50'
        for index, line in enumerate(_usual_lines(number - 1))
    ]
    return _marked(lines)


def marked_each(number: int, start: int = 0) -> list[str]:
    """`number` lines that differ, each with the one byte that crowds count."""
    return [f"{line} ~ n={start + index:07}" for index, line in enumerate(_usual_lines(number))]


def numbered(number: int) -> bytes:
    """One line that says its number."""
    line = _usual_lines(1)[0]
    return f"{line} n={number:06};\n".encode()


def _marked(lines: list[str]) -> Workload:
    mark = f"end-of-load-{next(_MARKS):06}"
    lines.append(f"{_usual_lines(1)[0]} {mark}")
    return Workload(lines, _content(lines), mark.encode())


def _content(lines: list[str]) -> bytes:
    return "".join([f"{line}\n" for line in lines]).encode()
