"""From a configuration file's bytes to TOML tables with the line of each key. Owns what can be wrong with the file."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from typing import TYPE_CHECKING, NamedTuple

from logstream.config.lines import KeyPath, key_lines, line_of
from logstream.config.problems import ConfigError, Problem, printable

if TYPE_CHECKING:
    from pathlib import Path

_SIZE_LIMIT_BYTES = 1 << 20
_SYNTAX_PLACE = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)


class Document(NamedTuple):
    """What a file says, not yet judged: its tables, and where each key stands."""

    name: str
    tables: dict[str, object]
    lines: dict[KeyPath, int]

    def place(self, path: KeyPath) -> str:
        """`config.toml:12` for the key at `path`."""
        return f"{self.name}:{line}" if (line := self.line(path)) else self.name

    def line(self, path: KeyPath) -> int:
        """The line of the key at `path`, or of what it is missing from; 0 when that is the whole file."""
        return line_of(path, self.lines)


def read_document(path: Path) -> Document:
    """The tables in the file `path`; raises ConfigError if it cannot be read or is not TOML."""
    name = printable(str(path))
    text = _decode(_read(path), name)
    try:
        return Document(name, tomllib.loads(text), key_lines(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([_syntax_problem(error, name, text)]) from None
    except ValueError as error:  # a number of more digits than Python converts
        raise ConfigError([Problem(name, "", f"not TOML that can be used: {error}")]) from None
    except RecursionError:
        raise ConfigError([Problem(name, "", "arrays or tables are nested too deeply")]) from None


def _read(path: Path) -> bytes:
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                message = "not a regular file"
            elif len(content := file.read(_SIZE_LIMIT_BYTES + 1)) > _SIZE_LIMIT_BYTES:
                message = f"larger than {_SIZE_LIMIT_BYTES} bytes"
            else:
                return content
    except FileNotFoundError:
        message = "no such file; --config or LOGSTREAM_CONFIG names another"
    except IsADirectoryError:
        message = "a directory, not a file"
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
    except ValueError as error:  # a NUL in the path
        message = f"cannot be read: {error}"
    raise ConfigError([Problem(printable(str(path)), "", message)])


def _open_at_once(path: str, flags: int) -> int:
    """Opens without waiting: a FIFO with no writer would hold us for ever."""
    return os.open(path, flags | os.O_NONBLOCK)


def _decode(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"not UTF-8: byte 0x{content[error.start]:02x} at offset {error.start}"
        raise ConfigError([Problem(f"{name}:{line}", "", message, "TOML, which is UTF-8")]) from None


def _syntax_problem(error: tomllib.TOMLDecodeError, name: str, text: str) -> Problem:
    told = _SYNTAX_PLACE.fullmatch(str(error))
    if told is None:
        return Problem(name, "", f"not TOML: {error}")
    what, line, column = told.groups()
    if line is None:
        return Problem(f"{name}:{text.count(chr(10)) + 1}", "", f"not TOML: {what} at the end of the file")
    return Problem(f"{name}:{line}", "", f"not TOML: {what} at column {column}")
