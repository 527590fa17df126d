from __future__ import annotations

import errno
import gzip
import os
import random
import socket
from typing import TYPE_CHECKING

import pytest

from logstream.tail.opening import (
    Opened,
    OpenFiles,
    Refused,
    first_byte_of,
    is_garbled,
    is_noise,
    is_unlinked,
    place_of,
)

if TYPE_CHECKING:
    from pathlib import Path


class Holding:
    def __init__(self, *, is_spare: bool = True, is_expendable: bool = False) -> None:
        self.is_spare = is_spare
        self.is_expendable = is_expendable
        self.is_open = True

    def close(self) -> None:
        self.is_open = False


def test_only_regular_files_are_opened_and_nothing_is_waited_for(tmp_path: Path) -> None:
    """Conformance: F4."""
    os.mkfifo(tmp_path / "fifo")
    files = OpenFiles(10)
    assert files.open(str(tmp_path / "fifo")) == Refused("is a FIFO", is_untailable=True)
    assert files.open(str(tmp_path)) == Refused("is a directory", is_untailable=True)
    assert files.open("/dev/null") == Refused("is a character device", is_untailable=True)
    assert files.open(str(tmp_path / "none")) == Refused("no such file or directory", is_absent=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        assert files.open(str(tmp_path / "s")) == Refused("is a socket", is_untailable=True)


def test_a_file_that_becomes_a_fifo_before_the_open_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    os.mkfifo(tmp_path / "fifo")
    files = OpenFiles(10, lambda _path, flags: os.open(tmp_path / "fifo", flags))
    assert files.open(str(tmp_path / "a")) == Refused("is no regular file", is_untailable=True)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.log", gzip.compress(b"x"), True),
        ("a.log", b"\x28\xb5\x2f\xfd....", True),
        ("a.log", b"BZh91AY&SY...", True),
        ("a.log", b"BZh is how this line begins\n", False),
        ("a.log.gz", b"plain text with an odd name\n", False),
        ("a.log.gz", b"", True),
        ("a.log", b"", False),
    ],
)
def test_what_is_compressed_shows_in_its_first_bytes(
    tmp_path: Path, name: str, content: bytes, *, expected: bool
) -> None:
    """Conformance: C7."""
    (tmp_path / name).write_bytes(content)
    opened = OpenFiles(10).open(str(tmp_path / name))
    assert isinstance(opened, Opened)
    os.close(opened.fd)
    assert opened.is_compressed is expected


def test_the_least_recently_active_spare_file_is_closed_beyond_the_limit() -> None:
    files = OpenFiles(2)
    busy, first, second, third = Holding(is_spare=False), Holding(), Holding(), Holding()
    for holder in (busy, first, second, third):
        files.admit(holder)
    assert [holder.is_open for holder in (busy, first, second, third)] == [True, False, False, True]
    files.close()
    assert not busy.is_open


def test_a_file_that_is_only_watched_for_late_lines_is_closed_where_no_other_can_be() -> None:
    files = OpenFiles(2)
    unread, late = Holding(is_spare=False), Holding(is_spare=False, is_expendable=True)
    spare, newest = Holding(), Holding(is_spare=False)
    for holder in (unread, late, spare):
        files.admit(holder)
    assert [holder.is_open for holder in (unread, late, spare)] == [True, False, True]
    files.limit = 3
    files.admit(other := Holding(is_spare=False, is_expendable=True))
    files.admit(newest)
    assert [holder.is_open for holder in (unread, spare, other, newest)] == [True, False, True, True]
    files.close()


def test_when_the_process_has_no_descriptor_left_a_spare_one_is_given_up(tmp_path: Path) -> None:
    """Conformance: F8."""
    (tmp_path / "a").touch()
    tries = []

    def opener(path: str, flags: int) -> int:
        tries.append(path)
        if len(tries) == 1:
            raise OSError(errno.EMFILE, "too many open files")
        return os.open(path, flags)

    files = OpenFiles(10, opener)
    idle, active = Holding(), Holding()
    files.admit(idle)
    files.admit(active)
    opened = files.open(str(tmp_path / "a"))
    assert isinstance(opened, Opened)
    os.close(opened.fd)
    assert (idle.is_open, active.is_open, files.limit) == (False, True, 1)


def test_an_open_file_tells_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch()
    fd = os.open(path, os.O_RDONLY)
    try:
        path.rename(tmp_path / "b")
        assert place_of(fd) == str(tmp_path / "b")
        (tmp_path / "b").unlink()
        path.touch()
        assert is_unlinked(fd)
        assert place_of(fd) is None
    finally:
        os.close(fd)


@pytest.mark.parametrize(
    ("content", "encoding", "expected"),
    [
        (b"text\n", "utf-8", False),
        (b"te\0xt\n", "utf-8", True),
        ("text \U0001f600\n".encode("utf-16-le"), "utf-16-le", False),
        ("\ufefftext \u0a0d\n".encode("utf-16-be"), "utf-16-be", False),
        (b"\0\xd8" * 8, "utf-16-le", True),
        (b"\0\x07" * 8, "utf-16-be", True),
    ],
)
def test_what_is_no_text_is_told_from_text_in_any_encoding(
    tmp_path: Path, content: bytes, encoding: str, *, expected: bool
) -> None:
    """Conformance: E12."""
    path = tmp_path / "a.log"
    path.write_bytes(content)
    with path.open("rb") as file:
        assert is_garbled(file.fileno(), len(content), encoding) is expected
        assert not is_garbled(file.fileno(), len(content) + 1, encoding)


CHINESE = "\u7528\u6237\u767b\u5f55\u6210\u529f\uff0c\u8017\u65f6\u4e09\u79d2\u3002" * 100


@pytest.mark.parametrize(
    "content",
    [
        b"text\n" * 300,
        b"",
        b"\xff",
        b"8=FIX.4.4\x019=148\x0135=D\x0134=1080\x0149=TESTBUY1\x01\n" * 40,
        b"\x1b[31;1m\x07error\x1b[0m\x08\x08\n" * 60,
        b"\0" * 4096,
        CHINESE.encode(),
        CHINESE.encode()[1:],
        CHINESE.encode("gb18030"),
        CHINESE.encode("utf-16-le"),
        CHINESE.encode("utf-16-be")[:1023],
        "\u041e\u0448\u0438\u0431\u043a\u0430\n".encode("cp1251") * 200,
        "\u041e\u0448\u0438\u0431\u043a\u0430\n".encode("utf-16-le") * 200,
    ],
)
def test_no_text_in_any_encoding_is_noise(tmp_path: Path, content: bytes) -> None:
    """Conformance: E12."""
    path = tmp_path / "a.log"
    path.write_bytes(content)
    with path.open("rb") as file:
        assert not is_noise(file.fileno())


def test_what_shredded_files_are_written_over_with_is_noise(tmp_path: Path) -> None:
    path, chooser = tmp_path / "a.log", random.Random(1)
    for _ in range(1_000):
        path.write_bytes(chooser.randbytes(4096))
        with path.open("rb") as file:
            assert is_noise(file.fileno())


@pytest.mark.parametrize(("unit_bytes", "expected"), [(1, 70_001), (2, 70_000)])
def test_a_hole_ends_with_a_whole_unit(tmp_path: Path, unit_bytes: int, expected: int) -> None:
    """Conformance: B10, E12."""
    path = tmp_path / "a.log"
    path.write_bytes(bytes(70_001) + b"a\0\n")
    with path.open("rb") as file:
        assert first_byte_of(file.fileno(), unit_bytes) == expected
