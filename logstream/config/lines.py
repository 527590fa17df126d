"""On which line of a TOML text each key stands: the positions that `tomllib` does not keep.

Pure, over text that `tomllib` has accepted (TOML 1.0). Refuses to judge syntax and to read values.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from typing import NamedTuple

KeyPath = tuple[str | int, ...]
"""Where a value stands: keys, and indexes (from 0) into arrays, such as `("source", 0, "paths", 1)`."""

# The closing quotes of a multi-line string may follow up to two quotes that belong to it.
_TOKEN = re.compile(
    r'''"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|\#[^\n]*|\n|[][{}=,.]|[^][{}=,.\s"'\#]+''',
    re.DOTALL,
)
_ENDS_SCALAR = frozenset("\n,]}") | {""}


class _Token(NamedTuple):
    text: str
    line: int


class _Scanner:
    """Walks the tokens once and notes the line of each key, header and array item in `lines`."""

    def __init__(self, text: str) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._tokens: list[_Token] = []
        self._at = 0
        self._tables_in_array: Counter[KeyPath] = Counter()
        line, counted = 1, 0
        for match in _TOKEN.finditer(text):
            line += text.count("\n", counted, match.start())
            counted = match.start()
            if not match[0].startswith("#"):
                self._tokens.append(_Token(match[0], line))
        self._end = _Token("", line)

    def scan(self) -> None:
        table: KeyPath = ()
        while (token := self._peek()).text:
            if token.text == "[":
                table = self._scan_header()
            elif token.text == "\n":
                self._at += 1
            else:
                self._scan_pair(table)

    def _peek(self, ahead: int = 0) -> _Token:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else self._end

    def _scan_header(self) -> KeyPath:
        opening = self._peek()
        is_array = self._peek(1).text == "["
        self._at += 2 if is_array else 1
        *parents, last = self._scan_key("]")
        self._at += 1 if is_array else 0
        path: KeyPath = ()
        for name in parents:
            self.lines.setdefault((*path, name), opening.line)
            path = self._last_table((*path, name))
        path = (*path, last)
        self.lines.setdefault(path, opening.line)
        if is_array:
            self._tables_in_array[path] += 1
            path = self._last_table(path)
            self.lines.setdefault(path, opening.line)
        return path

    def _last_table(self, path: KeyPath) -> KeyPath:
        """The table that `path` means in a header: of an array of tables, the one begun last."""
        count = self._tables_in_array[path]
        return (*path, count - 1) if count else path

    def _scan_key(self, end: str) -> list[str]:
        """The names of a dotted key, read past the `end` that follows it."""
        names = []
        while (text := self._peek().text) != end and text:
            if text != ".":
                names.append(_unquote(text))
            self._at += 1
        self._at += 1
        return names or [""]

    def _scan_pair(self, table: KeyPath) -> None:
        line = self._peek().line
        path = table
        for name in self._scan_key("="):
            path = (*path, name)
            self.lines.setdefault(path, line)
        self._scan_value(path)

    def _scan_value(self, path: KeyPath) -> None:
        closing = {"[": "]", "{": "}"}.get(self._peek().text)
        self._at += 1
        if closing is None:
            while self._peek().text not in _ENDS_SCALAR:
                self._at += 1
            return
        index = 0
        while (token := self._peek()).text not in (closing, ""):
            if token.text in ("\n", ","):
                self._at += 1
            elif closing == "}":
                self._scan_pair(path)
            else:
                self.lines[*path, index] = token.line
                self._scan_value((*path, index))
                index += 1
        self._at += 1


def _unquote(name: str) -> str:
    if name[0] not in "\"'":
        return name
    return str(tomllib.loads(f"name = {name}")["name"])


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line (from 1) of each key, table and array item of `text`, which must be valid TOML."""
    scanner = _Scanner(text)
    scanner.scan()
    return scanner.lines


def line_of(path: KeyPath, lines: dict[KeyPath, int]) -> int:
    """The line of `path`, or of what it is missing from; 0 when that is the whole file."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return 0
