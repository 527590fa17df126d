"""Words are found in bytes where they are found in the text that is shown of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logstream.rules import Pattern, PatternSet, compile_query, parse_query
from logstream.rules import literals as literals_module
from logstream.rules.literals import Literals, may_be_literal
from logstream.rules.scanning import Scanner

PIECES = (
    b"sk",
    b"S",
    b"\xc5\xbf",
    b"k",
    b"K",
    b"\xe2\x84\xaa",
    b"\xe2",
    b"\x84\xaa",
    b"\xc5",
    b"\xff",
    b" ",
    b".",
    b"x\r",
)
WORDS = ("sk", "k", "s s", "ks", ".", "x", "SK", "\\", "a\0b")

lines = st.lists(st.lists(st.sampled_from(PIECES), max_size=8).map(b"".join), min_size=1, max_size=6)


@settings(max_examples=500)
@given(lines, st.lists(st.sampled_from(WORDS), min_size=1, max_size=3), st.sampled_from([b"", b"sk" * 40]))
def test_a_line_has_a_stop_if_one_of_the_words_is_in_its_text(
    content: list[bytes], words: list[str], beyond: bytes
) -> None:
    raw = b"".join(line + b"\n" for line in content)
    patterns = PatternSet([Pattern.of_text(word) for word in words])
    shown = [line.decode(errors="replace").encode() for line in content]
    expected = [index for index, line in enumerate(shown) if any(patterns.scan(line, [len(line)]))]

    found = Literals(words).stops(raw + beyond, len(raw))

    ends = [sum(len(line) + 1 for line in content[: index + 1]) - 1 for index in range(len(content))]
    assert [ends.index(stop) for stop in found] == expected
    first = Literals(words).stops(raw + beyond, len(raw), only_first=True)
    assert first == [ends[index] for index in expected[:1]]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.text("abcdKks\u017f\u212a \r.", max_size=24).map(str.encode), min_size=1, max_size=60),
    st.sampled_from(["abcd", "kabcdk", "dcbasabcd", "b.d c", "ka b.cs", "abab", "ABCD", "sks"]),
    st.sampled_from([1, 3, 32]),
    st.sampled_from([b"", b"sk" * 40]),
)
def test_a_word_is_found_by_a_part_of_it_where_it_is_found_by_itself(
    monkeypatch: pytest.MonkeyPatch, content: list[bytes], word: str, most: int, beyond: bytes
) -> None:
    text = word.encode()
    raw = b"".join(line + text * (number % 3 == 0) + b"\n" for number, line in enumerate(content))
    alone = Literals([word])
    alone._part = None
    monkeypatch.setattr(literals_module, "_FEWEST_BYTES", 0)
    monkeypatch.setattr(literals_module, "_MOST_SUSPECTS", most)
    words = Literals([word])
    for _ in range(3):
        assert words.stops(raw + beyond, len(raw)) == alone.stops(raw + beyond, len(raw))
    first = words.stops(raw + beyond, len(raw), only_first=True)
    assert first == alone.stops(raw + beyond, len(raw))[:1]


def test_what_no_other_letter_stands_for_is_looked_for_first_and_the_rarest_beginning_of_it() -> None:
    words = Literals(["deadlock"])
    assert words._part is not None
    content = b"the order is dead\n" * 5_000 + b"a deadloc and no more\na DEADLOC\xe2\x84\xaa\n"
    assert words.stops(content, len(content)) == [len(content) - 1]
    assert Literals(["task"])._part is None, "what is left of it is too short"
    assert Literals(["error", "warn"])._part is None, "two are not found so fast"
    sought = words._part._made_for(content[:1_000])
    assert sought.stops(b"adlo eadlo\n", 11) == []
    assert sought.stops(b"adloc eadlo\n", 12) == [5]


def test_a_word_in_plain_letters_is_told_from_a_part_of_it_without_a_scan() -> None:
    words = Literals(["deadlock"])
    words._scanner = Scanner(())
    content = b"the order is dead\n" * 5_000 + b"a deadloc and no more\na Deadlock\na DEADLOC\xe2\x84\xaa\n"
    assert words.stops(content, len(content)) == [content.index(b"Deadlock") + len("Deadlock")]


@pytest.mark.parametrize(("text", "may_be"), [("deadlock", True), ("Ä", False), ("a\nb", False), ("a b", True)])
def test_a_word_of_another_alphabet_or_with_a_line_end_is_left_to_patterns(text: str, *, may_be: bool) -> None:
    assert may_be_literal(text) is may_be


@pytest.mark.parametrize(
    ("query", "is_literal"),
    [
        ("deadlock", True),
        ("error OR warn", True),
        ("error OR Ä", False),
        ("/x/", False),
        ("error /x/", True),
        ("a*b", False),
    ],
)
def test_a_query_of_words_searches_bytes(query: str, *, is_literal: bool) -> None:
    sieve = compile_query(parse_query(query)).sieve
    assert sieve is not None
    invalid = b"\xff error Deadlock x warn\n"
    assert bool(sieve.stops(invalid, len(invalid))) is is_literal


def test_one_search_may_be_asked_from_many_threads_at_once() -> None:
    words = Literals(["needle"])
    content = b"".join(b"needle\n" if number % 7 == 0 else b"hay\n" for number in range(5000))
    expected = words.stops(content, len(content))
    with ThreadPoolExecutor(8) as threads:
        assert all(found == expected for found in threads.map(lambda _: words.stops(content, len(content)), range(40)))
