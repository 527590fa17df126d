from __future__ import annotations

import pytest

from logstream.tail.framing import encoding_of, framing_of, spoken_encoding

LITTLE, BIG = "utf-16-le", "utf-16-be"


@pytest.mark.parametrize(
    ("head", "configured", "encoding"),
    [
        (b"\xff\xfea\0", "utf-8", LITTLE),
        (b"\xfe\xff\0a", "utf-8", BIG),
        (b"\xfe\xff\0a", "utf-16", BIG),
        (b"\xfe\xff\0a", LITTLE, BIG),
        (b"\xff\xfea\0", BIG, LITTLE),
        (b"a\0b\0", LITTLE, LITTLE),
        (b"\0a\0b", BIG, BIG),
        (b"a\0b\0", "utf-16", LITTLE),
        (b"", "utf-16", LITTLE),
        (b"\xff", "utf-8", "utf-8"),
        (b"a\0b\0", "utf-8", "utf-8"),
        (b"\xef\xbb\xbfa", "utf-8", "utf-8"),
        (b"\xff\xfea\0", "iso8859-1", "iso8859-1"),
    ],
)
def test_a_mark_wins_over_what_is_configured_where_it_can_be_no_text(
    head: bytes, configured: str, encoding: str
) -> None:
    """Conformance: E12."""
    assert encoding_of(head, configured) == encoding


@pytest.mark.parametrize(
    ("head", "configured", "encoding"),
    [
        (b"", "utf-8", BIG),
        (b"\0a\0\n", "utf-8", BIG),
        (b"a\n", "utf-8", "utf-8"),
        (b"\xff\xfea\0", "utf-8", LITTLE),
        (b"a\n", "utf-16", BIG),
        (b"\0a", LITTLE, LITTLE),
        (b"\0a", "iso8859-1", "iso8859-1"),
    ],
)
def test_a_file_without_a_mark_is_taken_for_what_it_was_before_as_long_as_nothing_speaks_against_it(
    head: bytes, configured: str, encoding: str
) -> None:
    """Conformance: E12."""
    assert encoding_of(head, configured, BIG) == encoding


@pytest.mark.parametrize(
    ("cut_in", "configured", "spoken"),
    [
        ("utf-8", "iso8859-1", "iso8859-1"),
        ("iso8859-1", "utf-8", "utf-8"),
        (BIG, "utf-8", BIG),
        (BIG, LITTLE, BIG),
        ("utf-8", LITTLE, "utf-8"),
        ("utf-8", "utf-16", "utf-8"),
    ],
)
def test_what_was_cut_in_utf_16_is_read_so_whatever_is_configured_by_now(
    cut_in: str, configured: str, spoken: str
) -> None:
    """Conformance: E12."""
    assert spoken_encoding(cut_in, configured) == spoken


@pytest.mark.parametrize(
    ("encoding", "content", "start", "first", "last", "count"),
    [
        ("utf-8", b"a\nb\nc", 0, 2, 4, 2),
        ("utf-8", b"ab", 0, 0, 0, 0),
        (LITTLE, b"\x0d\x0a\0\x0a\x0a\0\x0a\x0aa\0\x0a\0b\0", 0, 6, 12, 2),
        (LITTLE, b"\0\x0a\0a\0\x0a\0b", 1, 3, 7, 2),
        (BIG, b"\x0a\0\0\x0a\x0a\x0a\0a\0\x0a\0b", 4, 4, 10, 2),
        (BIG, b"\x0a\0\x0a", 0, 0, 0, 0),
    ],
)
def test_line_ends_are_found_in_whole_units(  # noqa: PLR0913, PLR0917 - what is looked in, and what is found
    encoding: str, content: bytes, start: int, first: int, last: int, count: int
) -> None:
    """Conformance: E12."""
    framing = framing_of(encoding)

    assert framing.first_end(content, start) == first
    assert framing.last_end(content, start) == last
    assert framing.count(content, start) == count
