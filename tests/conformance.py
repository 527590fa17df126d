"""The conformance list: what a service that tails files and resumes streams must do, and which tests hold it to that.

Owns the statements and their numbers. A test carries statements by the end of its docstring: `Conformance: A1, A2.`
With `--conformance=FILE` only such tests run, and FILE becomes the table of what came of them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pytest

GROUPS: Final = {
    "A": "Rotation by renaming",
    "B": "Truncation and copies",
    "C": "Compressed rotation",
    "D": "Which file is which",
    "E": "Lines, encodings, framing",
    "F": "Finding files, rights, kinds of files",
    "G": "File events, polling, clocks",
    "H": "State and crashes",
    "I": "Resuming",
}
STATEMENTS: Final = {
    "A1": "After a rename late lines of the old file and those of the new one come, each once and in order",
    "A2": "What was written just before a rename comes before the new file's first line",
    "A3": "Several rotations between two looks: each file that is left is read once",
    "A4": "A file that was born and deleted between two looks does no harm, and is counted as missed",
    "A5": "A cascade of renames repeats nothing, and the new paths are known",
    "A6": "A file that was renamed out of the glob is read on until it is finished",
    "A7": "A file that left the glob while the service was down is found, or its rest is a gap",
    "A8": "Renamed while down with a new file in its place: the old one from its offset, the new one from its start",
    "A9": "Renamed away and back: the same generation, nothing again",
    "A10": "Replaced by a file that begins with the same bytes and has more: goes on at the offset",
    "A11": "Replaced by a file with other bytes: read from its start",
    "A12": "A rename in the middle of a search is no deletion",
    "A13": "A path without a file for minutes costs nothing, and what comes there is read from its start",
    "A14": "A log directory that is renamed or replaced is followed",
    "A15": "No line of a new file overtakes an unread one of the old file",
    "A16": "A deleted file is let go after a while, and what was not read is a gap",
    "B1": "Truncated and written shorter: read from the start",
    "B2": "Truncated and written to the very same size: read from the start",
    "B3": "Truncated and written longer: read from the start",
    "B4": "The same while down, with the same first kilobytes",
    "B5": "Written again with the very bytes that were read: the same generation, nothing again",
    "B6": "Only the last lines cut off: the lines before them do not come again",
    "B7": "Copied within the glob and truncated: unread lines from the copy, nothing twice",
    "B8": "Lines between a copy and the truncation are lost, without a repetition or a crash",
    "B9": "A copy that is not found: a gap from the offset on, then the new bytes",
    "B10": "The hole before the bytes of a writer that does not append is no line and takes no memory",
    "B11": "A client that lags behind a truncation gets a gap, then the new lines",
    "B12": "A truncation seen through a symbolic link is one truncation",
    "B13": "A truncation and a write within one slow poll are seen",
    "B14": "A truncation with nothing written says nothing, and older ids still lead on",
    "B15": "Truncated while down and still shorter: all new lines come",
    "B16": "A copy that stands beside its file before the truncation is not read as a second file",
    "B17": "The first line edited in place: the same generation, with a warning",
    "C1": "The compressed copy of what was read says nothing",
    "C2": "Compressed while down before all was read: only the rest comes, from the copy",
    "C3": "Compressed while up before all was read: the rest comes through the open file",
    "C4": "A copy in the making is waited for in silence",
    "C5": "A gzip file of several members is read to its end",
    "C6": "A damaged copy gives its sound beginning, then one gap, and is not tried for ever",
    "C7": "What is compressed shows in the first bytes, not in the name",
    "C8": "Two compressed rotations while down are told apart",
    "C9": "A client resumes at an id inside a compressed file",
    "C10": "A member appended to a known compressed file is read",
    "C11": "A file that unpacks to very much takes bounded memory and does not hold the loop",
    "C12": "What nobody here can unpack is shown as unreadable, and never read as lines",
    "C13": "Copies with the same head are told apart by the bytes before the offset",
    "D1": "An inode that is used again is a new file",
    "D2": "The same while down, with the same path and first line, and more bytes",
    "D3": "Two files with the same first kilobytes are both read in full",
    "D4": "Two files with all the same bytes are both read",
    "D5": "A file of one short line is read at once",
    "D6": "An id from when a file was tiny leads on after it has grown",
    "D7": "Hard links are one file",
    "D8": "A file that two globs match is one file",
    "D9": "A symbolic link and what it leads to are one file",
    "D10": "A symbolic link that turns elsewhere: the old file to its end, then the new one",
    "D11": "A link that leads nowhere is nothing until it leads somewhere; none leads out of the allowed root",
    "D12": "Another device number after a restart repeats nothing",
    "D13": "Another inode and device number of the same file (overlay) repeats nothing",
    "D14": "A file moved by copying and deleting is the same generation",
    "D15": "The same path and first kilobyte, but another and shorter file: read from its start",
    "E1": "A line whose end comes an hour later is one line",
    "E2": "What is left without a line end in a finished file comes once, marked as such",
    "E3": "A line that was half read at a kill comes once",
    "E4": "CR LF is one line end, also across two reads",
    "E5": "Output with CR alone takes bounded memory and breaks no frame",
    "E6": "Empty lines come and move the position",
    "E7": "A line over the limit comes as fragments in order, marked as parts, and the next line is whole",
    "E8": "A line of 100 MB: memory within twice the line limit, others are served, fragments resume",
    "E9": "No UTF-8 character is cut by a read or a fragment",
    "E10": "Invalid UTF-8 is U+FFFD in the text, and positions count raw bytes",
    "E11": "A byte order mark goes at the start of a file and nowhere else",
    "E12": "UTF-16 by mark or configuration is read in its own units, also when resumed",
    "E13": "A NUL in a line is kept, and none is in an id",
    "E14": "Only LF ends a line: no other separator of Unicode does",
    "E15": "No line can forge a field of the stream",
    "E16": "A multi-line group has one id, that of its end, and is never split by resuming",
    "E17": "Writes torn at any byte, many writers: each line once",
    "E18": "Offsets beyond 2 GB work",
    "F1": "An empty file that is written later is read",
    "F2": "Directories that come later, with files in them, are found",
    "F3": "A file that comes later is read from its start, also where reading starts at the end",
    "F4": "A directory, FIFO or socket in a file's place blocks nothing, is shown, and a file there is read again",
    "F5": "A file that may be read again is read from where it was, once",
    "F6": "An open file is read on when the right to open it goes",
    "F7": "5,000 files: all read, descriptors bounded, cheap when idle",
    "F8": "Too many open files are no deletion, and nothing comes again",
    "F9": "A name that is not UTF-8 is served, and events go on",
    "F10": "A file deleted while it is read is read to its end",
    "F11": "A path deleted and created again at once is a new file",
    "F12": "A huge backlog starves no quiet file, and fairness costs little throughput",
    "F13": "Exclusions and an age limit hold; an old file that is written again goes on at its offset",
    "G1": "Without file events lines come within the poll's interval",
    "G2": "Without watches left, polling takes over, is told once, and watching is tried again",
    "G3": "An overflow of the event queue loses nothing",
    "G4": "A watcher that dies is started again, and streams go on",
    "G5": "A watched directory that is deleted and made again is followed",
    "G6": "Writes within one tick of the file time, or with the time set back, are found by size",
    "G7": "Lines written through a memory map are found by polling",
    "G8": "From write to arrival is short with one file and with 300 that trickle",
    "G9": "Clocks that jump and file times to come change no identity, order or id",
    "G10": "A touch or a change of rights says nothing",
    "H1": "Killed under load, started, resumed: each line once",
    "H2": "A state write torn by a kill is passed over, and the state before it holds",
    "H3": "A finished and an unfinished state file side by side are told apart",
    "H4": "Without room for the state lines go on without ids, and it recovers by itself",
    "H5": "A state directory that is missing or cannot be written: an error or degraded, never a silent repetition",
    "H6": "Without the state an id still leads on in its own file; the others are a gap",
    "H7": "State of an older version is taken over",
    "H8": "A second service on one state directory is refused",
    "H9": "The state stays bounded while files come and go",
    "H10": "A changed configuration repeats nothing",
    "H11": "A stop is not held up by a client that does not read",
    "H12": "After a power loss lines come at least once, and it is said; exactly once where that was asked for",
    "H13": "What is written to a file that was closed for quiet is not lost",
    "I1": "Cut at any event and any byte, a client gets exactly the rest",
    "I2": "An id that no server of this state gave out: 200, the reason, and an event that says so",
    "I3": "An id ahead of its file is such an id",
    "I4": "An id of a deleted file: a gap, whose own id leads on behind it",
    "I5": "An id of a file that the client does not ask for is a place all the same",
    "I6": "Cut again while catching up",
    "I7": "Resumed in the middle of a rotation",
    "I8": "A slow client costs bounded memory and loses nothing",
    "I9": "An id has at most 64 bytes with 1,000 files",
    "I10": "Heartbeats move no id; events that tell the position reached do",
    "I11": "The id is the last field of its event, and an event leaves in one piece",
    "I12": "The order is the same in each replay",
    "I13": "A hundred clients at different places read files within bounds",
}
ANSWERED_OTHERWISE: Final = {
    "A4": "it does no harm; a hole in the numbers of rotated names does not tell a lost file from one that never was",
    "B17": "the generation goes on; no warning, because a file is known by its first line as it is from then on",
    "C10": "what a rotation adds is read after a restart, as a life of its own; what else is added is left in the file",
    "D11": "there is no allowed root: the configuration says what is read, and means the links in it",
    "E2": "it comes once, as a line like others",
    "E7": "fragments but the first have `cont: true`",
    "E8": "memory is bounded by the buffers that all lines share, not by twice the limit of a line",
    "E16": "each line is a record with an id; `cont: true` ties it to its head, wherever reading begins",
    "F13": "there is no age limit: an old file costs a look now and then",
    "H3": "the state is one SQLite file and its write-ahead log: there is no second one to choose",
    "I2": "the event is a `gap` of reason `unknown_id`, after a `hello` with `exact: false`",
}
"""What is decided differently here, and how; the tests hold what is decided."""
_CARRIES: Final = re.compile(r"\bConformance: ([A-I]\d+(?:, [A-I]\d+)*)\.\s*\Z")
_HEAD: Final = """# Conformance

