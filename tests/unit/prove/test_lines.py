"""A numbered line says which it is, and nothing that was altered on its way passes for one."""

from __future__ import annotations

import pytest

from logstream.prove.lines import Line, line_of, text_of

LINE = Line("logstream-prove-1f2e-renamed.log", 12, 95)


@pytest.mark.parametrize("number", [0, 1, 95, 96, 97, 123_456])
def test_each_line_is_known_by_its_text(number: int) -> None:
    line = LINE._replace(number=number)

    assert line_of(text_of(line)) == line


def test_lines_differ_in_length_and_some_are_long() -> None:
    lengths = {len(text_of(LINE._replace(number=number))) for number in range(200)}

    assert len(lengths) > 100
    assert max(lengths) > 3_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "something else",
        text_of(LINE)[1:] + "x",
        text_of(LINE)[:-1],
        text_of(LINE).replace("...|", "..|"),
        text_of(LINE) + text_of(LINE),
        text_of(LINE).replace("line 95", "line 095"),
        text_of(LINE).replace("life 12", "life 13"),
    ],
)
def test_what_was_cut_joined_or_altered_is_no_line(text: str) -> None:
    assert line_of(text) is None
