"""Whether a line goes on with the record before it: stack traces, indented text, or what a start pattern leaves over.

Owns the shapes of Java, Python, Go, Node and .NET traces, and of their relatives. What it says of a line depends on
that line and the one before it alone: a reader that begins in the middle of a trace gets the same answer. Refuses to
join lines, and to know what they inherit.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import orjson
import re2

from logstream.errors import UsageError
from logstream.parse.levels import level_in_text
from logstream.parse.structured import level_of_object, read_object
from logstream.records import Level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class StartPatternError(UsageError):
    """A pattern for first lines that cannot be used; `reason` is the engine's."""

    def __init__(self, pattern: str, reason: str) -> None:
        """Remember the pattern and what is wrong with it."""
        super().__init__(pattern, reason)
        self.pattern = pattern
        self.reason = reason

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.pattern!r} is no regular expression: {self.reason}"


class Folding(NamedTuple):
    """How lines of a source go on with others: by their shape, or whenever `start` is not found in them."""

    start: str | None = None


_BLANKS: Final = (" ", "\t")
# Most lines begin with a time, a JSON object or a priority: those are first lines, and need no closer look.
_FIRST: Final = frozenset("0123456789<")
_ALWAYS: Final = (
    "Caused by: ",
    "Suppressed: ",
    "Wrapped by: ",
    "goroutine ",
    "[signal SIG",
    "stack backtrace:",
    "Stack trace:",
    "--- End of ",
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)
_NUMBERED: Final = re.compile(r"\.\.\. \d+ (?:more|common frames omitted)\b|#\d+ {1,2}\S", re.ASCII)
_CLOSING: Final = re.compile(r"[}\])]+[,;]?\Z")
_EXCEPTION: Final = re.compile(
    r"(?:[A-Za-z_$][\w$]*[./])+[A-Z][\w$]*(?:\Z|:[ ]|:\Z)"
    r"|[A-Z]\w*(?:Error|Exception|Warning|Interrupt|Exit|Iteration|ExceptionGroup|Group)(?:\Z|:[ ]|:\Z)",
)
_GO_NAME: Final = re.compile(r"[\w.$/*@%~·-]+\Z")
_GO_TAIL: Final = ("created by ", "exit status ", "runtime.goexit")
_TRACEBACK: Final = "Traceback (most recent call last):"
_PANIC: Final = ("panic: ", "fatal error: ")
_FEWEST_LINES: Final = 8
"""Fewer lines are looked at sooner than a block."""
_CRI_STREAM: Final = re.compile(rb" std(?:out|err) ")
_BEGINS_OTHERWISE: Final = np.array([chr(byte) not in _FIRST for byte in range(256)])
_CRI: Final = re.compile(r"\d{4}-\d\d-\d\dT\S+ (?:stdout|stderr) ([FP])(?::\S*)? (.*)\Z", re.DOTALL)
_DOCKER: Final = '{"log":"'


def continues(text: str, before: str | None, folding: Folding) -> bool:
    """Whether the line `text` goes on with the record before it; `before` is the line before it, None if there is none.

    A line that a container runtime has wrapped (CRI, docker-json) is judged by what it wraps.
    """
    if before is None:
        return False
    if folding.start is not None:
        return _start(folding.start).search(text) is None
    first = text[:1]
    if first in _FIRST:
        return first != "<" and _wraps_continuation(text, before)
    if first == "{":
        return text.startswith(_DOCKER) and _goes_on(_unwrapped(text), _unwrapped(before))
    return _goes_on(text, before)


def may_continue(text: str, folding: Folding) -> bool:
    """Whether `continues` could hold for the line, whatever stands before it."""
    if folding.start is not None:
        return _start(folding.start).search(text) is None
    if text[:1] in _FIRST or text.startswith(_DOCKER):
        return _unwrapped(text) is not text
    return not text or _goes_on(text, _BLANKS[0])


def suspects(text: bytes, ends: Sequence[int] | NDArray[np.integer], folding: Folding) -> Sequence[int]:
    """Indexes of the lines of `text` for which `continues` could hold, by what is cheap to see of all at once.

    The lines are parted by LF and end at `ends`.
    """
    if len(ends) < _FEWEST_LINES or folding.start is not None:
        return range(len(ends))
    # From the right: the first of these bytes is rarer than the last one, and is looked for first then.
    if text.rfind(b" std") >= 0 and _CRI_STREAM.search(text):
        return range(len(ends))
    first = np.frombuffer(text + b"\n", np.uint8)[np.concatenate(((0,), np.asarray(ends)[:-1] + 1))]
    found: list[int] = np.flatnonzero(_BEGINS_OTHERWISE[first]).tolist()
    return found


def check_start(pattern: str) -> None:
    """Refuse a start pattern that cannot be used; raises StartPatternError."""
    _start(pattern)


def _start(pattern: str) -> re2._Regexp:
    try:
        return re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error.args[0])
        raise StartPatternError(pattern, reason) from None


_OPTIONS: Final = re2.Options()
_OPTIONS.log_errors = False


def _wraps_continuation(text: str, before: str) -> bool:
    wrapped = _CRI.match(text)
    if wrapped is None:
        return False
    previous = _CRI.match(before)
    # The runtime cuts long lines itself, and marks all parts but the last.
    return (previous is not None and previous[1] == "P") or _goes_on(wrapped[2], _unwrapped(before))


def _unwrapped(text: str) -> str:
    if text.startswith(_DOCKER):
        try:
            return str(orjson.loads(text)["log"]).rstrip("\r\n")
        except (ValueError, KeyError, TypeError):
            return text
    wrapped = _CRI.match(text)
    return text if wrapped is None else wrapped[2]


def _goes_on(text: str, before: str) -> bool:
    if not text:
        return _is_in_trace(before)
    if text[0] in _BLANKS or _is_inside(text):
        return True
    if before.startswith(_BLANKS):
        return text == _TRACEBACK or bool(_EXCEPTION.match(text) or _CLOSING.match(text)) or _is_go_call(text)
    if text == _TRACEBACK or _EXCEPTION.match(text):
        # A logger's record and then what it logs; a crash of its own has no such record before it.
        return not before or _tells_trouble(before)
    return before.startswith("goroutine ") and _is_go_call(text)


def _is_inside(text: str) -> bool:
    """Whether the line stands in traces and nowhere else."""
    return text.startswith(_ALWAYS) or _NUMBERED.match(text) is not None


def _is_go_call(text: str) -> bool:
    if text.startswith(_GO_TAIL):
        return True
    name, opening, _ = text.partition("(")
    return bool(opening) and text.endswith((")", ")...")) and _GO_NAME.match(name) is not None


def _is_in_trace(line: str) -> bool:
    """Whether a blank line behind `line` is part of a trace."""
    return bool(line) and (
        line[0] in _BLANKS or line.startswith(_PANIC) or _is_inside(line) or _EXCEPTION.match(line) is not None
    )


def _tells_trouble(line: str) -> bool:
    found = read_object(line)
    level = level_in_text(line) if found is None else level_of_object(found)
    return level is not None and level >= Level.WARN