What a service that tails files and resumes streams must do, gathered from what nine such programs promise, test and got
wrong, and which tests hold this one to it. Written by `make conformance`.
"""


def numbers_in(docstring: str | None) -> tuple[str, ...]:
    """The statements that a test with this docstring carries."""
    found = _CARRIES.search(docstring or "")
    return tuple(found[1].split(", ")) if found else ()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take `--conformance=FILE`: in one word, or pytest takes an existing FILE for the place of the tests."""
    parser.addoption("--conformance", type=Path, metavar="FILE", help="run what carries a statement; write the table")


def pytest_configure(config: pytest.Config) -> None:
    """Gather results where they are asked for."""
    if config.option.conformance is not None:
        config.pluginmanager.register(Gathering(config), "conformance-gathering")


class Gathering:
    """What came of the tests that carry statements."""

    def __init__(self, config: pytest.Config) -> None:
        """Nothing has run yet."""
        self._path = config.rootpath / config.option.conformance
        self._tests: dict[str, tuple[str, str]] = {}
        self._carriers: dict[str, dict[tuple[str, str], None]] = {number: {} for number in STATEMENTS}
        self._failed: set[tuple[str, str]] = set()

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out what carries nothing."""
        others = [item for item in items if not numbers_in(_docstring(item))]
        items[:] = [item for item in items if numbers_in(_docstring(item))]
        config.hook.pytest_deselected(items=others)
        for item in items:
            path, _, name = item.nodeid.partition("::")
            test = self._tests[item.nodeid] = (path, name.partition("[")[0])
            for number in numbers_in(_docstring(item)):
                self._carriers[number][test] = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what did not pass; a test that did not run proves nothing."""
        if report.outcome != "passed":
            self._failed.add(self._tests[report.nodeid])

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Write the table, unless the run was broken off."""
        if exitstatus in {0, 1}:
            self._path.write_text(table(self._carriers, self._failed))


def table(carriers: Mapping[str, Iterable[tuple[str, str]]], failed: set[tuple[str, str]]) -> str:
    """The document: each statement, what came of it, and the tests (file, name) that carry it."""
    parts = [_HEAD]
    for group, title in GROUPS.items():
        rows = []
        for number in (number for number in STATEMENTS if number[0] == group):
            tests = sorted(carriers[number], key=lambda test: (test[1], test[0]))
            names = "<br>".join(f"[{name}](../{path})" for path, name in tests)
            rows.append(f"| {number} | {STATEMENTS[number]} | {_result(number, tests, failed)} | {names} |\n")
        parts.append(f"\n## {group}. {title}\n\n| | claim | result | tests |\n|---|---|---|---|\n{''.join(rows)}")
    return "".join(parts)


def _result(number: str, tests: list[tuple[str, str]], failed: set[tuple[str, str]]) -> str:
    if failed.intersection(tests):
        return "fails"
    if number in ANSWERED_OTHERWISE:
        return f"answered otherwise: {ANSWERED_OTHERWISE[number]}"
    return "holds" if tests else "without a test"


def _docstring(item: pytest.Item) -> str | None:
    return getattr(getattr(item, "obj", None), "__doc__", None)
