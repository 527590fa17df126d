"""The line of each key, held against TOML in which lines are easy to miscount."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from logstream.config.lines import KeyPath, key_lines, line_of

TRICKY = '''\
# a comment with = and [brackets]
top = "a # no comment"
[server]   # a table
"quo\\u0074ed" . key = 1
text = """
[not_a_table]
fake = 1 \\""" still ""\\"
"""
raw = \'\'\'
[[nor_this]]\'\'\'

paths = [ # in an array
  "x", [1,
  2],
  { a = 1, b = "]" },
]
when = 1979-05-27 07:32:00
[[source]]
name = [\'\'\'a\'\'\'\', "]", 'c']
[source.labels]
a = 1
[[ source ]]
labels.b = 2
[[source.part]]
c = 3
'''


def test_keys_tables_and_items_are_found_on_their_lines() -> None:
    lines = key_lines(TRICKY)
    assert lines == {
        ("top",): 2,
        ("server",): 3,
        ("server", "quoted"): 4,
        ("server", "quoted", "key"): 4,
        ("server", "text"): 5,
        ("server", "raw"): 9,
        ("server", "paths"): 12,
        ("server", "paths", 0): 13,
        ("server", "paths", 1): 13,
        ("server", "paths", 1, 0): 13,
        ("server", "paths", 1, 1): 14,
        ("server", "paths", 2): 15,
        ("server", "paths", 2, "a"): 15,
        ("server", "paths", 2, "b"): 15,
        ("server", "when"): 17,
        ("source",): 18,
        ("source", 0): 18,
        ("source", 0, "name"): 19,
        ("source", 0, "name", 0): 19,
        ("source", 0, "name", 1): 19,
        ("source", 0, "name", 2): 19,
        ("source", 0, "labels"): 20,
        ("source", 0, "labels", "a"): 21,
        ("source", 1): 22,
        ("source", 1, "labels"): 23,
        ("source", 1, "labels", "b"): 23,
        ("source", 1, "part"): 24,
        ("source", 1, "part", 0): 24,
        ("source", 1, "part", 0, "c"): 25,
    }
    assert set(lines) == set(paths_in(tomllib.loads(TRICKY)))


def test_what_is_missing_is_on_the_line_of_what_it_is_missing_from() -> None:
    lines = key_lines("\n[[source]]\n")
    assert line_of(("source", 0, "name"), lines) == 2
    assert line_of(("server",), lines) == 0


def paths_in(value: object, path: KeyPath = ()) -> list[KeyPath]:
    if isinstance(value, dict):
        return [inner for key, item in value.items() for inner in [(*path, key), *paths_in(item, (*path, key))]]
    if isinstance(value, list):
        return [inner for at, item in enumerate(value) for inner in [(*path, at), *paths_in(item, (*path, at))]]
    return []


keys = st.sampled_from(["a", "b-c", "1", '"x y"', '"]"', "'='", '"q\\"#"'])
scalars = st.sampled_from(
    [
        "1",
        "-1.5e3",
        "true",
        '"#"',
        "'['",
        '"""\n]\n"""',
        "'''\n''x'''",
        "'''a'''''",
        "'''a''''",
        '"""a""""',
        '""""a"""""',
        '""',
        "inf",
        "07:32:00",
    ]
)
gaps = st.sampled_from(["", " ", "\n", " # ]\n", "\n\n"])


@st.composite
def inline_values(draw: st.DrawFn, depth: int = 2) -> str:
    kind = draw(st.integers(0, 3 if depth else 0))
    if kind <= 1:
        return draw(scalars)
    if kind == 2:
        items = [draw(gaps) + draw(inline_values(depth - 1)) + draw(gaps) for _ in range(draw(st.integers(0, 3)))]
        return "[" + ",".join(items) + "]"
    names = draw(st.lists(keys, unique=True, max_size=3))
    return "{" + ", ".join(f"{name} = {draw(inline_values(depth - 1))}" for name in names) + "}"


@st.composite
def documents(draw: st.DrawFn) -> str:
    text = ""
    for number in range(draw(st.integers(0, 4))):
        header = draw(
            st.sampled_from([f"[t{number}]", f"[t{number}.'x y']", "[[list]]", "[[ list . inner ]]", "# [c]"])
        )
        names = draw(st.lists(keys, unique=True, max_size=3))
        pairs = [f"{name} = {draw(inline_values())}{draw(st.sampled_from(['', ' # c']))}" for name in names]
        text += "\n".join([header if number else "", *pairs, ""])
    return text


@given(documents())
def test_exactly_the_keys_that_tomllib_finds_have_a_line_and_stand_on_it(text: str) -> None:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # such as [[list.inner]] before [[list]] is followed by a table of that name
    lines = key_lines(text)
    assert set(lines) == set(paths_in(tables))
    written = text.split("\n")
    for path, line in lines.items():
        if isinstance(path[-1], str):
            assert path[-1].split('"')[0] in written[line - 1]
