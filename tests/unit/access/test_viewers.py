"""What a list of globs lets see, and that an empty one never means everything."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logstream.access import ANYBODY, SourceScope, Viewer, everything, scope_of
from logstream.access.viewers import NO_SOURCE

NAMES = ("app", "db", "web-a", "web-b")


def seen(*globs: str) -> SourceScope:
    return scope_of(Viewer("session", "alice", globs), NAMES)


@pytest.mark.parametrize(
    ("globs", "names"),
    [
        (("web-*",), ("web-a", "web-b")),
        (("db", "app"), ("app", "db")),
        (("nothing",), ()),
        ((), ()),
        (("web-?",), NAMES[2:]),
    ],
)
def test_those_are_seen_whose_name_meets_one_of_the_globs(globs: tuple[str, ...], names: tuple[str, ...]) -> None:
    assert seen(*globs) == SourceScope(names, is_whole=False)


def test_whoever_sees_everything_asks_as_if_nobody_were_asked() -> None:
    assert seen("*") == scope_of(ANYBODY, NAMES) == everything(NAMES)
    assert seen("db", "*").is_whole
    assert seen("*").selected(()) == ()
    assert seen("*").selected(["web-*", "app", "app"]) == ("app", "web-*")


def test_where_something_is_hidden_names_are_asked_for_and_never_all() -> None:
    assert seen("web-*").selected(()) == ("web-a", "web-b")
    assert seen("web-*", "db").selected(["*b"]) == ("db", "web-b")
    assert seen("web-*").selected(["app"]) == (NO_SOURCE,)
    assert seen().selected(()) == (NO_SOURCE,)


LETTERS = st.sampled_from("ab*?[]!-")
GLOBS = st.lists(st.text(LETTERS, min_size=1, max_size=5), max_size=3)


@given(GLOBS, GLOBS, st.lists(st.text("ab", min_size=1, max_size=4), max_size=5, unique=True))
def test_whatever_is_asked_for_nothing_hidden_is_looked_at(
    given_: list[str], asked: list[str], names: list[str]
) -> None:
    scope = scope_of(Viewer("token", "t", tuple(given_)), names)
    looked_at = scope.selected(asked)
    for name in (*names, "", "later"):
        is_selected = not looked_at or any(fnmatchcase(name, glob) for glob in looked_at)
        may = any(fnmatchcase(name, glob) for glob in given_) and (scope.is_whole or name in names)
        assert may or not is_selected
